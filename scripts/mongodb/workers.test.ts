// What several workers promise each other, on the MongoDB driver, against the server that TEST_MONGODB_URL names.
// Run by `npm run test:mongodb`, which starts a server where none is named.
import type { Log, Storage } from '../../src/quarantine/ports.ts';
import { openMongo } from '../../src/storage/mongodb/open.ts';
import { workersContract } from '../../test/queue/workers-contract.ts';
import type { TestStore } from '../../test/storage/contract/store.ts';
import { testDatabase } from './test-database.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

workersContract('MongoDB', async (): Promise<TestStore> => {
  const { url, drop } = testDatabase();
  const opened: Storage[] = [];
  const reopen = async (): Promise<Storage> => {
    const storage = await openMongo(url, { log });
    opened.push(storage);
    return storage;
  };
  return {
    storage: await reopen(),
    reopen,
    async cleanup() {
      await Promise.all(opened.map((storage) => storage.close()));
      await drop();
    },
  };
});
