// When the indexer is given work, by a clock that the test moves.
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { TemporaryError } from '../../../../src/quarantine/errors.ts';
import type { IndexerOperations } from '../../../../src/storage/sqlite/search/indexer.ts';
import { startIndexing } from '../../../../src/storage/sqlite/search/indexing.ts';
import type { Thread } from '../../../../src/storage/sqlite/thread.ts';
import { createWatchers } from '../../../../src/storage/watchers.ts';

const dayMs = 86_400_000;

interface Indexing {
  /** What the indexer was asked for, since the last time. */
  asked(): string[];
  fail(fails: boolean): void;
  /** How many more blocks the indexer finds. */
  find(blocks: number): void;
  warnings: string[];
  told: string[];
  /** Something is committed. */
  commit(): void;
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

function start(t: TestContext): Indexing {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const silent = (): void => undefined;
  const warnings: string[] = [];
  const told: string[] = [];
  const log = {
    debug: silent,
    info: (_fields: object, text: string) => void told.push(text),
    warn: (_fields: object, text: string) => void warnings.push(text),
    error: silent,
  };
  const watchers = createWatchers(log, silent);
  let asked: string[] = [];
  let fails = false;
  let blocks = 0;
  const indexer = {
    async call(name: string) {
      asked.push(name);
      if (fails) throw new TemporaryError('The disk is full.');
      return name === 'indexNew' ? blocks-- > 0 : null;
    },
    kill: async () => void asked.push('kill'),
  } as unknown as Thread<IndexerOperations>;
  const stop = startIndexing(indexer, { watchers, log });
  return {
    asked() {
      const was = asked;
      asked = [];
      return was;
    },
    fail: (does) => (fails = does),
    find: (more) => (blocks = more),
    warnings,
    told,
    commit: () => watchers.tell('all'),
    async pass(ms) {
      t.mock.timers.tick(ms);
      await turn();
    },
    stop,
  };
}

test('what comes in is indexed once it has settled, and all at once', async (t) => {
  const indexing = start(t);
  await indexing.pass(1000);
  assert.deepEqual(indexing.asked(), ['indexNew', 'removeGone', 'indexNew']);
  for (let commits = 0; commits < 10; commits++) indexing.commit();
  await indexing.pass(100);
  assert.deepEqual(indexing.asked(), []);
  await indexing.pass(200);
  assert.deepEqual(indexing.asked(), ['indexNew']);
  await indexing.pass(3_600_000);
  assert.deepEqual(indexing.asked(), []);
});

test('what was deleted is taken out within a day, however much comes in', async (t) => {
  const indexing = start(t);
  await indexing.pass(1000);
  indexing.asked();
  for (let ms = 0; ms < dayMs; ms += 200_000) {
    // The next round is due already whenever the time for the sweep comes.
    indexing.commit();
    await indexing.pass(200_000);
  }
  assert.ok(indexing.asked().includes('removeGone'));
});

test('trouble is told once and tried again, and what was missed meanwhile is made up for', async (t) => {
  const indexing = start(t);
  indexing.fail(true);
  await indexing.pass(1000);
  for (let round = 0; round < 5; round++) {
    indexing.commit();
    await indexing.pass(30_000);
  }
  assert.equal(indexing.asked().length, 6);
  assert.equal(indexing.warnings.length, 1);
  indexing.fail(false);
  await indexing.pass(30_000);
  assert.deepEqual(indexing.asked(), ['indexNew', 'removeGone', 'indexNew']);
});

test('the making of a large index is told when it begins and when it is complete, and no other', async (t) => {
  const indexing = start(t);
  indexing.find(3);
  await indexing.pass(1000);
  const both = [
    'the search index is being made; until it is, searches read the mail itself',
    'the search index is complete',
  ];
  assert.deepEqual(indexing.told, both);
  indexing.find(0);
  indexing.commit();
  await indexing.pass(1000);
  assert.deepEqual(indexing.told, both);
});

test('the thread is cut off when it is stopped, and asked for nothing afterwards', async (t) => {
  const indexing = start(t);
  await indexing.pass(1000);
  indexing.asked();
  indexing.commit();
  await indexing.stop();
  indexing.commit();
  await indexing.pass(dayMs);
  assert.deepEqual(indexing.asked(), ['kill']);
});
