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
  const url = urlOf(server, `lazaretto_test_${randomBytes(6).toString('hex')}`);
  return {
    url,
    async drop() {
      const client = new MongoClient(url);
      await client.db().dropDatabase();
      await client.close();
    },
  };
}

/** The same deployment and options, another database. A connection string may name several hosts, which makes it no URL. */
export function urlOf(server: string, database: string): string {
  const [, hosts, options = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)[^?]*(\?.*)?$/.exec(server) ?? [];
  if (!hosts) throw new Error('TEST_MONGODB_URL is no MongoDB connection string');
  return `${hosts}/${database}${options}`;
}
