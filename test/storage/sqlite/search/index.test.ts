// The index follows its store, whatever happens to either.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { copyStore } from '../../../../src/storage/copy-store.ts';
import { openMovableSqlite } from '../../../../src/storage/sqlite/movable.ts';
import { openSqlite } from '../../../../src/storage/sqlite/open.ts';
import {
  indexedUpTo,
  indexPath,
  openIndex,
  openIndexSnapshot,
  readBlocks,
} from '../../../../src/storage/sqlite/search/index-file.ts';
import { indexNew, removeGone } from '../../../../src/storage/sqlite/search/index-rounds.ts';
import { openConnection } from '../../../../src/storage/sqlite/connection.ts';
import type { Connection } from '../../../../src/storage/sqlite/connection.ts';
import { newContent } from '../../../helpers/messages.ts';
import { conditionOf } from '../../../helpers/search-condition.ts';
import { sampleMail, startTestServer } from '../../../helpers/server.ts';
import { searchedStore } from './searched-store.ts';
import type { SearchedStore } from './searched-store.ts';

/** What the blocks hold, and how many there are. */
function indexed(store: SearchedStore): { numbers: number[]; blocks: number } {
  const index = openIndex(store.path);
  const blocks = [...readBlocks(index)];
  index.close();
  return {
    numbers: blocks.flatMap(({ contents }) => [...contents.numbers]).sort((a, b) => a - b),
    blocks: blocks.length,
  };
}

const mailWith = (words: string): Buffer => Buffer.from(`Subject: ${words}\r\n\r\n${words}\r\n`);

async function find(store: SearchedStore, words: string): Promise<number[]> {
  const { uids } = await store.search({ kind: 'body', text: words });
  assert.deepEqual(uids, await store.expected({ kind: 'body', text: words }));
  return uids;
}

