// A SQLite file to copy a store from or to, for the contract of `store copy` (../copy-contract.ts).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../../src/quarantine/ports.ts';
import { openMovableSqlite } from '../../../src/storage/sqlite/movable.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import type { Place } from '../copy-contract.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

export async function sqlitePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-copy-'));
  const file = join(directory, 'quarantine.db');
  return {
    storage: () => openSqlite(file, { log }),
    movable: (use) => openMovableSqlite(file, use),
    cleanup: () => rm(directory, { recursive: true, force: true }),
  };
}
