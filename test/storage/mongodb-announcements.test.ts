// When listeners of a process hear of commits, its own and those of others, however the two overlap. Opens no connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnnouncements } from '../../src/storage/mongodb/announcements.ts';
import { createWatchers } from '../../src/storage/watchers.ts';
import { testLog } from '../helpers/quarantine.ts';

function listening() {
  const heard: (string[] | 'all')[] = [];
  const watchers = createWatchers(testLog().log, () => undefined);
  watchers.add((keys) => heard.push(keys === 'all' ? keys : [...keys]));
  return { heard, announcements: createAnnouncements(watchers) };
}

test('what another process commits during a silent write of ours is told when that ends', async () => {
  const { heard, announcements } = listening();
  const { promise, resolve } = Promise.withResolvers<{ changed: string[] }>();
  const writing = announcements.during(['', 'example.com'], () => promise);
  announcements.noticed(['example.com']);
  announcements.noticed(['example.org']);
  assert.deepEqual(heard, [['example.org']], 'nothing is told of a sequence before it can be read');
  resolve({ changed: [] });
  await writing;
  assert.deepEqual(heard, [['example.org'], ['example.com']]);
});

test('what the feed noticed of our own commit is told once, and a silent one to nobody by name', async () => {
  const { heard, announcements } = listening();
  await announcements.during(['', 'example.com'], async () => {
    announcements.noticed(['example.com']);
    return { changed: ['', 'example.com'] };
  });
  await announcements.during(['', 'example.com'], async () => ({ changed: [] }));
  assert.deepEqual(heard, [['', 'example.com'], []]);
});

test('of two writes that overlap, the first to end tells what was noticed meanwhile', async () => {
  const { heard, announcements } = listening();
  const { promise, resolve } = Promise.withResolvers<{ changed: string[] }>();
  const long = announcements.during(['example.com'], () => promise);
  await announcements.during(['example.com'], async () => {
    announcements.noticed(['example.com']);
    return { changed: [] };
  });
  assert.deepEqual(heard, [['example.com']]);
  resolve({ changed: [] });
  await long;
  assert.deepEqual(heard, [['example.com'], []]);
});
