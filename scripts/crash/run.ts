// `node scripts/crash/run.ts [ROUNDS]`: kills a running server again and again, between any two steps of intake, action, delivery and report,
// and at random moments, then checks that nothing was lost and nothing done twice outside the one window that nobody can close: between
// the far end's 250 and our commit. The run provokes that window and shows what happens in it. Exit 1 when a promise was broken.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQuarantine } from '../../src/open-quarantine.ts';
import { blankDomain } from '../../src/quarantine/domains.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { startFarEnd } from '../../test/helpers/far-end.ts';
import { addLogin } from '../../test/helpers/logins.ts';
import { seededRandom } from '../../test/helpers/seeded-random.ts';
import { placeTestStore } from '../../test/helpers/test-store.ts';
import { runRound, subjectOf } from './round.ts';
import type { RoundResult } from './round.ts';
import { crashSettings, login, password } from './settings.ts';

const rounds = Number(process.argv[2] ?? 220);
const seed = Number(process.env.SEED ?? 1);
const random = seededRandom(seed);
const directory = await mkdtemp(join(tmpdir(), 'lazaretto-crash-'));
const store = placeTestStore(directory);
const farEnd = await startFarEnd();
const place = { directory, store: store.url, nextHop: farEnd.url };
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: console.error };

await prepare();
const results: RoundResult[] = [];
/** Steps of a round that is not killed, which is the first one. */
let steps = 0;
const stepKills = Math.ceil((rounds * 2) / 3);
for (let number = 1, walked = 0; number <= rounds; number++) {
  // Two of three rounds walk through the steps, one by one where there are rounds enough; the third is killed from outside at any moment.
  const fromOutside = number % 3 === 0;
  const stepsApart = Math.max(steps / stepKills, 1);
  const killAt = fromOutside || !steps ? 0 : 1 + (Math.floor(walked++ * stepsApart) % steps);
  const result = await runRound({
    number,
    place,
    killAt,
    killAfterMs: fromOutside ? random.between(0, 600) : null,
  });
  results.push(result);
  if (number === 1) {
    steps = result.steps;
    console.log(`${steps} steps in a round that is not killed (seed ${seed})`);
  }
  if (number % 20 === 0) console.log(`${number} rounds, ${farEnd.received.length} deliveries so far`);
}
const last = await runRound({ number: rounds + 1, place, killAt: 0, killAfterMs: null });
results.push(last);
const problems = last.finished ? await check() : ['the last server did not become idle'];
await farEnd.close();
await store.remove();
await rm(directory, { recursive: true });
for (const problem of problems) console.log(`BROKEN: ${problem}`);
console.log(
  problems.length
    ? `${problems.length} promises broken (seed ${seed})`
    : 'nothing lost, nothing done twice outside the window',
);
process.exitCode = problems.length ? 1 : 0;

async function prepare(): Promise<void> {
  const { quarantine, close } = await openQuarantine(crashSettings(place), { log });
  await quarantine.storage.domains.put(blankDomain('example.com', farEnd.url));
  await quarantine.domains.refresh();
  await addLogin(quarantine, login, password);
  await close();
}

async function check(): Promise<string[]> {
  const { quarantine, close } = await openQuarantine(crashSettings(place), { log });
  const { storage } = quarantine;
  const found = await storage.find({ role: 'global' }, { which: 'all', limit: 1_000_000 });
  const bySubject = new Map<string, Message[]>();
  for (const message of found) {
    const content = await storage.worker.contentOf(message.id);
    const subject = subjectOf(content ?? Buffer.alloc(0));
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), message]);
  }
  const due = await storage.worker.due(Number.MAX_SAFE_INTEGER, 10);
  await close();
  const journal = (await readFile(join(directory, 'journal'), 'utf8')).split('\n');
  const problems = [
    ...due.map(({ id }) => `${id} still has a job that is due`),
    ...journal.filter((line) => line.startsWith('error ')).map((line) => `the server logged: ${line}`),
    ...checkArrivals(bySubject),
    ...checkDeliveries(bySubject, journal),
    ...(await checkReports()),
  ];
  return problems;
}

function all<T>(pick: (result: RoundResult) => T[]): T[] {
  return results.flatMap(pick);
}

function checkArrivals(bySubject: ReadonlyMap<string, Message[]>): string[] {
  const acknowledged = all((result) => result.acknowledged);
  const attempted = all((result) => result.attempted);
  console.log(`${attempted.length} messages handed in, ${acknowledged.length} answered 250`);
  const lost = acknowledged
    .filter((subject) => !bySubject.has(subject))
    .map((subject) => `${subject} was acknowledged and is lost`);
  const twice = attempted
    .filter((subject) => (bySubject.get(subject)?.length ?? 0) > 1)
    .map((subject) => `${subject} was stored twice`);
  const vanished = [...bySubject].flatMap(([subject, [message]]) => {
    const ordered = message?.delivery ?? message?.report;
    return !message || message.visibleTo.length || ordered ? [] : [`${subject} is neither held nor dealt with`];
  });
  return [...lost, ...twice, ...vanished];
}

