// What people see in lists: decoded, on one line, safe for a terminal.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkedReading, message } from './checked-reading.ts';

const summary = (...header: string[]) => checkedReading(message(...header, '', '')).summary;
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

describe('the subject', () => {
  const rows: [title: string, raw: string, shown: string][] = [
    ['plain', 'Hello', 'Hello'],
    ['quoted-printable', '=?utf-8?Q?Gr=C3=BC=C3=9Fe_an?= Bob', 'Grüße an Bob'],
    ['base64', '=?UTF-8?B?R3LDvMOfZQ==?=', 'Grüße'],
    ['Latin-1', '=?iso-8859-1?q?Gr=FC=DFe?=', 'Grüße'],
    ['Cyrillic', '=?koi8-r?B?8NLJ18XU?=', 'Привет'],
    ['Chinese', '=?gb2312?B?xOO6ww==?=', '你好'],
    [
      'Japanese, shifted anew in each word',
      '=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?iso-2022-jp?B?GyRCOGwbKEI=?=',
      '日本語',
    ],
    ['white space between encoded words is not text', '=?utf-8?q?a?= \r\n =?iso-8859-1?q?b?=', 'ab'],
    ['white space beside plain text is', 'x =?utf-8?q?a?= y', 'x a y'],
    ['a character cut in two', '=?utf-8?q?Gr=C3?= =?utf-8?q?=BCn?=', 'Grün'],
    ['a base64 character cut in two', '=?utf-8?B?4oI=?= =?utf-8?B?rA==?=', '€'],
    ['a language beside the charset', '=?us-ascii*en?q?hello?=', 'hello'],
    ['an unknown charset is guessed', '=?x-nobody?q?Gr=C3=BCn?= =?x-other?q?=FC?=', 'Grünü'],
    ['spaces in an encoded word', '=?utf-8?Q?Hello World?=', 'Hello World'],
    ['raw UTF-8', utf8('Grüße €'), 'Grüße €'],
    ['raw windows-1252', 'Gr\xfc\xdfe \x80', 'Grüße €'],
    ['raw UTF-8 beside an encoded word', `${utf8('ä')} =?iso-8859-1?q?=F6?=`, 'ä ö'],
    ['unfinished encoded words stay', '=?utf-8?q?a =?utf-8?x?b?= ?=', '=?utf-8?q?a =?utf-8?x?b?= ?='],
    ['folded and padded', '  a\r\n\tb    c ', 'a b c'],
    ['nothing that drives a terminal or turns the text around', 'a\x1b[31m=?utf-8?Q?b=00c=E2=80=AEd?=', 'a[31mbcd'],
    ['empty', '', ''],
  ];
  for (const [title, raw, shown] of rows) {
    test(title, () => assert.equal(summary(`Subject: ${raw}`).subject, shown));
  }

  test('is cut between characters when it is endless', () => {
    const { subject } = summary(`Subject: x${utf8('😀').repeat(20_000)}`);
    assert.equal(subject.length, 9999);
    assert.ok(subject.isWellFormed());
  });
});

describe('addresses', () => {
  const rows: [raw: string, shown: string][] = [
    ['alice@example.com', 'alice@example.com'],
    ['=?utf-8?Q?M=C3=BCller=2C_A=2E?= <a@example.com>, "Bob" <b@c>', 'Müller, A. <a@example.com>, Bob <b@c>'],
    ['"=?utf-8?Q?quoted_all_the_same?=" <a@b>', 'quoted all the same <a@b>'],
    [utf8('Jörg <jörg@exämple.com>'), 'Jörg <jörg@exämple.com>'],
    ['undisclosed-recipients:;', 'undisclosed-recipients: ;'],
    ['team: a@b, c@d; e@f', 'team: a@b, c@d;, e@f'],
    ['"a b"@c', '"a b"@c'],
    ['"boss@example.com"@evil.example', '"boss@example.com"@evil.example'],
    ['=?utf-8?q?boss=40bank.example?=@evil.example', '=?utf-8?q?boss=40bank.example?=@evil.example'],
    ['Alice Cee', 'Alice Cee'],
    ['alice', 'alice'],
    ['<>', ''],
    ['', ''],
  ];
  for (const [raw, shown] of rows) {
    test(JSON.stringify(raw), () => {
      const { from, to, cc } = summary(`From: ${raw}`, `To: ${raw}`, `CC: ${raw}`);
      assert.deepEqual({ from, to, cc }, { from: shown, to: shown, cc: shown });
    });
  }

  test('are listed up to a length that a list can bear', () => {
    const to = Array.from({ length: 20_000 }, (_, i) => `user${i}@example.com`).join(', ');
    assert.equal(summary(`To: ${to}`).to.length, 64_000);
  });
});

describe('the date', () => {
  const at = (text: string): number => Date.parse(text);
  const rows: [raw: string, shown: number | null][] = [
    ['Fri, 21 Nov 1997 09:55:06 -0600', at('1997-11-21T09:55:06-06:00')],
    ['21 Nov 1997 09:55:06 +0000', at('1997-11-21T09:55:06Z')],
    ['21 Nov 97 09:55:06 GMT', at('1997-11-21T09:55:06Z')],
    ['Mon, 1 Jan 24 00:00 +0530', at('2023-12-31T18:30:00Z')],
    ['Tue, 5 Feb 102 10:00:00 EST', at('2002-02-05T10:00:00-05:00')],
    [
      'Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32:54\r\n               -0330 (Newfoundland Time)',
      at('1969-02-13T23:32:54-03:30'),
    ],
    ['Wed, 17 Jul 1996 02:23:25 -0700 (PDT)', at('1996-07-17T02:23:25-07:00')],
    ['(comment) Fri , 1 (x) March 2024 1:2:3 PST', at('2024-03-01T01:02:03-08:00')],
    ['Sat Sep 21 08:18:08 2002', at('2002-09-21T08:18:08Z')],
    ['Fri, 21 Nov 1997 09:55:06', at('1997-11-21T09:55:06Z')],
    ['Fri, 21-Nov-1997 09:55:06 Z', at('1997-11-21T09:55:06Z')],
    ['Fri, 31 Nov 1997 99:00:00 +0000', null],
    ['Fri, 0 Nov 1997 09:00:00 +0000', null],
    ['21 Foo 1997 09:55:06', null],
    ['yesterday', null],
    ['12', null],
    ['', null],
  ];
  for (const [raw, shown] of rows) test(JSON.stringify(raw), () => assert.equal(summary(`Date: ${raw}`).date, shown));

  test('is null when there is none', () => assert.equal(summary('Subject: x').date, null));
});

describe('the message id', () => {
  const rows: [raw: string, shown: string][] = [
    ['<a@b>', '<a@b>'],
    ['  <a@b> (added by postmaster)', '<a@b>'],
    ['a@b', 'a@b'],
    ['<a', '<a'],
    ['', ''],
  ];
  for (const [raw, shown] of rows) {
    test(JSON.stringify(raw), () => assert.equal(summary(`Message-ID: ${raw}`).messageId, shown));
  }
});
