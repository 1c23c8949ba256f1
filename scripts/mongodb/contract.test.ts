// The storage contract, kept by the MongoDB driver, against the server that TEST_MONGODB_URL names; each store is a database of its own.
// Run by `npm run test:mongodb`, which starts a server where none is named.
import type { Log, Storage } from '../../src/quarantine/ports.ts';
import { connect, openMongo } from '../../src/storage/mongodb/open.ts';
import { storageContract } from '../../test/storage/contract.ts';
import type { StoreOptions, TestStore } from '../../test/storage/contract/store.ts';
import { testDatabase } from './test-database.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

// Where there are transactions, a commit keeps the whole of the contract.
const { abilities, client } = await connect(testDatabase().url, { log });
await client.close();

/** On a busy machine a slow writer is taken for a dead one, and a number is taken twice: a gap, which only the contract forbids. */
const neverMs = 2 ** 31 - 1;

storageContract('MongoDB', async (options: StoreOptions = {}): Promise<TestStore> => {
  const { url, drop } = testDatabase();
  const opened: Storage[] = [];
  const reopen = async (): Promise<Storage> => {
    const storage = await openMongo(url, { log, pollMs: 10, sweepMs: neverMs, ...options });
    opened.push(storage);
    return storage;
  };
  return {
    storage: await reopen(),
    transactions: abilities.transactions,
    reopen,
    async cleanup() {
      await Promise.all(opened.map((storage) => storage.close()));
      await drop();
    },
  };
});
