// Part `move`: somebody drags 10,000 messages to Release. How long until the answer, what another session hears of it and when, and whether
// the orders survive that the server is killed at the moment of the answer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { openQuarantine } from '../../../src/open-quarantine.ts';
import { loadSettings } from '../../../src/settings.ts';
import { Client } from '../client.ts';
import type { Login } from '../client.ts';
import { alice, directoryWith } from '../corpus.ts';
import type { Corpus } from '../corpus.ts';
import { arrivalOf, spam } from '../mail/spam.ts';
import { silentLog, startLazaretto } from '../servers/lazaretto.ts';
import type { Running, StoredMail } from '../servers/lazaretto.ts';
import type { Table } from '../table.ts';
import { cpuMs } from '../usage.ts';

const count = 10_000;
const pauseMs = 100;
const bob: Login = { name: 'bob@example.com', password: alice.password };

/** For alice and for bob 10,000 each. */
const forBoth: Corpus = { name: `2 × ${count} messages`, logins: [bob], mail };

function* mail(): Generator<StoredMail> {
  for (let number = 0; number < count; number++) {
    const raw = spam(number, { recipient: alice.name, fewestBytes: 1500, mostBytes: 6000 });
    yield { raw, recipients: [alice.name, bob.name], internalDate: arrivalOf(number) };
  }
}

export async function moveMany(table: Table): Promise<void> {
  const directory = await directoryWith(forBoth);
  const server = await startLazaretto(directory);
  const { answerMs, firstMs, lastMs, bursts, spentMs } = await moveWatched(server);
  const what = `UID MOVE of 10,000 to Release`;
  table.add({ what: `${what}: answer`, unit: 'ms', ours: answerMs, target: { most: 3000 } });
  table.add({ what: `${what}: until all were told`, unit: 'ms CPU', ours: spentMs });
  table.add({
    what: `${what}: another session is told, from its first to its last EXPUNGE`,
    unit: 'ms',
    ours: lastMs - firstMs,
  });
  table.add({ what: `${what}: in so many bursts`, unit: '', ours: bursts, target: { most: 1 } });
  await moveAndKill(server);
  const jobs = await jobsOf(directory, bob.name);
  assert.equal(jobs, count, 'orders were lost');
  console.log(`  (killed at the answer: all ${jobs} jobs are in the store)`);
}

interface Moved {
  answerMs: number;
  /** When another session read of the first and of the last message; counted from the answer. */
  firstMs: number;
  lastMs: number;
  /** Between any two of them nothing was told for `pauseMs`. */
  bursts: number;
  spentMs: number;
}

/** Moves alice's. */
async function moveWatched(server: Running): Promise<Moved> {
  const watching = await Client.open(server.port, alice, server.mailbox);
  const allTold = Promise.withResolvers<void>();
  const told: { at: number; lines: number }[] = [];
  let rest = '';
  await watching.idle((text) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    told.push({ at: performance.now(), lines: lines.filter((line) => line.endsWith(' EXPUNGE')).length });
    if (told.reduce((sum, { lines }) => sum + lines, 0) === count) allTold.resolve();
  });
  const mover = await Client.open(server.port, alice, server.mailbox);
  const before = cpuMs(server.pid);
  const { ms } = await mover.command('UID MOVE 1:* Release');
  const answered = performance.now();
  await allTold.promise;
  const spentMs = cpuMs(server.pid) - before;
  mover.close();
  watching.close();
  const at = told.map((one) => one.at - answered);
  const bursts = at.filter((time, i) => time - (at[i - 1] ?? -Infinity) > pauseMs).length;
  return { answerMs: ms, firstMs: at[0] ?? NaN, lastMs: at.at(-1) ?? NaN, bursts, spentMs };
}

async function moveAndKill(server: Running): Promise<void> {
  const client = await Client.open(server.port, bob, server.mailbox);
  await client.command('UID MOVE 1:* Release');
  process.kill(server.pid, 'SIGKILL');
  client.close();
  await once(server.child, 'exit');
}

/** Deliveries of this owner that are due. */
async function jobsOf(directory: string, owner: string): Promise<number> {
  const { quarantine, close } = await openQuarantine(loadSettings(join(directory, 'lazaretto.yaml')), {
    log: silentLog,
  });
  try {
    const due = await quarantine.storage.worker.withJobs({ ended: false, limit: 4 * count });
    return due.filter((message) => message.owner.address === owner && message.delivery?.state === 'due').length;
  } finally {
    await close();
  }
}
