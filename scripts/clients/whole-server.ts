// A whole Lazaretto as an administrator sets one up: a settings file, domains and logins by command, `lazaretto serve` as a process of its
// own; a scripted next hop beside it. The mail of letters.ts is there when it has started. Used by the clients of run.ts, each for itself.
//
//   run: onWholeServer(async (server, tell) => {
//     … let a client loose on server.imapsPort …
//     await server.check({ delivered: [letters.release], ham: [], spam: [], states: { … } });
//   }),
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import type { Listening } from '../../src/main.ts';
import { startFarEnd } from '../../test/helpers/far-end.ts';
import type { FarEnd } from '../../test/helpers/far-end.ts';
import { RawSmtp } from '../../test/helpers/raw-smtp.ts';
import type { Tell } from './client.ts';
import { letters } from './letters.ts';
import type { Letter } from './letters.ts';
import { killProgram, runProgram, startProgram } from './programs.ts';

/** TEST_LAUNCHER names that of an installed bundle, to be tested in the place of the sources. */
const launcher = process.env.TEST_LAUNCHER ?? join(import.meta.dirname, '..', '..', 'src', 'cli', 'lazaretto.js');
const settledWithinMs = 60_000;
const stoppedWithinMs = 30_000;

export const password = 'Correct "horse" \\ 7';
/** Those of alice@example.com, as they come over the wire. */
export const userFolders = ['INBOX', 'Caught', 'Training Requested', 'Release', 'Release &- Train', 'Not Spam', 'Spam'];
export const loginNames = ['global', 'example.com', 'alice@example.com'] as const;

export interface Outcome {
  /** In any order; each once, to its envelope. */
  delivered: readonly Letter[];
  ham: readonly Buffer[];
  spam: readonly Buffer[];
  /** Taken out of what was reported before it is compared: what a client adds to mail that it brings. */
  ignoring?: RegExp;
  /** By subject: what `message list` says of the letters that are not simply held. */
  states: Readonly<Record<string, RegExp>>;
}

export interface WholeServer extends AsyncDisposable {
  /** Empty, for the client's own files. */
  home: string;
  imapsPort: number;
  imapPort: number;
  /** PEM file of the certificate, which is for `localhost`. */
  certificate: string;
  handIn(letter: Letter): Promise<void>;
  /** A command beside the running server, with --json. */
  lazaretto(...args: string[]): Promise<unknown>;
  /** Waits until no job is due, then compares the next hop, the training Maildir and the store with what they should have. */
  check(outcome: Outcome): Promise<void>;
}

/** The `run` of a client. */
export function onWholeServer(act: (server: WholeServer, tell: Tell) => Promise<void>): (tell: Tell) => Promise<void> {
  return async (tell) => {
    await using server = await startWholeServer();
    await act(server, tell);
  };
}

async function startWholeServer(): Promise<WholeServer> {
  await using started = new AsyncDisposableStack();
  const directory = started.use(await mkdtempDisposable(join(tmpdir(), 'lazaretto-clients-'))).path;
  const farEnd = await startFarEnd();
  started.defer(() => farEnd.close());
  await writeFile(join(directory, 'lazaretto.yaml'), settingsText(farEnd.url));
  const command = (args: readonly string[], input?: string): Promise<unknown> => runCommand(directory, args, input);
  await command(['domain', 'add', 'example.com', '--deliver-to', farEnd.url, '--alias', 'example.net']);
  for (const name of loginNames) await command(['account', 'add', name, '--password-stdin'], `${password}\n`);
  const { listening, stop } = await serve(directory);
  started.defer(stop);
  const portOf = (wanted: (one: Listening) => boolean): number => listening.find(wanted)?.port ?? 0;
  const handInLetter = (letter: Letter): Promise<void> =>
    handIn(
      portOf(({ folder }) => folder === letter.folder),
      letter,
    );
  for (const letter of Object.values(letters)) await handInLetter(letter);
  const whole = started.move();
  return {
    home: join(directory, 'home'),
    imapsPort: portOf(({ name }) => name === 'IMAPS'),
    imapPort: portOf(({ name }) => name === 'IMAP'),
    certificate: join(directory, 'data', 'tls', 'cert.pem'),
    handIn: handInLetter,
    lazaretto: (...args) => command(args),
    check: (outcome) => checkOutcome(command, { farEnd, reports: join(directory, 'data', 'reports') }, outcome),
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  };
}

