// Lazaretto as an administrator runs it: a settings file, a store on disk, `lazaretto serve` as a process of its own. The store is filled
// before it starts, through the storage and without a door in between.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openAccounts } from '../../../src/accounts/open-accounts.ts';
import type { Listening } from '../../../src/main.ts';
import { openQuarantine } from '../../../src/open-quarantine.ts';
import { blankDomain } from '../../../src/quarantine/domains.ts';
import type { Log } from '../../../src/quarantine/ports.ts';
import { receive } from '../../../src/quarantine/receive.ts';
import { loadSettings } from '../../../src/settings.ts';
import type { Login } from '../client.ts';
import { endChild } from '../clean-up.ts';
import { writeCertificate } from './server.ts';
import type { Server } from './server.ts';

const launcher = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'lazaretto.js');

export interface StoredMail {
  raw: Buffer;
  /** Each of them becomes a message; the content is stored once. */
  recipients: string[];
  internalDate: number;
}

export interface Filling {
  logins: readonly Login[];
  mail: Iterable<StoredMail>;
  /** Where releases of example.com go; nowhere by default. */
  deliverTo?: string;
}

/** On their way into the store at once: the writer commits many together, and no more than its cache holds. */
const batchMessages = 2000;
const batchBytes = 64_000_000;

const silent = (): void => undefined;
export const silentLog: Log = { debug: silent, info: silent, warn: console.error, error: console.error };

export async function fillStore(directory: string, { logins, mail, deliverTo }: Filling): Promise<void> {
  const { cert, key } = await writeCertificate(directory);
  const file = join(directory, 'lazaretto.yaml');
  await writeFile(file, settingsText(cert, key));
  const { quarantine, close } = await openQuarantine(loadSettings(file), { log: silentLog });
  try {
    await quarantine.storage.domains.put(blankDomain('example.com', deliverTo ?? 'smtp://127.0.0.1:9'));
    await quarantine.domains.refresh();
    for (const { name, password } of logins) await openAccounts(quarantine).create(name, password);
    const store = ({ raw, recipients, internalDate }: StoredMail): Promise<unknown> => {
      const envelope = { sender: 'sender@remote.example', recipients };
      return receive(quarantine, { view: 'caught', raw, envelope, internalDate });
    };
    // One batch is made while the one before it is written.
    let written: Promise<unknown> = Promise.resolve();
    for (const batch of batches(mail)) {
      const next = Promise.all(batch.map(store));
      await Promise.all([written, new Promise(setImmediate)]);
      written = next;
    }
    await written;
  } finally {
    await close();
  }
}

function* batches(mail: Iterable<StoredMail>): Generator<StoredMail[]> {
  let batch: StoredMail[] = [];
  let [messages, bytes] = [0, 0];
  for (const one of mail) {
    batch.push(one);
    messages += one.recipients.length;
    bytes += one.raw.length;
    if (messages < batchMessages && bytes < batchBytes) continue;
    yield batch;
    batch = [];
    [messages, bytes] = [0, 0];
  }
  if (batch.length) yield batch;
}

function settingsText(cert: string, key: string): string {
  return `hostname: quarantine.example.test
tls: { cert: '${cert}', key: '${key}' }
imap: { listen: [ { address: 127.0.0.1, port: 0, tls: implicit } ] }
intake: [ { protocol: lmtp, port: 0, folder: caught } ]
http: { port: 0 }
limits: { connectionsPerLogin: 10000 }
`;
}

export interface Running extends Server {
  /** The door for caught mail. */
  lmtpPort: number;
  child: ChildProcess;
}

/** @param nodeOptions for example `--cpu-prof` */
export async function startLazaretto(directory: string, nodeOptions: readonly string[] = []): Promise<Running> {
  const child = spawn(process.execPath, [...nodeOptions, launcher, 'serve'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = endChild(child);
  const { promise, resolve, reject } = Promise.withResolvers<readonly Listening[]>();
  child.once('exit', (code) => reject(new Error(`lazaretto serve ended with ${code}`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as { level: number; event?: string; listening?: Listening[] };
    if (entry.event === 'started') resolve(entry.listening ?? []);
    // pino's number for "error".
    if (entry.level >= 50) console.error(line);
  });
  const listening = await promise;
  const portOf = (name: Listening['name']): number => listening.find((one) => one.name === name)?.port ?? 0;
  const ports = { port: portOf('IMAPS'), plainPort: null, lmtpPort: portOf('LMTP') };
  return { name: 'Lazaretto', ...ports, pid: child.pid ?? 0, mailbox: 'Caught', stop, child };
}
