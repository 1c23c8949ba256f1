// One round of the crash run: starts the server, hands mail in, drags it, and notes what was answered before the server died. Everything
// that was not answered may or may not have happened; what was answered must hold for ever.
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Listening } from '../../src/main.ts';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { RawSmtp, stuffed } from '../../test/helpers/raw-smtp.ts';
import { login, password } from './settings.ts';
import type { CrashPlace } from './settings.ts';

export interface RoundOptions {
  number: number;
  place: CrashPlace;
  /** The server kills itself at this step; 0: never. */
  killAt: number;
  /** The server is killed from outside after this time; null: not. */
  killAfterMs: number | null;
}

/** Subjects, which name the messages. */
export interface RoundResult {
  /** Answered 250 by LMTP. */
  acknowledged: string[];
  /** Everything that was tried to hand in. */
  attempted: string[];
  /** Orders that were answered OK, and those that were sent, by folder. */
  ordered: { drop: string; subject: string; answered: boolean }[];
  /** The round came to its end without the server being killed before. */
  finished: boolean;
  /** That the server took, when the round came to its end. */
  steps: number;
}

type Server = ChildProcessByStdio<Writable, Readable, null>;

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const script = new URL('./server.ts', import.meta.url).pathname;
  const { directory, store, nextHop } = options.place;
  const server: Server = spawn(process.execPath, [script, directory, store, nextHop, String(options.killAt)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  server.stdin.on('error', () => undefined);
  const gone = once(server, 'exit');
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const result: RoundResult = { acknowledged: [], attempted: [], ordered: [], finished: false, steps: 0 };
  let killer: NodeJS.Timeout | undefined;
  try {
    const ready = await lines.next();
    if (!ready.done) {
      if (options.killAfterMs !== null) killer = setTimeout(() => server.kill('SIGKILL'), options.killAfterMs);
      const listening = JSON.parse(ready.value) as Listening[];
      const port = (name: Listening['name']): number => listening.find((one) => one.name === name)?.port ?? 0;
      await play(options.number, { lmtp: port('LMTP'), imaps: port('IMAPS') }, result);
      server.stdin.write('wait\n');
      const idle = await lines.next();
      result.finished = !idle.done;
      if (!idle.done) result.steps = Number(idle.value);
    }
  } catch {
    // The connection was lost with the server: what was not answered stays unanswered.
  } finally {
    clearTimeout(killer);
    server.kill('SIGKILL');
    await gone;
  }
  return result;
}

async function play(round: number, ports: { lmtp: number; imaps: number }, result: RoundResult): Promise<void> {
  const subjects = ['release', 'copy', 'train', 'learn', 'keep'].map((what) => `${what}-${round}`);
  await Promise.all(subjects.map((subject) => handIn(ports.lmtp, subject, result)));
  const client = await RawImap.connect(ports.imaps);
  try {
    await client.login(login, password);
    await client.command('SELECT Caught');
    for (const [command, drop, what] of [
      ['MOVE', 'Release', 'release'],
      ['COPY', 'Release', 'copy'],
      ['MOVE', 'Release &- Train', 'train'],
      ['MOVE', 'Not Spam', 'learn'],
    ] as const) {
      await drag(client, { command, drop, subject: `${what}-${round}` }, result);
    }
    const subject = `foreign-${round}`;
    const order = { drop: 'Spam', subject, answered: false };
    result.ordered.push(order);
    order.answered = (await client.command('APPEND Spam ', mail(subject))).status === 'OK';
  } finally {
    await client.close();
  }
}

async function handIn(port: number, subject: string, result: RoundResult): Promise<void> {
  result.attempted.push(subject);
  const client = await RawSmtp.greet(port, 'LHLO crash.example');
  await client.command('MAIL FROM:<sender@remote.example>');
  await client.command(`RCPT TO:<${login}>`);
  await client.command('DATA');
  client.write(stuffed(mail(subject)));
  if ((await client.reply()).startsWith('250')) result.acknowledged.push(subject);
  client.socket.destroy();
}

async function drag(
  client: RawImap,
  { command, drop, subject }: { command: string; drop: string; subject: string },
  result: RoundResult,
): Promise<void> {
  const found = await client.command(`UID SEARCH SUBJECT "${subject}"`);
  const uid = /^\* SEARCH (\d+)$/.exec(found.untagged.at(-1) ?? found.untagged[0] ?? '')?.[1];
  if (!uid) return;
  const order = { drop, subject, answered: false };
  result.ordered.push(order);
  order.answered = (await client.command(`UID ${command} ${uid} "${drop}"`)).status === 'OK';
}

export function mail(subject: string): Buffer {
  return Buffer.from(`Subject: ${subject}\r\nFrom: sender@remote.example\r\n\r\nText of ${subject}.\r\n`);
}

export function subjectOf(content: Buffer): string {
  return /^Subject: (\S+)/m.exec(content.toString())?.[1] ?? '';
}
