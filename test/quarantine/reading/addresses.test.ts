// Address lists, good and broken: RFC 5322 section 3.4 and 4.4, and what is really sent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkedReading, message } from './checked-reading.ts';

const missing = '"MISSING_MAILBOX" "MISSING_DOMAIN"';
const alice = '(NIL NIL "alice" "example.com")';

const rows: [list: string, wire: string][] = [
  // Plain addresses.
  ['alice@example.com', alice],
  [' alice@example.com ', alice],
  ['alice @ example . com', alice],
  ['a . b@example.com', '(NIL NIL "a.b" "example.com")'],
  ['"alice"@example.com', alice],
  ['"a b"@example.com', '(NIL NIL "a b" "example.com")'],
  ['"a\\"b\\\\c@d"@example.com', '(NIL NIL "a\\"b\\\\c@d" "example.com")'],
  ['""@example.com', '(NIL NIL "MISSING_MAILBOX" "example.com")'],
  ['alice@[192.0.2.1]', '(NIL NIL "alice" "[192.0.2.1]")'],
  ['alice@[IPv6:2001:db8::1], bob@b', '(NIL NIL "alice" "[IPv6:2001:db8::1]")(NIL NIL "bob" "b")'],
  ['gr\xfcn@example.com', '(NIL NIL {4}\r\ngr\xfcn "example.com")'],
  // Names.
  ['<alice@example.com>', alice],
  ['Alice <alice@example.com>', '("Alice" NIL "alice" "example.com")'],
  ['Alice  B.  Cee\t<alice@example.com>', '("Alice B. Cee" NIL "alice" "example.com")'],
  ['"Cee, Alice" <alice@example.com>', '("Cee, Alice" NIL "alice" "example.com")'],
  ['"Alice" Cee <alice@example.com>', '("Alice Cee" NIL "alice" "example.com")'],
  ['"" <alice@example.com>', alice],
  ['"A \\"B\\"" <alice@example.com>', '("A \\"B\\"" NIL "alice" "example.com")'],
  ['"x: <a@b>;," <alice@example.com>', '("x: <a@b>;," NIL "alice" "example.com")'],
  ['=?utf-8?q?Al=C3=AEce?= <alice@example.com>', '("=?utf-8?q?Al=C3=AEce?=" NIL "alice" "example.com")'],
  ['=?utf-8?Q?Cee,_Al?= <alice@example.com>', '("=?utf-8?Q?Cee,_Al?=" NIL "alice" "example.com")'],
  ['[Spam] Alice <alice@example.com>', '("[Spam] Alice" NIL "alice" "example.com")'],
  // Comments.
  ['alice@example.com (Alice Cee)', '("Alice Cee" NIL "alice" "example.com")'],
  ['alice@example.com (Alice (really) \\) Cee)', '("Alice (really) ) Cee" NIL "alice" "example.com")'],
  ['(Alice) alice@example.com', '("Alice" NIL "alice" "example.com")'],
  ['alice@example.com ()', alice],
  ['Alice (private) Cee <alice@example.com>', '("Alice Cee" NIL "alice" "example.com")'],
  ['<alice@example.com> (Alice)', '("Alice" NIL "alice" "example.com")'],
  ['alice(no)@(no)example.com(Alice)', '("Alice" NIL "alice" "example.com")'],
  // Routes.
  ['<@a,@b:alice@example.com>', '(NIL "@a,@b" "alice" "example.com")'],
  ['Alice < @a , @b : alice@example.com >', '("Alice" "@a,@b" "alice" "example.com")'],
  // Lists.
  ['a@b,c@d', '(NIL NIL "a" "b")(NIL NIL "c" "d")'],
  [',, a@b, ,\r\n c@d,', '(NIL NIL "a" "b")(NIL NIL "c" "d")'],
  ['a@b; c@d', '(NIL NIL "a" "b")(NIL NIL "c" "d")'],
  ['a@b c@d', '(NIL NIL "a" "b")(NIL NIL "c" "d")'],
  ['<a@b> <c@d>', '(NIL NIL "a" "b")(NIL NIL "c" "d")'],
  // Groups.
  ['undisclosed-recipients:;', '(NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)'],
  [
    'A Group:Ed <ed@b>,joe@c (Joe), <x@y>; z@z',
    '(NIL NIL "A Group" NIL)("Ed" NIL "ed" "b")("Joe" NIL "joe" "c")(NIL NIL "x" "y")(NIL NIL NIL NIL)(NIL NIL "z" "z")',
  ],
  ['"a; b": c@d', '(NIL NIL "a; b" NIL)(NIL NIL "c" "d")(NIL NIL NIL NIL)'],
  [': a@b;', '(NIL NIL "" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)'],
  ['a: b: c@d;', '(NIL NIL "a" NIL)("b:" NIL "c" "d")(NIL NIL NIL NIL)'],
  // Broken ones.
  ['alice', '(NIL NIL "alice" "MISSING_DOMAIN")'],
  ['alice (Alice)', '("Alice" NIL "alice" "MISSING_DOMAIN")'],
  ['Alice Cee', `("Alice Cee" NIL ${missing})`],
  ['"Alice"', `("Alice" NIL ${missing})`],
  ['@example.com', '(NIL NIL "MISSING_MAILBOX" "example.com")'],
  ['alice@', '(NIL NIL "alice" "MISSING_DOMAIN")'],
  ['alice@, bob@b', '(NIL NIL "alice" "MISSING_DOMAIN")(NIL NIL "bob" "b")'],
  ['<>', `(NIL NIL ${missing})`],
  ['Mailer <>', `("Mailer" NIL ${missing})`],
  ['<alice>', '(NIL NIL "alice" "MISSING_DOMAIN")'],
  ['<@example.com>', '(NIL NIL "MISSING_MAILBOX" "example.com")'],
  ['Alice Cee alice@example.com', '("Alice Cee" NIL "alice" "example.com")'],
  ['<alice@example.com', alice],
  ['alice@example.com>', alice],
  ['<alice@example.com, bob@b>', `${alice}(NIL NIL "bob" "b")`],
  ['<alice@example.com>junk, bob@b', `${alice}(NIL NIL "bob" "b")`],
  ['boss@example.net <alice@example.com>', '("boss@example.net" NIL "alice" "example.com")'],
  ['"Alice <alice@example.com>', '("\\"Alice" NIL "alice" "example.com")'],
  ['Alice (Cee <alice@example.com>', '("Alice (Cee" NIL "alice" "example.com")'],
];

