// Lines of the server against what a transcript expects.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forbiddenIn, matchResponse, showExpected, showResponse } from './match-response.ts';
import type { ExpectedResponse } from './transcript.ts';

const none = new Map<string, string>();
const bound = new Map([
  ['uid 1', '7'],
  ['word', 'a.b'],
]);

function expected(...parts: ExpectedResponse['parts']): ExpectedResponse {
  return { line: 1, parts };
}

describe('a line of the server', () => {
  const table: [text: string, response: string, fits: boolean][] = [
    ['* 3 EXISTS', '* 3 EXISTS', true],
    ['* 3 EXISTS', '* 13 EXISTS', false],
    ['* 3 EXISTS', '* 3 EXISTS ', false],
    ['* FLAGS (\\Seen)', '* FLAGS (\\Seen)', true],
    ['* FLAGS (\\Seen)', '* FLAGS (Seen)', false],
    ['a.c OK [X]', 'abc OK [X]', false],
    ['1 OK ...', '1 OK ', true],
    ['1 OK ...', '1 OK [CODE] any text', true],
    ['1 OK ...', '1 OK', false],
    ['1 NO ...virus...', '1 NO [NOPERM] a virus, really', true],
    ['1 NO ...virus...', '1 NO [NOPERM] a worm', false],
    ['* 1 FETCH (...)', '* 1 FETCH (BODY[] {3}\r\nabc)', true],
    ['* 1 FETCH (BODY[] {...})', '* 1 FETCH (BODY[] {3}\r\nabc)', true],
    ['* 1 FETCH (BODY[] {...} UID 1)', '* 1 FETCH (BODY[] {3}\r\nabc)', false],
    ['* 1 FETCH (BODY[]<0> ...)', '* 1 FETCH (BODY[]<0> "")', true],
    ['1 NO Grüße', Buffer.from('1 NO Grüße').toString('latin1'), true],
    ['* 1 FETCH (UID <uid>)', '* 1 FETCH (UID 0)', false],
    ['* OK [COPYUID <uidvalidity> 1,3 <uids>] ...', '* OK [COPYUID 12 1,3 5:6] Moved', true],
    ['* 1 FETCH (INTERNALDATE <date>)', '* 1 FETCH (INTERNALDATE " 5-Jan-2026 10:00:00 +0000")', true],
    ['* 1 FETCH (INTERNALDATE <date>)', '* 1 FETCH (INTERNALDATE "5-Jan-2026")', false],
    ['* <number> EXISTS', '* 0 EXISTS', true],
    ['* <uid 1> <uid 1>', '* 7 7', true],
    ['* <uid 1>', '* 8', false],
    ['* <uid 2> <uid 2>', '* 8 8', true],
    ['* <uid 2> <uid 2>', '* 8 9', false],
    ['* <word>', '* a.b', true],
    ['* <word>', '* axb', false],
    ['* ID <m1@remote.example>', '* ID <m1@remote.example>', true],
  ];
  for (const [text, response, fits] of table) {
    test(`${JSON.stringify(response)} ${fits ? 'is' : 'is not'} ${text}`, () => {
      assert.equal(matchResponse(expected({ text }), response, bound) !== null, fits);
    });
  }

  test('binds what it has seen, and leaves the earlier bindings as they were', () => {
    const first = matchResponse(
      expected({ text: '* 1 FETCH (UID <uid 1> FLAGS (<word>))' }),
      '* 1 FETCH (UID 4 FLAGS (x))',
      none,
    );
    assert.deepEqual(
      [...(first ?? [])],
      [
        ['uid 1', '4'],
        ['word', 'x'],
      ],
    );
    assert.equal(none.size, 0);
  });

  test('holds a literal to the byte', () => {
    const literal = Buffer.from('Grüße (.*)\r\n');
    const response = expected({ text: '* 1 FETCH (UID <uid 1> BODY[] ' }, { literal }, { text: ' FLAGS (...))' });
    const said = (bytes: Buffer): string =>
      `* 1 FETCH (UID 7 BODY[] {${bytes.length}}\r\n${bytes.toString('latin1')} FLAGS ())`;
    assert.ok(matchResponse(response, said(literal), bound));
    assert.equal(matchResponse(response, said(Buffer.from('Grüße (.x)\r\n')), bound), null);
    assert.equal(matchResponse(response, said(Buffer.concat([literal, literal])), bound), null);
  });

  test('is shown with what its placeholders stand for, in one line', () => {
    const response = expected(
      { text: '* 1 FETCH (UID <uid 1> BODY[] ' },
      { literal: Buffer.from('a\r\n') },
      { text: ')' },
    );
    assert.equal(showExpected(response, bound), '* 1 FETCH (UID <uid 1> BODY[] {3} a\\r\\n)   (<uid 1> is 7)');
    assert.equal(showExpected(expected({ text: '1 OK <uid 3>' }), bound), '1 OK <uid 3>');
    assert.equal(showResponse(Buffer.from('1 NO Grüße\r\n').toString('latin1')), '1 NO Grüße\\r\\n');
    assert.match(showResponse('x'.repeat(1000)), /^x{600}… \(1000 characters\)$/);
  });
});

describe('no response may hold', () => {
  const table: [response: string, what: string | null][] = [
    ['* 1 FETCH (FLAGS (\\Seen \\Recent))', '\\Recent'],
    ['* 2 RECENT', 'RECENT above 0'],
    ['* STATUS "Caught" (MESSAGES 2 RECENT 1)', 'RECENT above 0'],
    ['1 NO [TRYCREATE] no such folder', 'TRYCREATE'],
    ['* LIST (\\HasNoChildren \\Noselect) "/" "Release"', '\\Noselect on a folder'],
    ['* XLIST (\\Noselect) "/" "Release"', '\\Noselect on a folder'],
    ['* LIST (\\Noselect) "/" ""', null],
    ['* 0 RECENT', null],
    ['* STATUS "Caught" (RECENT 0)', null],
    ['* 1 FETCH (FLAGS () BODY[] {9}\r\n\\Recent\r\n)', null],
  ];
  for (const [response, what] of table) {
    test(`${what ?? 'anything'} like ${JSON.stringify(response)}${what ? '' : ', which is allowed'}`, () => {
      assert.equal(forbiddenIn(response), what);
    });
  }
});
