import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadCommand } from '../../src/imap/answers.ts';
import { parseLine } from '../../src/imap/arguments.ts';
import { parseSearch } from '../../src/imap/search-keys.ts';
import type { SearchKey } from '../../src/imap/search-keys.ts';
import { Refusal } from '../../src/quarantine/errors.ts';

function parse(written: string, ...literals: Buffer[]): ReturnType<typeof parseSearch> {
  return parseSearch(parseLine(`a SEARCH ${written}`, literals).args);
}

function keyOf(written: string, ...literals: Buffer[]): SearchKey {
  const parsed = parse(written, ...literals);
  assert.ok('key' in parsed);
  return parsed.key;
}

/** The tree in one line, to be read in a table. */
function show(key: SearchKey): string {
  switch (key.kind) {
    case 'all':
    case 'none':
      return key.kind;
    case 'and':
    case 'or':
      return `${key.kind}(${key.keys.map(show).join(', ')})`;
    case 'not':
      return `not ${show(key.key)}`;
    case 'flag':
      return key.flag;
    case 'sequence':
    case 'uid':
      return `${key.kind} ${key.set.ranges.map(({ first, last }) => `${first}-${last}`).join()} ${key.set.toStar}`;
    case 'internalDate':
    case 'sentDate':
      return `${key.kind} ${key.is} ${new Date(key.day * 86_400_000).toISOString().slice(0, 10)}`;
    case 'size':
      return `${key.is} ${key.bytes}`;
    case 'age':
      return `${key.is} ${key.seconds}`;
    case 'header':
      return `${key.field}:${key.text}`;
    case 'body':
    case 'text':
      return `${key.kind}:${key.text}`;
  }
}

describe('SEARCH reads', () => {
  const table: [string, string][] = [
    ['ALL', 'all'],
    ['answered', '\\Answered'],
    ['DELETED', '\\Deleted'],
    ['DRAFT', '\\Draft'],
    ['FLAGGED', '\\Flagged'],
    ['SEEN', '\\Seen'],
    ['UNANSWERED', 'not \\Answered'],
    ['undeleted', 'not \\Deleted'],
    ['UNDRAFT', 'not \\Draft'],
    ['UNFLAGGED', 'not \\Flagged'],
    ['UNSEEN', 'not \\Seen'],
    ['NEW', 'none'],
    ['RECENT', 'none'],
    ['OLD', 'all'],
    ['NOT NEW', 'not none'],
    ['KEYWORD $released', '$Released'],
    ['UNKEYWORD junk', 'not Junk'],
    ['KEYWORD \\Seen', '\\Seen'],
    ['BEFORE 1-Feb-2025', 'internalDate before 2025-02-01'],
    ['ON "1-Feb-2025"', 'internalDate on 2025-02-01'],
    ['SINCE 01-feb-2025', 'internalDate since 2025-02-01'],
    ['SENTBEFORE 1-Feb-2025', 'sentDate before 2025-02-01'],
    ['SENTON 1-Feb-2025', 'sentDate on 2025-02-01'],
    ['SENTSINCE 1-Feb-2025', 'sentDate since 2025-02-01'],
    ['LARGER 0', 'larger 0'],
    ['SMALLER 4294967296', 'smaller 4294967296'],
    ['OLDER 3600', 'older 3600'],
    ['YOUNGER 1', 'younger 1'],
    ['FROM alice', 'from:alice'],
    ['TO ""', 'to:'],
    ['CC "a b"', 'cc:a b'],
    ['BCC x', 'bcc:x'],
    ['SUBJECT "NIL"', 'subject:NIL'],
    ['HEADER X-Spam-Flag YES', 'x-spam-flag:YES'],
    ['HEADER Message-ID ""', 'message-id:'],
    ['BODY hello', 'body:hello'],
    ['TEXT hello', 'text:hello'],
    ['TEXT BODY BODY TEXT', 'and(text:BODY, body:TEXT)'],
    ['UID 5,1:3', 'uid 1-3,5-5 null'],
    ['UID 4:*', 'uid  4'],
    ['1:3,7', 'sequence 1-3,7-7 null'],
    ['*', 'sequence  Infinity'],
    ['2:* UNSEEN', 'and(sequence  2, not \\Seen)'],
    ['NOT 1', 'not sequence 1-1 null'],
    ['OR SEEN FLAGGED', 'or(\\Seen, \\Flagged)'],
    ['OR (FROM a SUBJECT b) (TO c)', 'or(and(from:a, subject:b), to:c)'],
    ['NOT (FROM a SUBJECT b)', 'not and(from:a, subject:b)'],
    ['OR OR SEEN DRAFT OR NOT FLAGGED ALL DELETED', 'and(or(or(\\Seen, \\Draft), or(not \\Flagged, all)), \\Deleted)'],
    ['NOT NOT SEEN', 'not not \\Seen'],
    ['((SEEN))', '\\Seen'],
    ['(UID 1:5) SEEN', 'and(uid 1-5 null, \\Seen)'],
    ['OR (UID 1:5) (UID *)', 'or(uid 1-5 null, uid  Infinity)'],
    ['CHARSET utf-8 SEEN', '\\Seen'],
    ['CHARSET "US-ASCII" FROM a TO b', 'and(from:a, to:b)'],
    ['SUBJECT "gr\xc3\xbcn"', 'subject:grün'],
    ['SUBJECT gr\xfcn', 'subject:grün'],
    ['UNDELETED BODY "message 3" SUBJECT "mail" FROM "S"', 'and(not \\Deleted, body:message 3, subject:mail, from:S)'],
  ];
  for (const [written, expected] of table) {
    test(JSON.stringify(written), () => assert.equal(show(keyOf(written)), expected));
  }

  test('literals', () => {
    const [field, text] = [Buffer.from('X-A'), Buffer.from('日本\r\n語')];
    const key = keyOf('CHARSET UTF-8 OR (HEADER {3}\r\n {11}\r\n) SEEN', field, text);
    assert.equal(show(key), 'or(x-a:日本\r\n語, \\Seen)');
  });
});

