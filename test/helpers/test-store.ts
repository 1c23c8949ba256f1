// Where the store of a test is: a SQLite file, or, while TEST_STORE names a MongoDB server, a database of its own there. So the same
// stories and the same crash run prove both drivers; scripts/mongodb/ sets the variable.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

export interface TestStorePlace {
  /** For the setting `store`. */
  url: string;
  /** Nothing may be open any more. What is in `directory` is left to whoever made it. */
  remove(): Promise<void>;
}

export function placeTestStore(directory: string, server = process.env.TEST_STORE): TestStorePlace {
  if (!server) return { url: `sqlite:${join(directory, 'quarantine.db')}`, remove: async () => undefined };
  const url = new URL(server);
  url.pathname = `lazaretto_test_${randomBytes(6).toString('hex')}`;
  return {
    url: url.href,
    async remove() {
      // Loaded only where it is used: tests on SQLite start faster without it.
      const { MongoClient } = await import('mongodb');
      await using client = new MongoClient(url.href);
      await client.db().dropDatabase();
    },
  };
}
