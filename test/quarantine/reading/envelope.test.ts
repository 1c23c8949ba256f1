// ENVELOPE as it goes on the wire, against RFC 9051 section 7.5.2.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkedReading, message } from './checked-reading.ts';

describe('ENVELOPE', () => {
  test('is the one of the example in RFC 3501 section 8', () => {
    const raw = message(
      'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
      'From: Terry Gray <gray@cac.washington.edu>',
      'Subject: IMAP4rev1 WG mtg summary and minutes',
      'To: imap@cac.washington.edu',
      'cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>',
      'Message-Id: <B27397-0100000@cac.washington.edu>',
      'MIME-Version: 1.0',
      'Content-Type: TEXT/PLAIN; CHARSET=US-ASCII',
      '',
      '',
    );
    const reading = checkedReading(raw);
    assert.equal(reading.headerBytes, 342, 'the size that the example gives for the header');
    assert.equal(
      reading.envelope,
      '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" ' +
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ' +
        '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL ' +
        '"<B27397-0100000@cac.washington.edu>")',
    );
  });

  test('is all NIL when the header says nothing', () => {
    assert.equal(checkedReading(message('', 'text')).envelope, '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)');
  });

  test('tells fields that are present but empty from absent ones, except for addresses', () => {
    const raw = message('Subject:', 'Date: ', 'Message-ID:\t', 'In-Reply-To:', 'From:', 'To: ', 'Cc: ,', '', '');
    assert.equal(checkedReading(raw).envelope, '("" "" NIL NIL NIL NIL NIL NIL "" "")');
  });

  test('keeps Sender and Reply-To where the message has them', () => {
    const raw = message('From: a@b', 'Sender: c@d', 'Reply-To: e@f, g@h', 'Bcc: i@j', 'In-Reply-To: <k@l>', '', '');
    assert.equal(
      checkedReading(raw).envelope,
      '(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) ((NIL NIL "e" "f")(NIL NIL "g" "h")) NIL NIL ' +
        '((NIL NIL "i" "j")) "<k@l>" NIL)',
    );
  });

  test('removes folding and nothing else', () => {
    const raw = message('Subject: =?utf-8?q?a?=', '\t =?utf-8?q?b?=', '  c ', 'From: a', ' <b@c>', '', '');
    assert.equal(
      checkedReading(raw).envelope,
      '(NIL "=?utf-8?q?a?=\t =?utf-8?q?b?=  c" (("a" NIL "b" "c")) (("a" NIL "b" "c")) (("a" NIL "b" "c")) ' +
        'NIL NIL NIL NIL NIL)',
    );
  });

  const texts: [title: string, subject: string, wire: string][] = [
    ['quotes and backslashes are escaped', 'a "b" \\c', '"a \\"b\\" \\\\c"'],
    ['raw 8-bit text is a literal with its bytes', 'gr\xc3\xbc\xdfe', '{6}\r\ngr\xc3\xbc\xdfe'],
    ['a NUL is a literal', 'a\0b', '{3}\r\na\0b'],
    ['a bare CR is a literal and no line end', 'a\rFrom: b', '{9}\r\na\rFrom: b'],
    ['other control characters are quoted as they are', 'a\x1bb\x7f', '"a\x1bb\x7f"'],
  ];
  for (const [title, subject, wire] of texts) {
    test(title, () => {
      const raw = message(`Subject: ${subject}`, '', '');
      assert.equal(checkedReading(raw).envelope, `(NIL ${wire} NIL NIL NIL NIL NIL NIL NIL NIL)`);
    });
  }

  test('takes the first of several subjects, and the addresses of all From fields', () => {
    const raw = message('Subject: one', 'From: a@b', 'Subject: two', 'From: c@d', '', '');
    assert.match(checkedReading(raw).envelope, /^\(NIL "one" \(\(NIL NIL "a" "b"\)\(NIL NIL "c" "d"\)\) /);
  });

  test('knows field names in any case, and with white space before the colon', () => {
    const raw = message('SUBJECT : one', 'fRoM\t: a@b', '', '');
    assert.match(checkedReading(raw).envelope, /^\(NIL "one" \(\(NIL NIL "a" "b"\)\) /);
  });

  test('reads a header whose lines end in LF only', () => {
    const raw = Buffer.from('Subject: a\n b\nFrom: c@d\n\nbody\n');
    assert.match(checkedReading(raw).envelope, /^\(NIL "a b" \(\(NIL NIL "c" "d"\)\) /);
  });

  test('lists 20,000 recipients', () => {
    const to = Array.from({ length: 20_000 }, (_, i) => `"User, ${i}" <user${i}@example.com>`);
    const reading = checkedReading(message(`To: ${to.join(',\r\n ')}`, '', ''));
    assert.equal(reading.analysis, 'complete');
    assert.equal(reading.envelope.match(/"example\.com"/g)?.length, 20_000);
    assert.ok(reading.envelope.includes('("User, 19999" NIL "user19999" "example.com")'));
  });
});
