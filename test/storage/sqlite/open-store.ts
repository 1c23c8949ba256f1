// An empty SQLite store for the contracts, with as many storages on it as a test asks for: each has threads and connections of its own, as
// if another process had opened the file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log, Storage } from '../../../src/quarantine/ports.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import type { StoreOptions, TestStore } from '../contract/store.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

export async function openSqliteStore(options: StoreOptions = {}): Promise<TestStore> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-sqlite-'));
  const opened: Storage[] = [];
  const reopen = async (): Promise<Storage> => {
    const storage = await openSqlite(join(directory, 'quarantine.db'), { log, pollMs: 10, ...options });
    opened.push(storage);
    return storage;
  };
  return {
    storage: await reopen(),
    reopen,
    async cleanup() {
      await Promise.all(opened.map((storage) => storage.close()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
