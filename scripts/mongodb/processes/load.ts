// The work that goes on while processes are killed: a filter that hands mail in, and people who drag it. Both go through the balancer, do not
// repeat what was not answered, and note what was. Nobody waits for ever (patience.ts).
import { setTimeout as wait } from 'node:timers/promises';
import { RawImap } from '../../../test/helpers/raw-imap.ts';
import type { Reply } from '../../../test/helpers/raw-imap.ts';
import { RawSmtp } from '../../../test/helpers/raw-smtp.ts';
import type { SeededRandom } from '../../../test/helpers/seeded-random.ts';
import { ownAddress } from './journal.ts';
import type { Handed, Journal, Order } from './journal.ts';
import { patienceOf } from './patience.ts';
import type { Patience } from './patience.ts';

export interface LoadOptions {
  random: SeededRandom;
  journal: Journal;
  signal: AbortSignal;
  /** Between two messages, or two drags. */
  pauseMs: number;
}

export const recipients = ['alice@example.com', 'bob@example.com'] as const;

const drags = [
  { verb: 'MOVE', drop: 'Release' },
  { verb: 'COPY', drop: 'Release' },
  { verb: 'MOVE', drop: 'Release &- Train' },
  { verb: 'MOVE', drop: 'Not Spam' },
  { verb: 'MOVE', drop: 'Spam' },
] as const;

let lastNumber = 0;

export async function handInMail(port: number, options: LoadOptions): Promise<void> {
  await repeatedly(options, async ({ random, journal, signal }) => {
    const localAddress = ownAddress();
    const patience = patienceOf(`the filter at ${localAddress}`, journal);
    const connecting = RawSmtp.connect(port, { localAddress });
    const client = await patience('its connection', connecting, (late) => late.destroy());
    const stop = (): void => client.destroy();
    signal.addEventListener('abort', stop);
    try {
      await patience('LHLO', client.command('LHLO filter.example'));
      for (let count = random.between(1, 10); count > 0 && !signal.aborted; count--) {
        const handed: Handed = { subject: `mail-${++lastNumber}`, acceptedAt: null, id: null };
        journal.handed.push(handed);
        await handIn({ client, patience }, handed, random.pick(recipients));
        await wait(options.pauseMs);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      client.destroy();
    }
  });
}

interface Filter {
  client: RawSmtp;
  patience: Patience;
}

async function handIn({ client, patience }: Filter, handed: Handed, recipient: string): Promise<void> {
  await patience('MAIL', client.command('MAIL FROM:<sender@remote.example>'));
  await patience('RCPT', client.command(`RCPT TO:<${recipient}>`));
  const [reply = ''] = await patience(`DATA with ${handed.subject}`, client.data(mail(handed.subject)));
  if (!reply.startsWith('250')) return;
  handed.acceptedAt = Date.now();
  handed.id = /Kept as (\S+)/.exec(reply)?.[1] ?? null;
}

export function mail(subject: string): Buffer {
  return Buffer.from(
    `Subject: ${subject}\r\nFrom: sender@remote.example\r\nMessage-ID: <${subject}@remote.example>\r\n\r\nText of ${subject}.\r\n`,
  );
}

export async function dragMail(
  port: number,
  { login, password }: { login: string; password: string },
  options: LoadOptions,
): Promise<void> {
  await repeatedly(options, async ({ random, journal, signal }) => {
    const localAddress = ownAddress();
    const patience = patienceOf(`${login} at ${localAddress}`, journal);
    const connecting = RawImap.connect(port, { localAddress });
    const client = await patience('its connection', connecting, (late) => void late.socket.destroy());
    const ask = (command: string): Promise<Reply> => patience(command, client.command(command));
    const stop = (): void => void client.socket.destroy();
    signal.addEventListener('abort', stop);
    try {
      await patience('LOGIN', client.login(login, password));
      await ask('SELECT Caught');
      for (let count = random.between(5, 30); count > 0 && !signal.aborted; count--) {
        const { untagged } = await ask('UID SEARCH UNKEYWORD $Released');
        const uids = (/^\* SEARCH (.*)$/m.exec(untagged.join('\n'))?.[1] ?? '').split(' ').filter(Boolean);
        if (uids.length) await drag(ask, { uid: random.pick(uids), ...random.pick(drags) }, journal);
        await wait(options.pauseMs);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      client.socket.destroy();
    }
  });
}

async function drag(
  ask: (command: string) => Promise<Reply>,
  { uid, verb, drop }: { uid: string; verb: string; drop: string },
  journal: Journal,
): Promise<void> {
  const fetched = await ask(`UID FETCH ${uid} BODY.PEEK[HEADER.FIELDS (SUBJECT)]`);
  const subject = /Subject: (\S+)/i.exec(fetched.untagged.join('\n'))?.[1];
  if (!subject) return;
  const order: Order = { subject, drop, answered: false };
  journal.orders.push(order);
  const { status, text, untagged } = await ask(`UID ${verb} ${uid} "${drop}"`);
  // What somebody else took away meanwhile is answered OK, too, and named in no COPYUID.
  order.answered = status === 'OK' && new RegExp(`\\[COPYUID \\d+ ${uid} `).test(`${text}\n${untagged.join('\n')}`);
}

/** Begins again after every end; a lost connection is what this run is about. */
async function repeatedly(options: LoadOptions, work: (options: LoadOptions) => Promise<void>): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await work(options);
    } catch {
      await wait(100);
    }
  }
}
