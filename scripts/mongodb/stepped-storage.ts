// A process of the tests of what several do to one store: the driver's own parts over stepped collections. Called by the model test and by
// dead-writers.test.ts.
import type { Log, Storage } from '../../src/quarantine/ports.ts';
import { createAnnouncements } from '../../src/storage/mongodb/announcements.ts';
import type { Connection } from '../../src/storage/mongodb/connection.ts';
import { createGate } from '../../src/storage/mongodb/gate.ts';
import { createSequences } from '../../src/storage/mongodb/sequences.ts';
import { createStorage } from '../../src/storage/mongodb/storage.ts';
import { sweepOnce } from '../../src/storage/mongodb/sweep.ts';
import { createWatchers } from '../../src/storage/watchers.ts';
import { steppedCollections } from './stepped-collections.ts';
import type { Stepping } from './stepped-collections.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** `sweep`: both looks of a sweep at once. */
export function openStepped(
  connection: Connection,
  stepping: Stepping,
): { storage: Storage; sweep: () => Promise<void> } {
  const stepped: Connection = { ...connection, ...steppedCollections(connection, stepping), log };
  const reader = { connection: stepped, sequences: createSequences(stepped) };
  const watchers = createWatchers(log, silent);
  const parts = { reader, watchers, announcements: createAnnouncements(watchers), gate: createGate() };
  return {
    storage: createStorage(parts, async () => undefined),
    sweep: async () => void (await sweepOnce(reader, await sweepOnce(reader, new Set()))),
  };
}
