// Many processes for real: three whole `lazaretto serve` on the MongoDB server that TEST_MONGODB_URL names, behind HAProxy with the PROXY
// protocol; mail comes in by LMTP, people drag it, sessions stay in IDLE, and meanwhile one process after the other is killed or told to
// stop, at random, and started again. Then everything is counted. Exit 1 when a promise was broken.
//
//   node scripts/mongodb/processes.ts [KILLS]        SEED=7 repeats the choices of a run (not its timing)
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openQuarantine } from '../../src/open-quarantine.ts';
import { blankDomain } from '../../src/quarantine/domains.ts';
import type { Message } from '../../src/quarantine/message.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { defaultSettings } from '../../src/settings.ts';
import { addLogin } from '../../test/helpers/logins.ts';
import { openedMailbox } from '../../test/helpers/mailbox.ts';
import { seededRandom } from '../../test/helpers/seeded-random.ts';
import type { SeededRandom } from '../../test/helpers/seeded-random.ts';
import { Cluster } from './processes/cluster.ts';
import { judge } from './processes/counts.ts';
import { startFarEnds, subjectOf } from './processes/far-ends.ts';
import { openJournal } from './processes/journal.ts';
import { dragMail, handInMail } from './processes/load.ts';
import { Watcher } from './processes/watcher.ts';
import { testDatabase } from './test-database.ts';

const kills = Number(process.argv[2] ?? 16);
const seed = Number(process.env.SEED ?? 1);
const password = 'many processes, one quarantine';
const watched = ['alice@example.com', 'bob@example.com', 'example.com', 'global'] as const;
/** Leases of killed processes run out after 10 s, and the last mail is delivered; on a busy machine. */
const settlePatienceMs = 90_000;

