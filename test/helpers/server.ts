// A whole Lazaretto for tests: every listener on a free port, a scripted next hop, training into a Maildir, three logins. Real sockets, real
// store, real worker; only the clock stands still until the test moves it.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HashCost } from '../../src/accounts/password-hash.ts';
import { startServer } from '../../src/main.ts';
import type { RunningServer, ServerParts } from '../../src/main.ts';
import type { Verdict } from '../../src/quarantine/job.ts';
import { defaultSettings } from '../../src/settings.ts';
import type { Settings } from '../../src/settings.ts';
import { shareCompiledSources } from './compile-cache.ts';
import { startFarEnd } from './far-end.ts';
import type { FarEnd, FarEndOptions } from './far-end.ts';
import { addLogin } from './logins.ts';
import { openTestQuarantine } from './quarantine.ts';
import type { TestQuarantine, TestQuarantineOptions } from './quarantine.ts';
import { RawImap } from './raw-imap.ts';
import { RawSmtp, stuffed } from './raw-smtp.ts';

export const password = 'Correct horse 7';
export const logins = ['global', 'example.com', 'alice@example.com', 'bob@example.com'] as const;
/** As cheap as argon2id can be, because passwords are not what these tests are about: half of the time of each would be theirs. */
const hashCost: HashCost = { memoryKib: 8, passes: 1, parallelism: 1 };
export type TestLogin = (typeof logins)[number];

export interface TestServerOptions extends TestQuarantineOptions {
  farEnd?: FarEndOptions;
  dropFolders?: Settings['imap']['dropFolders'];
  /** Who has an account, with `password`. */
  logins?: readonly string[];
  /** In the place of what the server makes of its settings. */
  parts?: ServerParts;
}

export interface TestServer extends TestQuarantine {
  farEnd: FarEnd;
  server: RunningServer;
  port(name: 'IMAPS' | 'IMAP'): number;
  /** Of the intake that fills this folder. */
  door(folder: 'caught' | 'outgoing' | 'training'): number;
  /** Logged in over TLS. */
  imap(login?: TestLogin): Promise<RawImap>;
  /** Logged in, with the mailbox open. */
  open(mailbox: string, login?: TestLogin): Promise<RawImap>;
  /** Hands a message in over LMTP (training: SMTP) and answers the last reply of each recipient. */
  handIn(
    raw: Buffer,
    options?: { folder?: 'caught' | 'outgoing' | 'training'; sender?: string; recipients?: string[] },
  ): Promise<string[]>;
  /** What the training Maildir has got. */
  learned(verdict: Verdict): Promise<Buffer[]>;
  /** Moves the clock, then waits until nothing is due or running. */
  pass(ms: number): Promise<void>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  shareCompiledSources();
  const farEnd = await startFarEnd(options.farEnd);
  const test = await openTestQuarantine({ deliverTo: farEnd.url, ...options }).catch(async (error: unknown) => {
    // Else it keeps the test run from ending.
    await farEnd.close();
    throw error;
  });
  const settings = testSettings(test.directory, farEnd.url, options);
  await Promise.all(
    (options.logins ?? logins).map((login) => addLogin(test.quarantine, login, password, { hashCost })),
  );
  const server = await startServer(settings, test.quarantine, { accounts: { hashCost }, ...options.parts });
  const clients: RawImap[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()));
    await server.close();
    await farEnd.close();
    await test.close();
  };
  const portOf = (found: { port: number } | undefined): number => {
    assert.ok(found, 'the server does not listen there');
    return found.port;
  };
  const self: TestServer = {
    ...test,
    farEnd,
    server,
    port: (name) => portOf(server.listening.find((one) => one.name === name)),
    door: (folder) => portOf(server.listening.find((one) => one.folder === folder)),
    async imap(login = 'alice@example.com') {
      const client = await RawImap.connect(self.port('IMAPS'));
      clients.push(client);
      assert.equal((await client.login(login, password)).status, 'OK');
      return client;
    },
    async open(mailbox, login) {
      const client = await self.imap(login);
      const reply = await client.command(`SELECT "${mailbox}"`);
      assert.equal(reply.status, 'OK', reply.text);
      return client;
    },
    handIn: (raw, handing) => handIn(self, raw, handing),
    async learned(verdict) {
      const directory = join(test.directory, 'reports', verdict, 'new');
      const names = await readdir(directory).catch(() => []);
      return Promise.all(names.sort().map((name) => readFile(join(directory, name))));
    },
    async pass(ms) {
      test.clock.advance(ms);
      await server.worker?.idle();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return self;
}

/** Every listener on a free port of 127.0.0.1; certificate and training Maildir in the directory. */
export function testSettings(
  directory: string,
  outgoing: string,
  { dropFolders = 'empty' }: TestServerOptions = {},
): Settings {
  const defaults = defaultSettings(directory);
  const address = '127.0.0.1';
  return {
    ...defaults,
    hostname: 'quarantine.example.test',
    dataDir: directory,
    imap: {
      dropFolders,
      listen: [
        { address, port: 0, tls: 'implicit', proxyProtocol: false },
        { address, port: 0, tls: 'starttls', proxyProtocol: false },
      ],
    },
    http: { address, port: 0 },
    intake: defaults.intake.map((door) => ({ ...door, port: 0 })),
    delivery: { ...defaults.delivery, outgoing },
    training: [{ type: 'maildir', name: 'maildir', path: join(directory, 'reports') }],
  };
}

async function handIn(
  server: TestServer,
  raw: Buffer,
  {
    folder = 'caught',
    sender = 'sender@remote.example',
    recipients = ['alice@example.com'],
  }: { folder?: 'caught' | 'outgoing' | 'training'; sender?: string; recipients?: string[] } = {},
): Promise<string[]> {
  const isLmtp = folder !== 'training';
  const client = await RawSmtp.greet(server.door(folder), isLmtp ? 'LHLO filter.example' : 'EHLO filter.example');
  const replies: string[] = [await client.command(`MAIL FROM:<${sender}>`)];
  for (const recipient of recipients) replies.push(await client.command(`RCPT TO:<${recipient}>`));
  const refused = replies.filter((reply) => !reply.startsWith('2'));
  if (refused.length) {
    await client.command('QUIT');
    return refused;
  }
  assert.match(await client.command('DATA'), /^354/);
  client.write(stuffed(raw));
  const answers: string[] = [];
  for (let i = 0; i < (isLmtp ? recipients.length : 1); i++) answers.push(await client.reply());
  await client.command('QUIT');
  return answers;
}

/** A complete small message. */
export function sampleMail(subject: string, header = ''): Buffer {
  return Buffer.from(
    `${header}From: Sender <sender@remote.example>\r\nTo: alice@example.com\r\nSubject: ${subject}\r\n` +
      `Message-ID: <${subject.replace(/\W+/g, '.')}@remote.example>\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n\r\nText of ${subject}.\r\n`,
  );
}
