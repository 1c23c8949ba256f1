import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadCommand } from '../../src/imap/answers.ts';
import { parseLine } from '../../src/imap/arguments.ts';
import { marksSeen, parseFetchItems } from '../../src/imap/fetch-items.ts';
import type { FetchItem } from '../../src/imap/fetch-items.ts';
import { Refusal } from '../../src/quarantine/errors.ts';

function itemsOf(written: string, uid = false): FetchItem[] {
  return parseFetchItems(parseLine(`a X ${written}`, []).args, uid);
}

const fast = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'];

describe('FETCH asks for', () => {
  const table: [string, string[]][] = [
    ['FLAGS', ['FLAGS']],
    ['(flags)', ['FLAGS']],
    ['fast', fast],
    ['ALL', [...fast, 'ENVELOPE']],
    ['FULL', [...fast, 'ENVELOPE', 'BODY']],
    ['(FAST UID)', [...fast, 'UID']],
    ['(UID UID FLAGS UID)', ['UID', 'FLAGS']],
    ['(BODY BODYSTRUCTURE)', ['BODY', 'BODYSTRUCTURE']],
    ['(RFC822 RFC822.HEADER RFC822.TEXT)', ['RFC822', 'RFC822.HEADER', 'RFC822.TEXT']],
    ['BODY[]', ['BODY[]']],
    ['body.peek[]', ['BODY[]']],
    ['BODY.PEEK[]<0.65536>', ['BODY[]<0>']],
    ['BODY[]<65536.65536>', ['BODY[]<65536>']],
    ['(BODY[]<0.10> BODY[]<10.10>)', ['BODY[]<0>', 'BODY[]<10>']],
    ['BODY[header]', ['BODY[HEADER]']],
    ['BODY[text]<7.1>', ['BODY[TEXT]<7>']],
    ['BODY[1]', ['BODY[1]']],
    ['BODY[1.2.3.mime]', ['BODY[1.2.3.MIME]']],
    ['BODY[1.header]', ['BODY[1.HEADER]']],
    ['BODY[1.text]', ['BODY[1.TEXT]']],
    ['body.peek[header.fields (From To)]', ['BODY[HEADER.FIELDS (From To)]']],
    ['BODY[HEADER.FIELDS ("From" "X Y" "NIL" "")]<0.5>', ['BODY[HEADER.FIELDS (From "X Y" "NIL" "")]<0>']],
    ['BODY[4.1.HEADER.FIELDS.NOT (received)]', ['BODY[4.1.HEADER.FIELDS.NOT (received)]']],
  ];
  for (const [written, labels] of table) {
    test(written, () => {
      assert.deepEqual(
        itemsOf(written).map(({ label }) => label),
        labels,
      );
    });
  }

  test('the UID of every message when it is a UID FETCH, once', () => {
    assert.deepEqual(itemsOf('FLAGS', true), [
      { kind: 'uid', label: 'UID' },
      { kind: 'flags', label: 'FLAGS' },
    ]);
    assert.equal(itemsOf('(FLAGS UID)', true).length, 2);
  });

  test('a section with part, fields and partial taken apart', () => {
    assert.deepEqual(itemsOf('BODY.PEEK[12.3.HEADER.FIELDS.NOT (a B)]<5.0>'), [
      {
        kind: 'section',
        label: 'BODY[12.3.HEADER.FIELDS.NOT (a B)]<5>',
        section: { part: [12, 3], what: 'HEADER.FIELDS.NOT', fields: ['a', 'B'] },
        partial: { start: 5, length: 0 },
        peek: true,
      },
    ]);
    assert.deepEqual(itemsOf('RFC822.HEADER'), [
      {
        kind: 'section',
        label: 'RFC822.HEADER',
        section: { part: [], what: 'HEADER', fields: [] },
        partial: null,
        peek: true,
      },
    ]);
  });
});

describe('a message becomes \\Seen by', () => {
  const table: [string, boolean][] = [
    ['BODY[]', true],
    ['BODY[HEADER]', true],
    ['RFC822', true],
    ['RFC822.TEXT', true],
    ['(BODY.PEEK[] BODY[])', true],
    ['(BODY[] BODY.PEEK[])', true],
    ['BODY.PEEK[]', false],
    ['RFC822.HEADER', false],
    ['(RFC822.SIZE BODY BODYSTRUCTURE ENVELOPE)', false],
  ];
  for (const [written, seen] of table) {
    test(`${written}: ${seen ? 'yes' : 'no'}`, () => assert.equal(marksSeen(itemsOf(written)), seen));
  }
});

describe('FETCH refuses', () => {
  const malformed = [
    '',
    '()',
    'NIL',
    '(NIL)',
    '"FLAGS"',
    'FLAGS UID',
    'FLAGS (CHANGEDSINCE 5)',
    '(FLAGS) (CHANGEDSINCE 5 VANISHED)',
    '((FLAGS))',
    'MODSEQ',
    '(UID MODSEQ)',
    'BINARY[1]',
    'RFC822.PEEK',
    'BODY.PEEK',
    'BODY[MIME]',
    'BODY[0]',
    'BODY[01]',
    'BODY[1.]',
    'BODY[.1]',
    'BODY[1..2]',
    'BODY[HEADER.1]',
    'BODY[1.HEADER.FIELDS]',
    'BODY[HEADER.FIELDS]',
    'BODY[HEADER.FIELDS ()]',
    'BODY[HEADER.FIELDS (NIL)]',
    'BODY[HEADER.FIELDS (From (To))]',
    'BODY[HEADER.FIELDS.NOT]',
    'BODY[HEADER (From)]',
    'BODY[TEXT (From)]',
    'BODY[ (From)]',
    'BODY[1 (From)]',
    'BODY[HEADERS]',
    'BODY[1TEXT]',
    'BODY[12345678901]',
    'BODY[] <0.5>',
    'BODY[]<5>',
    'BODY[]<-1.5>',
    'BODY[',
  ];
  for (const written of malformed) test(written, () => assert.throws(() => itemsOf(written), BadCommand));

  test('more items than anybody needs', () => {
    const many = Array.from({ length: 101 }, (_, i) => `BODY.PEEK[]<${i}.1000000>`);
    assert.throws(() => itemsOf(`(${many.join(' ')})`), Refusal);
    assert.equal(itemsOf(`(${many.slice(1).join(' ')})`).length, 100);
    assert.equal(itemsOf(`(${'BODY.PEEK[] '.repeat(5000)})`).length, 1);
  });

  test('60 kB of part numbers without delay', () => {
    const startedAt = process.cpuUsage();
    assert.throws(() => itemsOf(`BODY[${'1.'.repeat(30_000)}X]`), BadCommand);
    assert.throws(() => itemsOf(`BODY[${'1'.repeat(60_000)}]`), BadCommand);
    assert.equal(itemsOf(`BODY[${'1.'.repeat(30_000)}1]`).length, 1);
    assert.ok(process.cpuUsage(startedAt).user < 1_000_000);
  });
});
