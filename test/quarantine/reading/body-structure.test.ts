// BODY and BODYSTRUCTURE as they go on the wire. The values are derived from RFC 9051 section 7.5.2 by hand; sizes count
// the bytes as they are, so every line end here is CRLF.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkedReading, message } from './checked-reading.ts';

const plain = '"text" "plain" ("charset" "us-ascii") NIL NIL "7bit"';
const noExtension = 'NIL NIL NIL NIL';

const rows: { title: string; raw: Buffer; structure: string; body?: string }[] = [
  {
    title: 'a message without any MIME field is plain text in us-ascii',
    raw: message('Subject: x', '', 'one', 'two', ''),
    structure: `(${plain} 10 2 ${noExtension})`,
    body: `(${plain} 10 2)`,
  },
  {
    title: 'type, subtype and charset are given as they are written',
    raw: message('content-type: TEXT/HTML; CHARSET="utf-8"; format=flowed', '', '<p>'),
    structure: `("TEXT" "HTML" ("CHARSET" "utf-8" "format" "flowed") NIL NIL "7bit" 3 0 ${noExtension})`,
  },
  {
    title: 'text without a charset is said to be us-ascii',
    raw: message('Content-Type: text/html', '', ''),
    structure: `("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 0 0 ${noExtension})`,
  },
  {
    title: 'all fields of a part that is no text',
    raw: message(
      'Content-Type: image/png; name="a \\"b\\".png"',
      'Content-Transfer-Encoding: BASE64',
      'Content-ID: <1@example.net>',
      'Content-Description: a',
      ' picture',
      'Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==',
      'Content-Disposition: attachment; filename=a.png',
      'Content-Language: en, de',
      'Content-Location: https://example.net/a.png',
      '',
      'AAAA',
    ),
    structure:
      '("image" "png" ("name" "a \\"b\\".png") "<1@example.net>" "a picture" "BASE64" 4 "Q2hlY2sgSW50ZWdyaXR5IQ==" ' +
      '("attachment" ("filename" "a.png")) ("en" "de") "https://example.net/a.png")',
    body: '("image" "png" ("name" "a \\"b\\".png") "<1@example.net>" "a picture" "BASE64" 4)',
  },
  {
    title: 'a disposition without parameters',
    raw: message('Content-Disposition: inline', '', ''),
    structure: `(${plain} 0 0 NIL ("inline" NIL) NIL NIL)`,
  },
  {
    title: 'the parts of a multipart, preamble and epilogue left out',
    raw: message(
      'Content-Type: multipart/alternative; boundary="b 1"',
      '',
      'This is a message in MIME format.',
      '--b 1',
      '',
      'hello',
      '--b 1',
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '<p>hello</p>',
      '',
      '--b 1--',
      'the end',
      '',
    ),
    structure:
      `((${plain} 5 0 ${noExtension})` +
      `("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 14 1 ${noExtension})` +
      ' "alternative" ("boundary" "b 1") NIL NIL NIL)',
    body: `((${plain} 5 0)("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 14 1) "alternative")`,
  },
  {
    title: 'a message in a message: its envelope, its structure, its lines',
    raw: message(
      'Content-Type: message/rfc822',
      '',
      'From: Alice <alice@example.com>',
      'Subject: inner',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'hi',
      '',
    ),
    structure:
      '("message" "rfc822" NIL NIL NIL "7bit" 96 (NIL "inner" (("Alice" NIL "alice" "example.com")) ' +
      '(("Alice" NIL "alice" "example.com")) (("Alice" NIL "alice" "example.com")) NIL NIL NIL NIL NIL) ' +
      `("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 4 1 ${noExtension}) 5 ${noExtension})`,
  },
  {
    title: 'parts of a digest are messages unless they say otherwise',
    raw: message(
      'Content-Type: multipart/digest; boundary=d',
      '',
      '--d',
      '',
      'Subject: one',
      '',
      'text',
      '--d',
      'Content-Type: text/plain',
      '',
      'text',
      '--d--',
    ),
    structure:
      '(("message" "rfc822" NIL NIL NIL "7bit" 20 (NIL "one" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      `(${plain} 4 0 ${noExtension}) 2 ${noExtension})(${plain} 4 0 ${noExtension})` +
      ' "digest" ("boundary" "d") NIL NIL NIL)',
  },
  {
    title: 'RFC 2231 continuations are joined, charset and language left to the client',
    raw: message(
      "Content-Type: application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;",
      ' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"',
      'Content-Disposition: attachment; filename*1=" name.txt"; filename*0="long file"',
      '',
      '',
    ),
    structure:
      '("application" "x-stuff" ("title*" "us-ascii\'en\'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!") ' +
      'NIL NIL "7bit" 0 NIL ("attachment" ("filename" "long file name.txt")) NIL NIL)',
  },
  {
    title: 'a continuation with a gap stays as it was sent',
    raw: message('Content-Type: a/b; x*0=1; x*2=3', '', ''),
    structure: `("a" "b" ("x*0" "1" "x*2" "3") NIL NIL "7bit" 0 ${noExtension})`,
  },
  {
    title: 'comments, a name that should have been quoted, and parameters that are none',
    raw: message('Content-Type: a/b (c); x=y (z); name=My file (1).pdf; nothing; =empty; x=second', '', ''),
    structure: `("a" "b" ("x" "y" "name" "My file (1).pdf") NIL NIL "7bit" 0 ${noExtension})`,
  },
  {
    title: 'raw 8-bit text and NUL go out as literals',
    raw: message('Content-Type: a/b; name="\xe4.txt"', 'Content-Description: a\0b', '', ''),
    structure: `("a" "b" ("name" {5}\r\n\xe4.txt) NIL {3}\r\na\0b "7bit" 0 ${noExtension})`,
  },
  ...['text', 'text/', '/plain', 'text plain', '', ';charset=utf-8', `${'x'.repeat(200)}/plain`].map((type) => ({
    title: `Content-Type ${JSON.stringify(type.slice(0, 20))} can't be read and counts as none`,
    raw: message(`Content-Type: ${type}`, '', ''),
    structure: `(${plain} 0 0 ${noExtension})`,
  })),
  {
    title: 'an encoded message is a file, since nobody can look inside',
    raw: message(
      'Content-Type: message/rfc822; name="m.eml"; x=y',
      'Content-Transfer-Encoding: base64',
      '',
      'RnJvbTogYQ0KDQo=',
    ),
    structure: `("application" "octet-stream" ("name" "m.eml") NIL NIL "base64" 16 ${noExtension})`,
  },
  {
    title: 'a multipart without any boundary line is shown as text',
    raw: message('Content-Type: multipart/mixed; boundary=b', '', 'no parts', ''),
    structure: `(${plain} 10 1 ${noExtension})`,
  },
  {
    title: 'a multipart that names no boundary is shown as text',
    raw: message('Content-Type: multipart/mixed', '', '--b', '', 'x', '--b--'),
    structure: `(${plain} 15 3 ${noExtension})`,
  },
];

describe('BODYSTRUCTURE', () => {
  for (const { title, raw, structure, body } of rows) {
    test(title, () => {
      const reading = checkedReading(raw);
      assert.equal(reading.bodyStructure, structure);
      if (body !== undefined) assert.equal(reading.body, body);
      assert.equal(reading.analysis, 'complete');
    });
  }
});
