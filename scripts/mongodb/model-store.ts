// An empty store for the model test, with as many processes on it as the test asks for. Called by model.test.ts.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { collectionsOf } from '../../src/storage/mongodb/connection.ts';
import type { Connection } from '../../src/storage/mongodb/connection.ts';
import { largestUid } from '../../src/storage/shown.ts';
import { seededRandom } from '../../test/helpers/seeded-random.ts';
import type { ModelProcess, OpenModelStore } from '../../test/storage/model.ts';
import type { Interference, TakeTurn } from './stepped-collections.ts';
import { openStepped } from './stepped-storage.ts';

const silent = (): void => undefined;

/** Whose turn a wait of the driver is: it waits in the schedule, not for a clock. A deadline, which is longer, is no wait. */
const turns = new AsyncLocalStorage<TakeTurn>();
const realTimeout = globalThis.setTimeout;
const longestWaitMs = 1_000;
globalThis.setTimeout = ((work: () => void, ms = 0) => {
  const turn = turns.getStore();
  if (!turn || ms > longestWaitMs) return realTimeout(work, ms);
  return void turn('waits', async () => undefined).then(work);
}) as typeof setTimeout;

/** @param broken what a deliberately broken driver does; a new one for each process */
export function modelStore(connection: Connection, broken: () => Interference = () => ({})): OpenModelStore {
  return async ({ uidLimit = largestUid }) => {
    const db = connection.client.db(`lazaretto_model_${randomBytes(6).toString('hex')}`);
    const collections = collectionsOf(db);
    await collections.store.insertOne({ _id: 'numbers', uidValidity: 1_000_000 });
    let opened = 0;
    return {
      steps: 'operations',
      async open(process, schedule): Promise<ModelProcess> {
        const turn: TakeTurn = (name, run) => schedule.step(process, name, run);
        const stepping = { turn, random: seededRandom(++opened), interference: broken() };
        const { storage, sweep } = openStepped({ ...connection, ...collections, db, uidLimit }, stepping);
        return { storage: withTurns(storage, turn), sweep, kill: silent };
      },
      cleanup: async () => void (await db.dropDatabase()),
    };
  };
}

function withTurns<Port extends object>(port: Port, turn: TakeTurn): Port {
  const members = Object.entries(port).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function') return [name, withTurns(member as object, turn)];
    return [name, (...args: unknown[]): unknown => turns.run(turn, () => Reflect.apply(member, port, args) as unknown)];
  });
  return Object.fromEntries(members) as Port;
}