const database = testDatabase();
const directory = await mkdtemp(join(tmpdir(), 'lazaretto-processes-'));
const journal = openJournal();
let cluster: Cluster | null = null;
const farEnds = await startFarEnds(() => cluster?.pids() ?? []);
const silent = (): void => undefined;
const { quarantine, close } = await openQuarantine(
  { ...defaultSettings(directory), store: database.url },
  { log: { debug: silent, info: silent, warn: silent, error: console.error } },
);
const { storage } = quarantine;
const watchers: Watcher[] = [];
try {
  console.log(`${process.env.TEST_MONGODB_SERVER ?? 'a server of yours'}, ${kills} kills, seed ${seed}`);
  await storage.domains.put(blankDomain('example.com', farEnds.nextHop));
  await quarantine.domains.refresh();
  for (const login of watched) await addLogin(quarantine, login, password);
  cluster = await Cluster.prepare({ directory, store: database.url, ...farEnds });
  const random = seededRandom(seed);
  const problems = await run(cluster, random);
  await cluster.close();
  const { counts, broken } = judge({
    journal,
    instances: cluster.instances,
    deliveries: farEnds.deliveries,
    reports: farEnds.reports,
    stored: await storedMessages(storage),
  });
  broken.push(...problems);
  const widest = Math.max(...Object.keys(counts).map((name) => name.length));
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name.padEnd(widest)}  ${count}`);
  for (const problem of broken.slice(0, 50)) console.log(`BROKEN: ${problem}`);
  console.log(broken.length ? `${broken.length} promises broken (seed ${seed})` : 'every promise kept');
  process.exitCode = broken.length ? 1 : 0;
} finally {
  await cluster?.close();
  await farEnds.close();
  await close();
  await database.drop();
  await rm(directory, { recursive: true, force: true });
}

async function run(cluster: Cluster, random: SeededRandom): Promise<string[]> {
  await cluster.startAll();
  const { imaps, lmtp } = cluster.front;
  const uids = new Map<string, string>();
  // Three each, so that every process has one for most of the time.
  for (const login of watched) {
    for (let i = 0; i < 3; i++) watchers.push(new Watcher({ port: imaps, login, password, journal, uids }));
  }
  for (const watcher of watchers) watcher.start();
  const stop = new AbortController();
  const options = { random, journal, signal: stop.signal, pauseMs: 120 };
  const load = [
    ...[1, 2, 3].map(() => handInMail(lmtp, options)),
    ...(['alice@example.com', 'example.com', 'global'] as const).map((login) =>
      dragMail(imaps, { login, password }, { ...options, pauseMs: 250 }),
    ),
  ];
  await killAtRandom(cluster, random);
  stop.abort();
  await Promise.all(load);
  const problems = await settle();
  await Promise.all(watchers.map((watcher) => watcher.stop()));
  return problems;
}

async function killAtRandom(cluster: Cluster, random: SeededRandom): Promise<void> {
  const away = new Map<string, Promise<void>>();
  const serving = (): string[] => cluster.names.filter((name) => !away.has(name));
  for (let count = 1; count <= kills; count++) {
    await wait(random.between(500, 4000));
    // One at least goes on, or nothing happens that could go wrong; mostly two, or nobody hears of another process.
    const least = random.pick([2, 3, 3]);
    while (serving().length < least) await Promise.race(away.values());
    const name = random.pick(serving());
    const signal = random.pick(['SIGKILL', 'SIGKILL', 'SIGTERM'] as const);
    const pauseMs = random.between(0, 1500);
    const back = cluster
      .stop(name, signal)
      .then(() => wait(pauseMs))
      .then(() => cluster.start(name))
      .then(() => void away.delete(name));
    // Whoever waits for it next is told.
    back.catch(() => undefined);
    away.set(name, back);
    if (count % 10 === 0) console.log(`  ${count} kills, ${farEnds.deliveries.length} deliveries so far`);
  }
  await Promise.all(away.values());
}

/** Waits until nothing is due and every session was told of what is there now, in IDLE and without asking. */
async function settle(): Promise<string[]> {
  const deadline = Date.now() + settlePatienceMs;
  while ((await storage.worker.withJobs({ ended: false, limit: 1 })).length) {
    if (Date.now() > deadline) return ['jobs are still due'];
    await wait(100);
  }
  for (;;) {
    // Read again each time: what came last may have been under way still.
    const truths = new Map<string, string[]>();
    for (const login of watched) truths.set(login, await mailboxOf(login));
    const differences = watchers.flatMap((watcher) => difference(watcher, truths.get(watcher.login) ?? []));
    if (!differences.length || Date.now() > deadline) return differences;
    await wait(200);
  }
}

/** None or one sentence. */
function difference({ login, mailbox, sessions }: Watcher, truth: readonly string[]): string[] {
  const missing = truth.filter((line) => !mailbox.includes(line));
  const ghosts = mailbox.filter((line) => !truth.includes(line));
  if (!missing.length && !ghosts.length) return [];
  const [untold, stale] = [missing, ghosts].map((lines) => lines.join(', ') || 'none');
  return [`session ${sessions} of ${login}: not told of ${untold}; ghosts: ${stale}`];
}

/** As a session would see it that begins now: `UID subject`. */
async function mailboxOf(login: string): Promise<string[]> {
  const scope = scopeOfLogin(login);
  const { uids } = await openedMailbox(storage, scope, 'caught');
  const found = await storage.messagesByUid(scope, 'caught', uids);
  return Promise.all(found.map(async ({ uid, message }) => `${uid} ${await subjectIn(message)}`));
}

async function storedMessages(storage: Storage): Promise<Map<string, Message[]>> {
  const found = await storage.find({ role: 'global' }, { which: 'all', view: 'caught', limit: 1_000_000 });
  const bySubject = new Map<string, Message[]>();
  for (const message of found) {
    const subject = await subjectIn(message);
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), message]);
  }
  return bySubject;
}

async function subjectIn(message: Message): Promise<string> {
  return subjectOf((await storage.worker.contentOf(message.id)) ?? Buffer.alloc(0));
}