describe('the index', () => {
  test('stays a few blocks, however many rounds filled it', async () => {
    await using store = searchedStore();
    for (let i = 1; i <= 40; i++) {
      await store.insert([mailWith(`number ${i}`)]);
      await store.index();
    }
    const { numbers, blocks } = indexed(store);
    assert.deepEqual(
      numbers,
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    assert.ok(blocks < 10, String(blocks));
    assert.deepEqual(await find(store, 'number 40'), [40]);
    assert.deepEqual((await find(store, 'number 1')).length, 11);
  });

  test('has no more of large messages in one block than there is memory for', async () => {
    await using store = searchedStore();
    const body = (text: string): Buffer => Buffer.from(`\r\n${text}`);
    const oneWord = Array.from({ length: 16 }, (_, i) => body(`${i}word`.repeat(300_000)));
    const manyWords = Array.from({ length: 5 }, (_, i) => body(`${i}-`.repeat(500_000)));
    await store.insert([...oneWord, ...manyWords]);
    await store.index();
    const index = openIndex(store.path);
    const most = index.get('SELECT max(length(words)) AS wordBytes, max(atoms) AS atoms FROM blocks');
    index.close();
    const { wordBytes, atoms } = most as { wordBytes: number; atoms: number };
    assert.ok(wordBytes < 19_000_000, String(wordBytes));
    assert.ok(atoms < 3_500_000, String(atoms));
    assert.equal(indexed(store).numbers.length, 21);
    const found = async (text: string): Promise<number[]> => (await store.search({ kind: 'body', text })).uids;
    assert.deepEqual([await found('4word4'), await found('4-4')], [[5], [21]]);
  });

  test('loses what the store deleted, and reads again what the store read anew', async () => {
    await using store = searchedStore();
    await store.insert(Array.from({ length: 20 }, (_, i) => mailWith(`number ${i + 1}`)));
    await store.index();
    const { main } = store;
    main.run(`DELETE FROM messages WHERE number = 3`);
    main.run(`DELETE FROM contents WHERE number = 3`);
    const index = openIndex(store.path);
    assert.notEqual(await removeGone(main, index, 0), null);
    assert.deepEqual(indexed(store).numbers.includes(3), false);
    assert.deepEqual(await find(store, 'number 1'), [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    // As if a newer version of the program had read other bytes as text.
    main.run(
      `UPDATE contents SET reading_version = 99, reading = replace(reading, '"text/plain"', '"x-text/plain"') WHERE number = 5`,
    );
    assert.notEqual(await removeGone(main, index, 0), null);
    assert.equal(await removeGone(main, index, 0), null);
    index.close();
    assert.deepEqual(await find(store, 'number 5'), []);
    assert.equal(indexed(store).numbers.length, 19);
  });

  test('goes on behind a message that is damaged', async () => {
    await using store = searchedStore();
    await store.insert([mailWith('first'), mailWith('second')]);
    store.main.run(`UPDATE contents SET reading = '{' WHERE number = 2`);
    await store.index();
    assert.deepEqual(indexed(store), { numbers: [1], blocks: 1 });
    assert.equal(upTo(store), 2, 'it is not made anew each time');
    await store.insert([mailWith('third')]);
    await store.index();
    assert.deepEqual(indexed(store), { numbers: [1, 3], blocks: 2 });
  });

  test('is made anew for a store that was put back from a backup', async () => {
    await using store = searchedStore();
    await store.insert([mailWith('first'), mailWith('second')]);
    const backup = join(store.place.directory, 'backup.db');
    store.main.run('VACUUM INTO ?', backup);
    await store.insert([mailWith('third'), mailWith('fourth')]);
    await store.index();
    await store.close();
    writeFileSync(store.path, readFileSync(backup));
    for (const end of ['-wal', '-shm']) rmSync(store.path + end, { force: true });
    await using restored = searchedStore(store.place);
    assert.deepEqual(await find(restored, 'first'), [1], 'before any other mail came in');
    await restored.insert([mailWith('other')]);
    assert.deepEqual(await find(restored, 'other'), [3]);
    assert.deepEqual(await find(restored, 'third'), []);
    await restored.index();
    assert.deepEqual(indexed(restored).numbers, [1, 2, 3]);
    assert.deepEqual(await find(restored, 'other'), [3]);
  });

  test('follows a store that took the place of another copy of the same one', async () => {
    await using original = searchedStore();
    await using store = searchedStore();
    await store.close();
    const mail = Array.from({ length: 40 }, (_, i) => mailWith(`number ${i}`));
    const digests = new Map(mail.map((raw, i) => [newContent(raw).digest, i]));
    // A copy counts its contents in the order of their digests: the first one leaves, the last but one comes.
    const [first = 0, ...others] = [...digests].sort().map(([, i]) => i);
    const late = others.at(-2) ?? 0;
    await original.insert(mail.filter((_raw, i) => i !== late));
    const copy = async (): Promise<SearchedStore> => {
      await original.close();
      for (const end of ['', '-wal', '-shm']) rmSync(store.path + end, { force: true });
      const from = await openMovableSqlite(original.path, 'source');
      const to = await openMovableSqlite(store.path, 'target');
      await copyStore(from, to);
      await Promise.all([from.close(), to.close()]);
      return searchedStore(store.place);
    };
    const copied = await copy();
    await copied.index();
    const former = readFileSync(indexPath(store.path));
    await copied.close();
    await using again = searchedStore(original.place);
    again.main.run(`DELETE FROM messages WHERE content = ?`, newContent(mail[first] ?? Buffer.of()).digest);
    again.main.run(`DELETE FROM contents WHERE digest = ?`, newContent(mail[first] ?? Buffer.of()).digest);
    await again.insert(mail.filter((_raw, i) => i === late));
    await again.close();
    const other = await copy();
    assert.equal(existsSync(indexPath(store.path)), false);
    writeFileSync(indexPath(store.path), former);
    const index = openIndex(store.path);
    while ((await removeGone(other.main, index, 0)) !== null);
    index.close();
    for (let i = 0; i < 40; i++) await find(other, `number ${i}`);
    await other.close();
  });

  test('is made anew when it was made by another version, is damaged, or is not there', async () => {
    await using store = searchedStore();
    await store.insert([mailWith('first')]);
    await store.index();
    const index = openIndex(store.path);
    index.run(`UPDATE meta SET value = 'other' WHERE name = 'version'`);
    index.close();
    assert.deepEqual(await find(store, 'first'), [1]);
    await store.index();
    assert.deepEqual(indexed(store).numbers, [1]);
    rmSync(indexPath(store.path));
    assert.deepEqual(await find(store, 'first'), [1]);
    await store.index();
    writeFileSync(indexPath(store.path), 'this is no database, and was not written by us '.repeat(100));
    assert.deepEqual(await find(store, 'first'), [1], 'searches do without it');
  });

  test('is brought up to date by a server in the background, also when it is damaged, and nobody else can read it', async () => {
    await using store = searchedStore();
    writeFileSync(indexPath(store.path), 'this is no database, and was not written by us '.repeat(100), {
      mode: 0o600,
    });
    const storage = await openSqlite(store.path, { log: store.place.log, pollMs: 10 });
    const stop = await storage.upkeep.startIndexing();
    await store.insert([mailWith('first'), mailWith('second')]);
    await indexedBySelf(store, 2);
    assert.equal(statSync(indexPath(store.path)).mode & 0o777, 0o600);
    assert.deepEqual(
      [...((await storage.search({ role: 'global' }, 'caught', conditionOf('BODY second'))) ?? [])],
      [2],
    );
    // The file may be removed at any time, too.
    rmSync(indexPath(store.path));
    await store.insert([mailWith('third')]);
    await indexedBySelf(store, 3);
    assert.equal(statSync(indexPath(store.path)).mode & 0o777, 0o600);
    await stop();
    await storage.close();
    assert.deepEqual(indexed(store).numbers, [1, 2, 3]);
    assert.deepEqual(store.logged, []);
  });

  test('is kept up to date by a server that serves mail programs, and left in one piece when that stops', async (t) => {
    await using server = await startTestServer();
    if (!server.storeUrl.startsWith('sqlite:')) return t.skip('only SQLite has an index');
    const path = server.storeUrl.slice('sqlite:'.length);
    const store = { path, main: openConnection(path, { readOnly: true }), logged: [] };
    await server.handIn(sampleMail('Indexed'));
    await indexedBySelf(store, 1);
    await server.server.close();
    assert.equal(upTo(store), 1);
    store.main.close();
  });

  for (const rounds of [1, 6, 14]) {
    test(`is whole when its process is killed in its ${rounds}. round or later`, async () => {
      await using store = searchedStore();
      const script = new URL('./index-until-killed.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [script, store.path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      let lines = 0;
      for await (const _line of createInterface({ input: child.stdout })) if (++lines === rounds) child.kill('SIGKILL');
      await closed;
      const numbersOf = (): number[] => store.main.column<number>('SELECT number FROM contents ORDER BY number');
      assert.ok(indexed(store).numbers.length >= rounds * 3);
      assert.ok((await find(store, 'number 1')).length > 0);
      await store.index();
      assert.deepEqual(indexed(store).numbers, numbersOf());
      const index = openIndex(store.path);
      assert.deepEqual(index.column('PRAGMA integrity_check'), ['ok']);
      index.close();
    });
  }

  test('gets nothing from a process that began before it became that of another version or of another store', async () => {
    for (const [name, mixes] of [
      ['version', /another version/],
      ['store', null],
    ] as const) {
      await using store = searchedStore();
      await store.insert([mailWith('first')]);
      await store.index();
      await store.insert([mailWith('second')]);
      const index = openIndex(store.path);
      const meanwhile: Connection = {
        ...store.main,
        all(sql, ...values) {
          const rows = store.main.all(sql, ...values);
          if (sql.includes('WHERE number > ?')) index.run('UPDATE meta SET value = 1 WHERE name = ?', name);
          return rows as never;
        },
      };
      const round = indexNew(meanwhile, index);
      await (mixes ? assert.rejects(round, mixes) : round);
      assert.deepEqual([...readBlocks(index)].length, 1, name);
      index.close();
      await store.index();
      assert.deepEqual(indexed(store).numbers, [1, 2]);
    }
  });

  test('is whole when two processes fill it at the same time', async () => {
    await using store = searchedStore();
    await store.insert(Array.from({ length: 60 }, (_, i) => mailWith(`number ${i + 1}`)));
    const [one, two] = [openIndex(store.path), openIndex(store.path)];
    await Promise.all([indexNew(store.main, one), indexNew(store.main, two)]);
    one.close();
    two.close();
    assert.deepEqual(
      indexed(store).numbers,
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
  });
});

type Searched = Pick<SearchedStore, 'path' | 'main' | 'logged'>;

/** As a search sees it; 0 while there is no index that can be read. */
function upTo(store: Searched): number {
  try {
    const index = openIndexSnapshot(store.path, store.main);
    const number = index ? indexedUpTo(index) : 0;
    index?.close();
    return number;
  } catch {
    return 0;
  }
}

/** Waits until the index has as many contents; for ever would be the way to hide what keeps it from getting there. */
async function indexedBySelf(store: Searched, number: number): Promise<void> {
  const until = Date.now() + 60_000;
  while (upTo(store) < number) {
    assert.ok(Date.now() < until, `only ${upTo(store)} of ${number} were indexed; logged: ${inspect(store.logged)}`);
    await sleep(20);
  }
}
