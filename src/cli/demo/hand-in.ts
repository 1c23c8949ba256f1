// Hands the sample mail to the demo's server as a filter would: over LMTP and SMTP, with envelopes of its own. Called by start-demo.ts.
import { createTransport } from 'nodemailer';
import type { IntakeView } from '../../quarantine/receive.ts';
import { sampleBytes, samples } from './sample-mail.ts';

export interface Door {
  protocol: 'lmtp' | 'smtp';
  port: number;
}

/** All of it is in the quarantine when this resolves. @throws Error when the server refuses any of it */
export async function handInSamples(doors: Record<IntakeView, Door>, now: number): Promise<void> {
  for (const sample of samples) {
    const { protocol, port } = doors[sample.door];
    const transport = createTransport({ host: '127.0.0.1', port, lmtp: protocol === 'lmtp', ignoreTLS: true });
    const { sender, recipients } = sample.envelope;
    const { rejected } = await transport.sendMail({
      envelope: { from: sender, to: recipients },
      raw: await sampleBytes(sample, now),
    });
    transport.close();
    if (rejected.length) throw new Error(`The sample ${sample.file} was refused.`);
  }
}
