// The search without an index: it reads no more than it has to, and ends where its budget does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ScopedStorage } from '../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { SearchBudget } from '../../src/storage/search-budget.ts';
import { searchByReading } from '../../src/storage/search-by-reading.ts';
import { insertMessage, newContent } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import { conditionOf } from '../helpers/search-condition.ts';

const scope = scopeOfLogin('alice@example.com');

interface Watched {
  find(
    written: string,
    limits?: { ms?: number; contentBytes?: number; signal?: AbortSignal },
  ): Promise<number[] | null>;
  /** Messages that were listed, and contents that were read. */
  listed: number;
  read: number;
}

function watched(storage: ScopedStorage): Watched {
  const self: Watched = {
    listed: 0,
    read: 0,
    async find(written, { ms = Infinity, contentBytes = Infinity, signal } = {}) {
      const budget = new SearchBudget({ ms, contentBytes }, signal);
      const condition = conditionOf(written);
      const found = await searchByReading(source, { scope, view: 'caught', condition, atOnce: 3, budget });
      return found && [...found];
    },
  };
  const source: Pick<ScopedStorage, 'list' | 'readings' | 'content'> = {
    readings: storage.readings,
    async list(...asked) {
      const page = await storage.list(...asked);
      self.listed += page.length;
      return page;
    },
    content(...asked) {
      self.read++;
      return storage.content(...asked);
    },
  };
  return self;
}

async function twentyMessages(storage: Parameters<typeof insertMessage>[0]): Promise<void> {
  for (let i = 1; i <= 20; i++)
    await insertMessage(storage, { content: newContent(`Subject: ${i}\r\n\r\n${'word '.repeat(200)}${i}\r\n`) });
}

describe('a search without an index', () => {
  test('lists only the UIDs that can match, and reads only what the list leaves open', async () => {
    await using test = await openTestQuarantine();
    await twentyMessages(test.storage);
    // Ten messages with the UIDs 10, 20 … is what sequence numbers and * stand for here.
    const cases: [string, number[], listed: number, read: number][] = [
      ['UID 10 BODY word', [10], 1, 1],
      ['SUBJECT 2 (UID 20 OR BODY "word 20" BODY 30)', [20], 1, 1],
      ['BODY "word 7" UNDELETED', [7], 20, 20],
      ['BODY word DELETED', [], 20, 0],
      ['NEW BODY word', [], 0, 0],
    ];
    for (const [written, expected, listed, read] of cases) {
      const search = watched(test.storage);
      assert.deepEqual(await search.find(written), expected, written);
      assert.deepEqual([search.listed, search.read], [listed, read], written);
    }
  });

  test('answers nothing when it has read more than it may, or has no time left, or nobody waits', async () => {
    await using test = await openTestQuarantine();
    await twentyMessages(test.storage);
    const search = watched(test.storage);
    assert.equal(await search.find('BODY word', { contentBytes: 5000 }), null);
    assert.ok(search.read < 10, String(search.read));
    assert.equal(await search.find('BODY word', { ms: 0 }), null);
    assert.equal(await search.find('BODY word', { signal: AbortSignal.abort() }), null);
    assert.ok(search.read < 10, String(search.read));
    assert.equal((await search.find('BODY word', { contentBytes: 30_000 }))?.length, 20);
    assert.equal((await search.find('SUBJECT 1', { contentBytes: 0 }))?.length, 11, 'kept fields cost nothing');
  });
});
