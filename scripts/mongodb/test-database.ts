// A database of its own on the server that TEST_MONGODB_URL names, for the suites of `npm run test:mongodb`.
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

export function testDatabase(): TestDatabase {
  const server = process.env.TEST_MONGODB_URL;
  if (!server) throw new Error('TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');
  const url = new URL(server);
  url.pathname = `lazaretto_test_${randomBytes(6).toString('hex')}`;
  return {
    url: url.href,
    async drop() {
      const client = new MongoClient(url.href);
      await client.db().dropDatabase();
      await client.close();
    },
  };
}
