// The demo's next hop: a real SMTP server in the place of the mail server that released mail is delivered to. Keeps nothing; says what
// arrives. Called by start-demo.ts.
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerSession } from 'smtp-server';
import { readMessage } from '../../quarantine/reading/read-message.ts';
import { traceHeaderName } from '../../quarantine/trace.ts';

export interface Arrived {
  sender: string;
  recipients: string[];
  subject: string;
  sizeBytes: number;
  /** What the quarantine wrote at the top of the released copy: message and holding. */
  trace: string;
}

export interface NextHop {
  port: number;
  close(): Promise<void>;
}

export interface NextHopOptions {
  /** Refused with 550, as a mail server does for a mailbox that is gone. */
  unknownMailbox: string;
  onArrived(arrived: Arrived): void;
  onRefused(recipient: string, reply: string): void;
}

export async function startNextHop({ unknownMailbox, onArrived, onRefused }: NextHopOptions): Promise<NextHop> {
  const server = new SMTPServer({
    name: 'next-hop.example.com',
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    // The quarantine has hung up before this is closed.
    closeTimeout: 1_000,
    onRcptTo({ address }, _session, callback) {
      if (address !== unknownMailbox) return callback();
      const text = `5.1.1 <${address}>: there is no such mailbox any more`;
      onRefused(address, `550 ${text}`);
      callback(Object.assign(new Error(text), { responseCode: 550 }));
    },
    onData(stream, session, callback) {
      buffer(stream).then((raw) => {
        onArrived(arrivedFrom(raw, session));
        callback();
      }, callback);
    },
  });
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  // A connection that breaks off is the quarantine's to notice.
  server.on('error', () => undefined);
  const bound = listener.address();
  if (!bound || typeof bound === 'string') throw new Error('The next hop has no port.');
  return { port: bound.port, close: () => new Promise((resolve) => server.close(resolve)) };
}

function arrivedFrom(raw: Buffer, { envelope }: SMTPServerSession): Arrived {
  const [first = ''] = raw.toString('latin1', 0, 1_000).split('\r\n');
  return {
    sender: envelope.mailFrom ? envelope.mailFrom.address : '',
    recipients: envelope.rcptTo.map(({ address }) => address),
    subject: readMessage(raw).summary.subject,
    sizeBytes: raw.length,
    trace: first.startsWith(`${traceHeaderName}: `) ? (first.split(' ')[1] ?? '') : 'missing',
  };
}
