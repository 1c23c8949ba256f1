// What the index keeps of a single content that somebody made to be dear.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConnection } from '../../../../src/storage/sqlite/connection.ts';
import { openSqlite } from '../../../../src/storage/sqlite/open.ts';
import { BlockBuilder } from '../../../../src/storage/sqlite/search/block-builder.ts';
import { readContents } from '../../../../src/storage/sqlite/search/block.ts';
import { addContent } from '../../../../src/storage/sqlite/search/index-content.ts';
import type { StoredContent } from '../../../../src/storage/sqlite/search/index-content.ts';
import { insertMessage, newContent } from '../../../helpers/messages.ts';
import { temporaryStore } from '../temporary-store.ts';

test('the index compares the fields of usual headers with the header, and leaves those of thousands of fields, or of very long ones, to the search', async () => {
  using store = temporaryStore();
  const storage = await openSqlite(store.path, { log: store.log });
  const header = (fields: number, name: (i: number) => string): string =>
    Array.from({ length: fields }, (_, i) => `${name(i)}: value ${i}\r\n`).join('');
  // To look for one of these among the others compares nearly each letter with all of it.
  const alike = Array.from({ length: 99 }, (_, i) => `X-${i}: ${'a'.repeat(400)}${i}b${'a'.repeat(400)}\r\n`).join('');
  const headers = [header(300, (i) => `X-${i}`), header(1500, (i) => `X-${i}`), header(1500, () => 'X-Same'), alike];
  for (const source of headers) await insertMessage(storage, { content: newContent(`${source}\r\nbody\r\n`) });
  await storage.close();
  const main = openConnection(store.path, { readOnly: true });
  const builder = new BlockBuilder();
  for (const content of main.all<StoredContent>(
    'SELECT number, digest, reading_version AS readingVersion FROM contents ORDER BY number',
  ))
    await addContent(builder, main, content);
  main.close();
  assert.deepEqual([...readContents(builder.finish().contents).isRegular], [1, 0, 0, 0]);
});