describe('SEARCH refuses', () => {
  const malformed = [
    '',
    '()',
    '(())',
    'SEEN ()',
    'NIL',
    '(NIL)',
    '"SEEN"',
    'FOO',
    'NOT',
    'OR',
    'OR SEEN',
    'OR (SEEN)',
    '(OR SEEN) DELETED',
    'SUBJECT',
    'SUBJECT NIL',
    'SUBJECT (a)',
    'HEADER',
    'HEADER Subject',
    'HEADER NIL x',
    'HEADER Subject NIL',
    'KEYWORD',
    'KEYWORD NIL',
    'KEYWORD "a b"',
    'KEYWORD \\Foo',
    'BEFORE',
    'BEFORE 31-Feb-2025',
    'BEFORE yesterday',
    'BEFORE NIL',
    'SENTON 1-1-2025',
    'LARGER',
    'LARGER -1',
    'LARGER 1.5',
    'LARGER 1000000000000000',
    'LARGER NIL',
    'OLDER 0',
    'YOUNGER x',
    'UID',
    'UID 0',
    'UID NIL',
    'UID SEEN',
    '0',
    '1:',
    '1,,2',
    '1:2:3',
    '4294967296',
    'MODSEQ 5',
    'RETURN (ALL) SEEN',
    'CHARSET',
    'CHARSET UTF-8',
    'CHARSET NIL SEEN',
    'SEEN CHARSET UTF-8',
    'BODY[]',
  ];
  for (const written of malformed) test(JSON.stringify(written), () => assert.throws(() => parse(written), BadCommand));

  test('a charset that it does not know, and says which it knows', () => {
    for (const charset of ['ISO-8859-1', '"UTF-16"', 'x']) {
      const parsed = parse(`CHARSET ${charset} SUBJECT gr\xfcn`);
      assert.ok('refused' in parsed);
      assert.deepEqual([parsed.refused.response, parsed.refused.code], ['NO', 'BADCHARSET (US-ASCII UTF-8)']);
    }
  });

  test('searches nested too deep or with too many keys, and takes those at the limit', () => {
    assert.throws(() => parse(`${'NOT '.repeat(15_000)}SEEN`), Refusal);
    assert.throws(() => parse(`${'OR SEEN '.repeat(8_000)}SEEN`), Refusal);
    assert.throws(() => parse('SEEN '.repeat(1_001)), Refusal);
    assert.throws(() => parse(`(${'SEEN '.repeat(600)}) (${'SEEN '.repeat(600)})`), Refusal);
    assert.equal(keyOf(`${'NOT '.repeat(200)}SEEN`).kind, 'not');
    assert.equal(keyOf(`${'OR FROM a '.repeat(200)}FROM b`).kind, 'or');
    assert.equal(keyOf('SEEN '.repeat(1_000)).kind, 'and');
  });
});