function settingsText(deliverTo: string): string {
  return `hostname: localhost
roles: [imap, intake, worker]
imap:
  listen:
    - { address: 127.0.0.1, port: 0, tls: implicit }
    - { address: 127.0.0.1, port: 0, tls: starttls }
intake:
  - { protocol: lmtp, port: 0, folder: caught }
  - { protocol: lmtp, port: 0, folder: outgoing }
  - { protocol: smtp, port: 0, folder: training }
http: { port: 0 }
delivery: { outgoing: '${deliverTo}' }
trustedHosts: [filter.example.test]
`;
}

async function runCommand(directory: string, args: readonly string[], input?: string): Promise<unknown> {
  const { code, stdout, stderr } = await runProgram(process.execPath, [launcher, ...args, '--json'], {
    cwd: directory,
    ...(input === undefined ? {} : { input }),
  });
  assert.equal(code, 0, `lazaretto ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout.toString()) as unknown;
}

async function serve(directory: string): Promise<{ listening: readonly Listening[]; stop(): Promise<void> }> {
  const child = startProgram(process.execPath, [launcher, 'serve'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout);
  const problems: string[] = [];
  const { promise: started, resolve, reject } = Promise.withResolvers<readonly Listening[]>();
  child.once('exit', (code) => reject(new Error(`lazaretto serve ended with ${code}`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as { level: number; event?: string; listening?: Listening[] };
    if (entry.event === 'started') resolve(entry.listening ?? []);
    // pino's number for "error".
    if (entry.level >= 50) problems.push(line);
  });
  const stop = async (): Promise<void> => {
    await end(child);
    assert.deepEqual(problems, [], 'the server logged errors');
  };
  try {
    return { listening: await started, stop };
  } catch (error) {
    await end(child);
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => killProgram(child), stoppedWithinMs);
  child.kill('SIGTERM');
  await once(child, 'exit');
  clearTimeout(late);
  assert.equal(child.signalCode, null, 'the server ends by itself when it is told to');
}

async function handIn(port: number, { folder, sender, recipients, raw }: Letter): Promise<void> {
  const client = await RawSmtp.greet(
    port,
    folder === 'training' ? 'EHLO filter.example.test' : 'LHLO filter.example.test',
  );
  for (const line of [`MAIL FROM:<${sender}>`, ...recipients.map((recipient) => `RCPT TO:<${recipient}>`)]) {
    assert.match(await client.command(line), /^250/);
  }
  for (const reply of await client.data(raw, folder === 'training' ? 1 : recipients.length))
    assert.match(reply, /^250/);
  await client.quit();
}

interface ListedMessage {
  folder: string;
  headers: { subject: string };
  state: string;
}

async function checkOutcome(
  command: (args: readonly string[]) => Promise<unknown>,
  { farEnd, reports }: { farEnd: FarEnd; reports: string },
  { delivered, ham, spam, ignoring, states }: Outcome,
): Promise<void> {
  const deadline = Date.now() + settledWithinMs;
  for (
    let due = await command(['jobs', 'list']);
    Array.isArray(due) && due.length;
    due = await command(['jobs', 'list'])
  ) {
    assert.ok(Date.now() < deadline, `jobs are still due: ${JSON.stringify(due)}`);
    await wait(100);
  }
  const received = farEnd.received.map(({ sender, recipients, content }) => {
    const trace = content.indexOf('\n') + 1;
    assert.match(content.toString('latin1', 0, trace), /^X-Lazaretto-Release: \S+ by localhost\r\n$/);
    return { sender, recipients, content: content.toString('latin1', trace) };
  });
  const expected = delivered.map(({ sender, recipients, raw }) => ({
    sender,
    recipients,
    content: raw.toString('latin1'),
  }));
  const byContent = (a: { content: string }, b: { content: string }): number => (a.content < b.content ? -1 : 1);
  assert.deepEqual(received.sort(byContent), expected.sort(byContent), 'what the next hop received');
  for (const [verdict, examples] of Object.entries({ ham, spam })) {
    const directory = join(reports, verdict, 'new');
    const names = await readdir(directory).catch(() => []);
    const learned = await Promise.all(names.map((name) => readFile(join(directory, name), 'latin1')));
    const compared = ignoring ? learned.map((text) => text.replace(ignoring, '')) : learned;
    const wanted = examples.map((example) => example.toString('latin1'));
    assert.deepEqual(compared.sort(), wanted.sort(), `what was reported as ${verdict}`);
  }
  const listed = (await command(['message', 'list', '--all'])) as ListedMessage[];
  for (const { subject } of Object.values(letters)) {
    // What was appended and reported is kept beside what was handed in.
    const found = listed.filter(({ folder, headers }) => folder !== 'reports' && headers.subject === subject);
    assert.equal(found.length, 1, `${subject} is in the store once`);
    assert.match(found[0]?.state ?? '', states[subject] ?? /^held$/, `the state of "${subject}"`);
  }
}
