// What 1, 2 and 4 whole processes on one store carry, beside one process on SQLite in the same run: arrivals by LMTP, drags by IMAP, and how
// long it takes until sessions in IDLE are told. Everything goes through HAProxy, and load, processes and store share this machine, so
// only the ratios mean something. Needs TEST_MONGODB_URL; README.md has results.
//
//   scripts/mongodb.sh java -- node scripts/bench/processes.ts [SECONDS]
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAccounts } from '../../src/accounts/open-accounts.ts';
import { openQuarantine } from '../../src/open-quarantine.ts';
import { blankDomain } from '../../src/quarantine/domains.ts';
import { defaultSettings } from '../../src/settings.ts';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { RawSmtp } from '../../test/helpers/raw-smtp.ts';
import { testDatabase } from '../mongodb/test-database.ts';
import { Cluster } from '../mongodb/processes/cluster.ts';
import { startFarEnds } from '../mongodb/processes/far-ends.ts';
import { ownAddress } from '../mongodb/processes/journal.ts';
import { mail } from '../mongodb/processes/load.ts';

const seconds = Number(process.argv[2] ?? 8);
const [dragger, reader] = ['alice@example.com', 'bob@example.com'];
const password = 'how fast is it';
const atOnce = 8;
const notices = 60;
let lastMail = 0;
let nextShare = 0;

interface Figures {
  store: string;
  processes: number;
  arrivals: number;
  actions: number;
  notices: number[];
}

const measured: Figures[] = [];
const server = process.env.TEST_MONGODB_SERVER ?? 'MongoDB';
measured.push(await measure('SQLite', 1));
for (const count of [1, 2, 4]) measured.push(await measure(server, count));
const [base] = measured;
console.log(
  `${availableParallelism()} cores, Node ${process.version}, ${seconds} s each, ${new Date().toISOString().slice(0, 10)}`,
);
console.log('| store | processes | arrivals/s | actions/s | told after (median / 95 %) |');
console.log('| --- | --- | --- | --- | --- |');
for (const { store, processes, arrivals, actions, notices } of measured) {
  const of = (value: number, whole = 1): string => `${value.toFixed(0)} (${(value / whole).toFixed(2)})`;
  const told = [0.5, 0.95].map((part) => `${notices[Math.floor(notices.length * part)]?.toFixed(0)} ms`).join(' / ');
  console.log(
    `| ${store} | ${processes} | ${of(arrivals, base?.arrivals)} | ${of(actions, base?.actions)} | ${told} |`,
  );
}

async function measure(store: string, processes: number): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-bench-'));
  const database = store === 'SQLite' ? null : testDatabase();
  const url = database?.url ?? `sqlite:${join(directory, 'quarantine.db')}`;
  const farEnds = await startFarEnds(() => []);
  await prepare(directory, url, farEnds.nextHop);
  const names = ['a', 'b', 'c', 'd'].slice(0, processes);
  const cluster = await Cluster.prepare({ directory, store: url, ...farEnds }, names);
  try {
    await cluster.startAll();
    const { imaps, lmtp } = cluster.front;
    const arrivals = await rate(() => arriving(lmtp));
    const actions = await rate(() => dragging(imaps));
    return { store, processes, arrivals, actions, notices: await noticing(imaps, lmtp, processes * 2) };
  } finally {
    await cluster.close();
    await farEnds.close();
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(directory: string, store: string, nextHop: string): Promise<void> {
  const silent = (): void => undefined;
  const { quarantine, close } = await openQuarantine(
    { ...defaultSettings(directory), store },
    { log: { debug: silent, info: silent, warn: silent, error: console.error } },
  );
  await quarantine.storage.domains.put(blankDomain('example.com', nextHop));
  await quarantine.domains.refresh();
  for (const login of [dragger, reader]) await openAccounts(quarantine).create(login ?? '', password);
  await close();
}

/** One of several clients: `step` is run again and again, and false says that there is nothing left to do. */
interface Busy {
  step(): Promise<boolean>;
  end(): void;
}

async function rate(open: () => Promise<Busy>): Promise<number> {
  const clients = await Promise.all(Array.from({ length: atOnce }, open));
  const begun = performance.now();
  let done = 0;
  await Promise.all(
    clients.map(async ({ step }) => {
      while (performance.now() - begun < seconds * 1000 && (await step())) done++;
    }),
  );
  const elapsed = (performance.now() - begun) / 1000;
  for (const { end } of clients) end();
  return done / elapsed;
}

async function handIn(client: RawSmtp, recipient: string | undefined): Promise<void> {
  await client.pipeline('MAIL FROM:<sender@remote.example>', `RCPT TO:<${recipient}>`);
  const [reply = ''] = await client.data(mail(`bench-${++lastMail}`));
  assert.match(reply, /^250/);
}

async function arriving(port: number): Promise<Busy> {
  const client = await RawSmtp.connect(port, { localAddress: ownAddress() });
  await client.command('LHLO filter.example');
  return {
    step: async () => (await handIn(client, dragger), true),
    end: () => client.destroy(),
  };
}

/** Drags one message after the other, each client its own ones. */
async function dragging(port: number): Promise<Busy> {
  const client = await session(port, dragger);
  const { untagged } = await client.command('UID SEARCH ALL');
  const share = nextShare++ % atOnce;
  const uids = (/^\* SEARCH (.*)$/m.exec(untagged.join('\n'))?.[1] ?? '').split(' ').filter(Boolean);
  const own = uids.filter((_, i) => i % atOnce === share);
  return {
    async step() {
      const uid = own.pop();
      if (uid === undefined) return false;
      assert.equal((await client.command(`UID MOVE ${uid} "Not Spam"`)).status, 'OK');
      return true;
    },
    end: () => client.socket.destroy(),
  };
}

async function session(port: number, login: string | undefined): Promise<RawImap> {
  const client = await RawImap.connect(port, { localAddress: ownAddress() });
  assert.equal((await client.login(login ?? '', password)).status, 'OK');
  assert.equal((await client.command('SELECT Caught')).status, 'OK');
  return client;
}

/** One message after the other; how long after its 250 each session in IDLE was told, ascending. */
async function noticing(imaps: number, lmtp: number, sessions: number): Promise<number[]> {
  const readers = await Promise.all(Array.from({ length: sessions }, () => session(imaps, reader)));
  for (const client of readers) await client.idle();
  const sender = await RawSmtp.connect(lmtp, { localAddress: ownAddress() });
  await sender.command('LHLO filter.example');
  const told: number[] = [];
  for (let count = 1; count <= notices; count++) {
    const heard = readers.map(async (client) => {
      while ((await client.read()) !== `* ${count} EXISTS`);
      return performance.now();
    });
    await handIn(sender, reader);
    const accepted = performance.now();
    for (const at of await Promise.all(heard)) told.push(Math.max(at - accepted, 0));
  }
  sender.destroy();
  for (const client of readers) client.socket.destroy();
  return told.sort((a, b) => a - b);
}
