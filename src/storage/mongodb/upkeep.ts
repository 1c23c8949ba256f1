// The store as a whole: what it holds, and what to do with one that was put back from a backup.
import type { View } from '../../quarantine/message.ts';
import type { StoreStats, StoreUpkeep } from '../../quarantine/ports.ts';
import { nextUidValidity } from '../shown.ts';
import type { Connection } from './connection.ts';
import { firstUidValidity } from './numbers.ts';
import type { Reader } from './mailboxes.ts';

const views: readonly View[] = ['caught', 'outgoing', 'training', 'notices', 'reports'];

export function upkeep({ connection, sequences }: Reader): StoreUpkeep {
  const { store } = connection;
  return {
    stats: () => stats(connection),
    isRestored: async () => (await store.findOne({ _id: 'restored' })) !== null,
    async markRestored() {
      await store.updateOne({ _id: 'restored' }, { $setOnInsert: { since: Date.now() } }, { upsert: true });
    },
    async raiseUidValidity() {
      const found = await connection.sequences.find({}, { projection: { _id: 1 } }).toArray();
      for (const { _id } of found) await sequences.settled(_id);
      await raiseAll(connection);
    },
    async settled() {
      await store.deleteOne({ _id: 'restored' });
    },
    // There is no index of words: searches read (search-by-reading.ts).
    startIndexing: async () => async () => undefined,
  };
}

/** One value for all, above each that was ever used. */
async function raiseAll(connection: Connection): Promise<void> {
  const { store, sequences, drops } = connection;
  const highest = async (collection: { find: typeof sequences.find }): Promise<number> => {
    const [found] = await collection
      .find({}, { projection: { uidValidity: 1 } })
      .sort({ uidValidity: -1 })
      .limit(1)
      .toArray();
    return found?.uidValidity ?? 0;
  };
  const used = [await firstUidValidity(connection), await highest(sequences), await highest(drops as never)];
  const uidValidity = nextUidValidity(Math.max(...used));
  await store.updateOne({ _id: 'numbers' }, { $set: { uidValidity } });
  // modseq, too: sessions that are open are told.
  await sequences.updateMany({}, { $set: { uidValidity }, $inc: { modseq: 1 } });
  await drops.updateMany({}, { $set: { uidValidity } });
}

async function stats(connection: Connection): Promise<StoreStats> {
  const { db, messages, contents, domains, accounts } = connection;
  const byView = Object.fromEntries(
    await Promise.all(
      views.map(async (view) => {
        const of = (filter: object): Promise<number> =>
          messages.countDocuments({ view, forgottenAt: { $exists: false }, ...filter });
        const [held, tombstones, all] = await Promise.all([
          of({ held: true, released: false }),
          of({ released: true }),
          of({}),
        ]);
        return [view, { held, left: all - held - tombstones, tombstones }] as const;
      }),
    ),
  ) as StoreStats['messages'];
  const [sum] = await contents
    .aggregate<{ count: number; bytes: number }>([
      { $group: { _id: null, count: { $sum: 1 }, bytes: { $sum: '$sizeBytes' } } },
    ])
    .toArray();
  return {
    messages: byView,
    contents: { count: sum?.count ?? 0, bytes: sum?.bytes ?? 0 },
    domains: await domains.countDocuments(),
    accounts: await accounts.countDocuments(),
    diskBytes: await diskBytes(() => db.stats()),
  };
}

/** What the server says that it takes, indexes included; null when it does not say. */
async function diskBytes(ask: () => Promise<Record<string, unknown>>): Promise<number | null> {
  try {
    const { storageSize, indexSize } = await ask();
    return typeof storageSize === 'number' ? storageSize + (typeof indexSize === 'number' ? indexSize : 0) : null;
  } catch {
    return null;
  }
}
