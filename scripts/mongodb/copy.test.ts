// Stores that move between SQLite and MongoDB, and between two databases of MongoDB. Run by `npm run test:mongodb`.
import type { Log } from '../../src/quarantine/ports.ts';
import { openMovableMongo } from '../../src/storage/mongodb/movable.ts';
import { openMongo } from '../../src/storage/mongodb/open.ts';
import { copyContract } from '../../test/storage/copy-contract.ts';
import type { Place } from '../../test/storage/copy-contract.ts';
import { sqlitePlace } from '../../test/storage/sqlite/copy-place.ts';
import { testDatabase } from './test-database.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

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
