// A store that moves from one SQLite file to another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../src/quarantine/ports.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { openMovableSqlite } from '../../src/storage/sqlite/movable.ts';
import { copyContract } from './copy-contract.ts';
import type { Place } from './copy-contract.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

async function sqlitePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-copy-'));
  const file = join(directory, 'quarantine.db');
  return {
    storage: () => openSqlite(file, { log }),
    movable: (use) => openMovableSqlite(file, use),
    cleanup: () => rm(directory, { recursive: true, force: true }),
  };
}

copyContract('SQLite to SQLite', sqlitePlace, sqlitePlace);
