import assert from 'node:assert/strict';
import { existsSync, rmSync, truncateSync } from 'node:fs';
import { test } from 'node:test';
import { indexedUpTo, indexPath, noteIndexed } from '../../../../src/storage/sqlite/search/index-file.ts';
import { OpenIndex } from '../../../../src/storage/sqlite/search/open-index.ts';
import { temporaryStore } from '../temporary-store.ts';

const damage = Object.assign(new Error('database disk image is malformed'), { errcode: 11 });

test('a damaged store does not cost the index, a damaged index is removed and made anew', () => {
  using store = temporaryStore();
  const main = store.connect();
  const index = new OpenIndex(store.path);
  noteIndexed(main, index.current(), 7);
  assert.equal(index.removeIfDamaged(damage), false, 'the index is in order');
  assert.equal(indexedUpTo(index.current()), 7);
  index.current().database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  truncateSync(indexPath(store.path), 20_000);
  assert.equal(index.removeIfDamaged(new Error('no space left')), false, 'not for any error');
  assert.equal(index.removeIfDamaged(damage), true);
  assert.equal(existsSync(indexPath(store.path)), false);
  assert.equal(indexedUpTo(index.current()), 0);
  index.close();
});

test('one that somebody removed is made anew by one process, and the others take that', () => {
  using store = temporaryStore();
  const main = store.connect();
  const [one, other] = [new OpenIndex(store.path), new OpenIndex(store.path)];
  noteIndexed(main, one.current(), 7);
  assert.equal(indexedUpTo(other.current()), 7);
  rmSync(indexPath(store.path));
  assert.equal(indexedUpTo(one.current()), 0);
  noteIndexed(main, one.current(), 9);
  assert.equal(indexedUpTo(other.current()), 9);
  assert.equal(indexedUpTo(one.current()), 9);
  one.close();
  other.close();
});
