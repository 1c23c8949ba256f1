import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadCommand } from '../../src/imap/answers.ts';
import { parseLine } from '../../src/imap/arguments.ts';
import { parseSearch } from '../../src/imap/search-keys.ts';
import { Refusal } from '../../src/quarantine/errors.ts';
import type { Condition } from '../../src/quarantine/search/condition.ts';
import { searchedAt, searchedMessages } from '../helpers/search-condition.ts';

/** In a mailbox of ten messages with the UIDs 10, 20 … 100. */
function parse(written: string, ...literals: Buffer[]): ReturnType<typeof parseSearch> {
  const mailbox = { messages: searchedMessages, now: searchedAt };
  return parseSearch(parseLine(`a SEARCH ${written}`, literals).args, mailbox);
}

function conditionOf(written: string, ...literals: Buffer[]): Condition {
  const parsed = parse(written, ...literals);
  assert.ok('condition' in parsed);
  return parsed.condition;
}

/** The tree in one line, to be read in a table. */
function show(condition: Condition): string {
  const moment = (ms: number): string => new Date(ms).toISOString().replace('T00:00:00.000Z', '');
  const span = (from: number, before: number): string =>
    [Number.isFinite(from) ? `from ${moment(from)}` : '', Number.isFinite(before) ? `before ${moment(before)}` : '']
      .filter(Boolean)
      .join(' ');
  switch (condition.kind) {
    case 'all':
    case 'none':
      return condition.kind;
    case 'and':
    case 'or':
      return `${condition.kind}(${condition.parts.map(show).join(', ')})`;
    case 'not':
      return `not ${show(condition.part)}`;
    case 'flag':
      return condition.flag;
    case 'uid':
      return `uid ${condition.ranges.map(({ from, to }) => `${from}-${to}`).join()}`;
    case 'internalDate':
      return `arrived ${span(condition.from, condition.before)}`;
    case 'sentDay':
      return `sent ${span(condition.from * 86_400_000, condition.before * 86_400_000)}`;
    case 'size':
      return `${condition.is} ${condition.bytes}`;
    case 'header':
      return `${condition.field}:${condition.text}`;
    case 'body':
    case 'text':
      return `${condition.kind}:${condition.text}`;
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
    ['BEFORE 1-Feb-2025', 'arrived before 2025-02-01'],
    ['ON "1-Feb-2025"', 'arrived from 2025-02-01 before 2025-02-02'],
    ['SINCE 01-feb-2025', 'arrived from 2025-02-01'],
    ['SENTBEFORE 1-Feb-2025', 'sent before 2025-02-01'],
    ['SENTON 1-Feb-2025', 'sent from 2025-02-01 before 2025-02-02'],
    ['SENTSINCE 1-Feb-2025', 'sent from 2025-02-01'],
    ['LARGER 0', 'larger 0'],
    ['SMALLER 4294967296', 'smaller 4294967296'],
    ['OLDER 3600', 'arrived before 2025-06-15T11:00:00.001Z'],
    ['YOUNGER 1', 'arrived from 2025-06-15T11:59:59.000Z'],
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
    ['UID 50,10:39', 'uid 10-30,50-50'],
    ['UID 1:9,200', 'uid '],
    ['UID 40:*', 'uid 40-100'],
    ['UID 400:*', 'uid 100-100'],
    ['1:3,7', 'uid 10-30,70-70'],
    ['9:12', 'uid 90-100'],
    ['11', 'uid '],
    ['*', 'uid 100-100'],
    ['2:* UNSEEN', 'and(uid 20-100, not \\Seen)'],
    ['NOT 1', 'not uid 10-10'],
    ['OR SEEN FLAGGED', 'or(\\Seen, \\Flagged)'],
    ['OR (FROM a SUBJECT b) (TO c)', 'or(and(from:a, subject:b), to:c)'],
    ['NOT (FROM a SUBJECT b)', 'not and(from:a, subject:b)'],
    ['OR OR SEEN DRAFT OR NOT FLAGGED ALL DELETED', 'and(or(or(\\Seen, \\Draft), or(not \\Flagged, all)), \\Deleted)'],
    ['NOT NOT SEEN', 'not not \\Seen'],
    ['((SEEN))', '\\Seen'],
    ['(UID 1:50) SEEN', 'and(uid 10-50, \\Seen)'],
    ['OR (UID 1:50) (UID *)', 'or(uid 10-50, uid 100-100)'],
    ['CHARSET utf-8 SEEN', '\\Seen'],
    ['CHARSET "US-ASCII" FROM a TO b', 'and(from:a, to:b)'],
    ['SUBJECT "gr\xc3\xbcn"', 'subject:grün'],
    ['SUBJECT gr\xfcn', 'subject:grün'],
    ['UNDELETED BODY "message 3" SUBJECT "mail" FROM "S"', 'and(not \\Deleted, body:message 3, subject:mail, from:S)'],
  ];
  for (const [written, expected] of table) {
    test(JSON.stringify(written), () => assert.equal(show(conditionOf(written)), expected));
  }

  test('literals', () => {
    const [field, text] = [Buffer.from('X-A'), Buffer.from('日本\r\n語')];
    const key = conditionOf('CHARSET UTF-8 OR (HEADER {3}\r\n {11}\r\n) SEEN', field, text);
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
    assert.equal(conditionOf(`${'NOT '.repeat(200)}SEEN`).kind, 'not');
    assert.equal(conditionOf(`${'OR FROM a '.repeat(200)}FROM b`).kind, 'or');
    assert.equal(conditionOf('SEEN '.repeat(1_000)).kind, 'and');
  });
});
