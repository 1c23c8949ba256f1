// The model test: several processes write to one store and read from it in a random order, stand still, lose answers and die at any step,
// and whatever any reader was told must keep the promises of DESIGN section 5 ("UIDs and the change feed"). Run for each driver:
//
//   await runModel(store, { seed, dangers, uidLimit })
//
// A run that breaks a promise throws an error with its seed and everything that happened until then.
import { newContent, sampleMail } from '../helpers/messages.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { createDrops } from './model/drops.ts';
import { createKnowledge } from './model/knowledge.ts';
import { openSession, readSomething, rest } from './model/readers.ts';
import { createSchedule, noDangers } from './model/schedule.ts';
import type { Dangers, Schedule, SteppedProcess } from './model/schedule.ts';
import { createSight, nameOf } from './model/sight.ts';
import type { World } from './model/world.ts';
import { writeSomething } from './model/writers.ts';

export interface ModelProcess {
  storage: Storage;
  /** Finishes what dead writers have left. */
  sweep(): Promise<void>;
  kill(): void;
}

export interface ModelStore {
  /** What is one step: a call of the port, or what the driver asks its database. The latter calls `schedule.step` by itself. */
  steps: 'calls' | 'operations';
  /** Opens the store as one more process. */
  open(process: SteppedProcess, schedule: Schedule): Promise<ModelProcess>;
  cleanup(): Promise<void>;
}

export interface ModelOptions {
  seed: number;
  dangers?: Partial<Dangers>;
  uidLimit?: number;
  processes?: number;
  /** Rounds of writing and reading; after each, everything is compared at rest. */
  rounds?: number;
  /** What each writer does in a round. */
  writes?: number;
}

export type OpenModelStore = (options: { uidLimit?: number }) => Promise<ModelStore>;

const sessions = [
  ['global', 'caught'],
  ['example.com', 'caught'],
  ['alice@example.com', 'caught'],
  ['bob@example.com', 'caught'],
  ['example.com', 'outgoing'],
] as const;

const mostKills = 2;

export interface ModelResult {
  kills: number;
}

export async function runModel(open: OpenModelStore, options: ModelOptions): Promise<ModelResult> {
  const { seed, uidLimit } = options;
  const store = await open(uidLimit === undefined ? {} : { uidLimit });
  const schedule = createSchedule({
    random: seededRandom(seed),
    together: store.steps === 'calls' ? 4 : 1,
    mostKills,
    lost: () => new TemporaryError('the answer was lost'),
  });
  try {
    await schedule.run(live(store, schedule, options));
    return { kills: schedule.kills };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}: ${text}\nWhat happened:\n${schedule.trace()}`, { cause: error });
  } finally {
    await store.cleanup();
  }
}

async function live(store: ModelStore, schedule: Schedule, options: ModelOptions): Promise<void> {
  const { seed, dangers = {}, processes: count = 3, rounds = 3, writes = 4, uidLimit } = options;
  const random = seededRandom(seed + 1);
  const processes = await startProcesses(store, schedule, count);
  const knowledge = createKnowledge();
  let lastId = 0;
  const world: World = {
    schedule,
    knowledge,
    sight: createSight(knowledge),
    drops: createDrops(knowledge),
    content: newContent(sampleMail(seed)),
    messages: [],
    mostMessages: 25,
    newId: () => `message-${String(++lastId).padStart(4, '0')}`,
    lostArrivals: [],
    renumbers: uidLimit !== undefined,
    call: (what, work) => call(store, schedule, () => random.pick(processes), what, work),
    tell(mailbox, { uidNext, uidValidity, modseq }, text) {
      schedule.note(`${nameOf(mailbox)}: UIDNEXT ${uidNext}, modseq ${modseq}, UIDVALIDITY ${uidValidity}: ${text}`);
    },
  };
  const followed = sessions.map(([login, view]) => openSession({ scope: scopeOfLogin(login), view }));
  let actors = 0;
  const act = async (times: number, what: (own: typeof random) => Promise<void>): Promise<void> => {
    const own = seededRandom(seed * 1000 + ++actors);
    for (let i = 0; i < times; i++) await what(own);
  };
  for (let round = 0; round < rounds; round++) {
    schedule.setDangers({ ...noDangers, ...dangers });
    await Promise.all([
      ...Array.from({ length: 5 }, () => act(writes, (own) => writeSomething(world, own))),
      ...followed.map((session) => act(writes * 2, (own) => readSomething(world, session, own))),
    ]);
    schedule.setDangers(noDangers);
    schedule.note('rest');
    await settle(world, processes);
    for (const session of followed) await rest(world, session);
  }
  world.sight.compareAll();
}

interface Slot {
  process: SteppedProcess;
  opened: Promise<ModelProcess>;
}

/** Processes; in the place of one that dies, another one is started. */
async function startProcesses(store: ModelStore, schedule: Schedule, count: number): Promise<Slot[]> {
  let started = 0;
  const slots: Slot[] = [];
  const start = (i: number): void => {
    const process = schedule.start('ABCDEFGHIJKLMNOP'[started++] ?? `process ${started}`);
    const opened = store.open(process, schedule);
    slots[i] = { process, opened };
    // Whoever calls it is told.
    opened.catch(() => undefined);
    process.onKill = () => {
      void opened.then((of) => of.kill());
      start(i);
    };
  };
  for (let i = 0; i < count; i++) start(i);
  await Promise.all(slots.map(({ opened }) => opened));
  return slots;
}

async function call<Answer>(
  { steps }: ModelStore,
  schedule: Schedule,
  pick: () => Slot,
  what: string,
  work: (storage: Storage) => Promise<Answer>,
): Promise<Answer> {
  const { process, opened } = pick();
  const { storage } = await opened;
  const asked = (): Promise<Answer> => work(storage);
  if (steps === 'calls') return Promise.race([schedule.step(process, what, asked), process.killed]);
  // That it begins is a step of its own.
  await Promise.race([schedule.step(process, what, async () => undefined), process.killed]);
  return Promise.race([asked(), process.killed]);
}

function slotOf(slots: readonly Slot[]): Slot {
  const slot = slots.find(({ process }) => process.isAlive);
  if (!slot) throw new Error('no process is left');
  return slot;
}

/** Finishes what the dead have left, as it happens by itself after a while, and reads what became of everything. */
async function settle(world: World, slots: readonly Slot[]): Promise<void> {
  const { knowledge, schedule, messages } = world;
  const { sweep } = await slotOf(slots).opened;
  if (schedule.wasHarmed) await sweep();
  for (const id of messages) {
    const truth = knowledge.truth(id, Infinity);
    // What is known already must be so; what is not is known now.
    const message = await world.call(`get ${id.slice(-4)}`, (storage) => storage.worker.get(id));
    if (truth?.message && message && message.revision !== truth.message.revision)
      throw new Error(`${id} is stored with revision ${message.revision}, not ${truth.message.revision}`);
    if (truth?.message?.visibleTo.length && !message) throw new Error(`${id} is lost`);
    knowledge.learn(id, message);
  }
}