function checkDeliveries(bySubject: ReadonlyMap<string, Message[]>, journal: readonly string[]): string[] {
  const deliveries = new Map<string, string[]>();
  for (const { content } of farEnd.received) {
    const subject = subjectOf(content);
    const trace = /^X-Lazaretto-Release: (.*)\r\n/.exec(content.toString())?.[1] ?? '';
    deliveries.set(subject, [...(deliveries.get(subject) ?? []), trace]);
  }
  const releases = all((result) => result.ordered).filter(({ drop }) => drop.startsWith('Release'));
  const answered = new Set(releases.filter((order) => order.answered).map(({ subject }) => subject));
  const sent = new Set(releases.map(({ subject }) => subject));
  const repeated = [...deliveries].filter(([, traces]) => traces.length > 1);
  const inWindow = journal.filter((line) => line === 'killed deliver: after').length;
  console.log(
    `${releases.length} releases ordered, ${answered.size} answered OK, ${farEnd.received.length} deliveries; ` +
      `${repeated.length} messages delivered again (killed ${inWindow} times right after the far end's 250), each under its one trace`,
  );
  return [
    ...[...answered]
      .filter((subject) => !deliveries.has(subject))
      .map((subject) => `the release of ${subject} was answered OK and is lost`),
    ...[...deliveries.keys()]
      .filter((subject) => !sent.has(subject))
      .map((subject) => `${subject} was delivered and nobody asked for it`),
    ...repeated
      .filter(([, traces]) => new Set(traces).size > 1)
      .map(([subject]) => `${subject} was delivered under different traces`),
    ...[...bySubject].flatMap(([subject, [message]]) =>
      message?.delivery && message.delivery.state !== 'done'
        ? [`the delivery of ${subject} is ${message.delivery.state}`]
        : [],
    ),
    ...unexplainedRepetitions(
      bySubject,
      journal,
      repeated.map(([subject]) => subject),
    ),
    ...(inWindow && !repeated.length ? ['the window was hit and nothing was repeated: the run proves nothing'] : []),
  ];
}

/** A repetition needs a kill before it, and never comes after the outcome was recorded. */
function unexplainedRepetitions(
  bySubject: ReadonlyMap<string, Message[]>,
  journal: readonly string[],
  repeated: readonly string[],
): string[] {
  return repeated.flatMap((subject) => {
    const id = bySubject.get(subject)?.[0]?.id;
    let state: 'never' | 'tried by this process' | 'tried by a killed process' | 'recorded' = 'never';
    const problems: string[] = [];
    for (const line of journal) {
      if (line === 'started' && state === 'tried by this process') state = 'tried by a killed process';
      if (line === `recorded ${id}`) state = 'recorded';
      if (line !== `delivering ${id}`) continue;
      if (state === 'recorded') problems.push(`${subject} was delivered again although its delivery was recorded`);
      if (state === 'tried by this process') problems.push(`${subject} was delivered twice by one process`);
      state = 'tried by this process';
    }
    return problems;
  });
}

async function checkReports(): Promise<string[]> {
  const problems: string[] = [];
  const orders = all((result) => result.ordered);
  for (const [verdict, drops] of [
    ['ham', ['Not Spam', 'Release &- Train']],
    ['spam', ['Spam']],
  ] as const) {
    const path = join(directory, 'reports', verdict, 'new');
    const learned = await Promise.all(
      (await readdir(path)).map(async (name) => subjectOf(await readFile(join(path, name)))),
    );
    const wanted = orders.filter(({ drop }) => drops.some((one) => one === drop));
    const answered = wanted.filter((order) => order.answered).map(({ subject }) => subject);
    console.log(
      `${wanted.length} reports of ${verdict} ordered, ${answered.length} answered OK, ${learned.length} learnt`,
    );
    problems.push(
      ...answered
        .filter((subject) => !learned.includes(subject))
        .map((subject) => `the report of ${subject} was answered OK and is lost`),
      ...learned
        .filter((subject) => !wanted.some((order) => order.subject === subject))
        .map((subject) => `${subject} was reported and nobody asked for it`),
      ...learned.filter((subject, i) => learned.indexOf(subject) !== i).map((subject) => `${subject} was learnt twice`),
    );
  }
  return problems;
}
