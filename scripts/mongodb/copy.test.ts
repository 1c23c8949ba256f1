// Stores that move between SQLite and MongoDB, and between two databases of MongoDB. Run by `npm run test:mongodb`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../src/quarantine/ports.ts';
import { openMovableMongo } from '../../src/storage/mongodb/movable.ts';
import { openMongo } from '../../src/storage/mongodb/open.ts';
import { openMovableSqlite } from '../../src/storage/sqlite/movable.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { copyContract } from '../../test/storage/copy-contract.ts';
import type { Place } from '../../test/storage/copy-contract.ts';
import { testDatabase } from './test-database.ts';

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

function mongoPlace(): Promise<Place> {
  const { url, drop } = testDatabase();
  return Promise.resolve({
    storage: () => openMongo(url, { log }),
    movable: (use) => openMovableMongo(url, use),
    cleanup: drop,
  });
}

copyContract('SQLite to MongoDB', sqlitePlace, mongoPlace);
copyContract('MongoDB to SQLite', mongoPlace, sqlitePlace);
copyContract('MongoDB to MongoDB', mongoPlace, mongoPlace);
