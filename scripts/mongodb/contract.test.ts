// The storage contract, kept by the MongoDB driver, against the server that TEST_MONGODB_URL names; each store is a database of its own.
// Run by `npm run test:mongodb`, which starts a server where none is named.
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { Log, Storage } from '../../src/quarantine/ports.ts';
import { openMongo } from '../../src/storage/mongodb/open.ts';
import { storageContract } from '../../test/storage/contract.ts';
import type { StoreOptions, TestStore } from '../../test/storage/contract/store.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

const server = process.env.TEST_MONGODB_URL;
if (!server) throw new Error('TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

storageContract('MongoDB', async (options: StoreOptions = {}): Promise<TestStore> => {
  const url = new URL(server);
  url.pathname = `lazaretto_test_${randomBytes(6).toString('hex')}`;
  const opened: Storage[] = [];
  const reopen = async (): Promise<Storage> => {
    const storage = await openMongo(url.href, { log, pollMs: 10, ...options });
    opened.push(storage);
    return storage;
  };
  return {
    storage: await reopen(),
    transactions: false,
    reopen,
    async cleanup() {
      await Promise.all(opened.map((storage) => storage.close()));
      const client = new MongoClient(url.href);
      await client.db().dropDatabase();
      await client.close();
    },
  };
});