describe('an address list', () => {
  for (const [list, wire] of rows) {
    test(JSON.stringify(list), () => {
      const reading = checkedReading(message(`Cc: ${list}`, '', ''));
      assert.equal(reading.envelope, `(NIL NIL NIL NIL NIL NIL (${wire}) NIL NIL NIL)`);
    });
  }

  test('gives the same addresses wherever they stand in a list', () => {
    // What ends with its line (an open quote, comment or group) can't be followed by anything.
    const closed = rows.filter(([list]) => !/^"Alice <|\(Cee|;$|^"a; b"|^a: b|^,/.test(list));
    const to = closed.map(([list]) => list).join(', ');
    const reading = checkedReading(message(`Cc: ${to}`, '', ''));
    const expected = closed.map(([, wire]) => wire).join('');
    assert.equal(reading.envelope, `(NIL NIL NIL NIL NIL NIL (${expected}) NIL NIL NIL)`);
  });

  test('ends at the limit of addresses, and an open group is closed', () => {
    const reading = checkedReading(message('Cc: g: a@b, c@d, e@f;', '', ''), { addresses: 3 });
    assert.equal(
      reading.envelope,
      '(NIL NIL NIL NIL NIL NIL ((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")(NIL NIL NIL NIL)) NIL NIL NIL)',
    );
    assert.equal(reading.analysis, 'limited');
  });
});
