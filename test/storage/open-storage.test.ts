// The setting `store` chooses a storage, or says what is wrong with it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PermanentError } from '../../src/quarantine/errors.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { insertMessage } from '../helpers/messages.ts';
import { temporaryStore } from './sqlite/temporary-store.ts';

describe('the setting store', () => {
  test('names a SQLite file, with or without the slashes of a URL', async () => {
    using place = temporaryStore();
    const path = join(place.directory, 'a name with spaces.db');
    const storage = await openStorage(`sqlite:${path}`, { log: place.log });
    const { id } = await insertMessage(storage);
    await storage.close();
    assert.ok(existsSync(path));
    const again = await openStorage(`sqlite://${path}`, { log: place.log });
    assert.equal((await again.worker.get(id))?.id, id);
    await again.close();
  });

  const refused: [url: string, says: RegExp][] = [
    ['mongodb://', /no MongoDB connection string/],
    ['mongodb://localhost/lazaretto?replicaSett=rs0', /replicasett.*not supported.*mongodb:\/\/host1/i],
    ['mongodb+srv://cluster.example:27017/lazaretto', /no MongoDB connection string/],
    ['sqlite:', /names no file/],
    ['sqlite://host/path', /names no file/],
    ['sqlite::memory:', /must name a file/],
    ['postgres://localhost', /sqlite:PATH/],
    ['./quarantine.db', /sqlite:PATH/],
    ['', /sqlite:PATH/],
  ];
  for (const [url, says] of refused) {
    test(`is refused with a sentence: ${url || 'nothing'}`, async () => {
      using place = temporaryStore();
      await assert.rejects(openStorage(url, { log: place.log }), (error: unknown) => {
        assert.ok(error instanceof PermanentError);
        assert.match(error.message, says);
        return true;
      });
    });
  }
});
