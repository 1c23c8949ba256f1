// Which parts are called attachments, under which names, and how large they are said to be.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkedReading, message } from './checked-reading.ts';

const attachments = (...parts: string[][]) =>
  checkedReading(
    message('Content-Type: multipart/mixed; boundary=b', '', ...parts.flatMap((part) => ['--b', ...part]), '--b--'),
  ).attachments;
const nameOf = (...header: string[]): string | undefined => attachments([...header, '', 'x'])[0]?.name;

describe('attachments', () => {
  test('are parts with a name, parts that say so, and whatever is no text', () => {
    assert.deepEqual(
      attachments(
        ['', 'a text'],
        ['Content-Type: text/plain; name=named.txt', '', 'x'],
        ['Content-Disposition: attachment', '', 'xx'],
        ['Content-Type: image/png', 'Content-Disposition: inline', '', 'xxx'],
        ['Content-Type: message/rfc822', '', 'Content-Type: application/zip; name=deep.zip', '', 'z'],
      ),
      [
        { name: 'named.txt', type: 'text/plain', sizeBytes: 1, path: '2' },
        { name: '', type: 'text/plain', sizeBytes: 2, path: '3' },
        { name: '', type: 'image/png', sizeBytes: 3, path: '4' },
        { name: '', type: 'message/rfc822', sizeBytes: 49, path: '5' },
        { name: 'deep.zip', type: 'application/zip', sizeBytes: 1, path: '5.1' },
      ],
    );
    assert.deepEqual(checkedReading(message('Subject: x', '', 'text')).attachments, []);
  });

  test('a message that is nothing but a file has one', () => {
    const raw = message('Content-Type: application/pdf; name="a.pdf"', '', '%PDF');
    assert.deepEqual(checkedReading(raw).attachments, [
      { name: 'a.pdf', type: 'application/pdf', sizeBytes: 4, path: '1' },
    ]);
  });

  const names: [title: string, header: string, name: string][] = [
    ['RFC 2231', "Content-Disposition: attachment; filename*=UTF-8''%e2%82%ac%20rates.txt", '€ rates.txt'],
    ['RFC 2231 in Latin-1', "Content-Disposition: attachment; filename*=iso-8859-1'de'%fcber.txt", 'über.txt'],
    [
      'RFC 2231 in pieces',
      'Content-Disposition: attachment; filename*0*=utf-8\'\'%c3; filename*1*=%a4; filename*2=".txt"',
      'ä.txt',
    ],
    ['RFC 2231 before plain', "Content-Disposition: attachment; filename=a.txt; filename*=utf-8''%c3%a4.txt", 'ä.txt'],
    ['RFC 2231 without a charset', 'Content-Disposition: attachment; filename*=%c3%a4.txt', 'ä.txt'],
    [
      'encoded words, though they are forbidden here',
      'Content-Disposition: attachment; filename="=?utf-8?B?w6QudHh0?="',
      'ä.txt',
    ],
    ['encoded words without quotes', 'Content-Disposition: attachment; filename==?utf-8?Q?=C3=A4.txt?=', 'ä.txt'],
    ['raw UTF-8', 'Content-Disposition: attachment; filename="\xc3\xa4.txt"', 'ä.txt'],
    ['raw windows-1252', 'Content-Disposition: attachment; filename="\xe4.txt"', 'ä.txt'],
    [
      'spaces that should have been quoted',
      'Content-Disposition: attachment; filename=my file.txt; x=y',
      'my file.txt',
    ],
    ['only in Content-Type', 'Content-Type: application/x; name=a.x', 'a.x'],
    ['a disposition that only gives a name', 'Content-Disposition: ; filename=a.x', 'a.x'],
    [
      'a name that pretends to end otherwise',
      "Content-Disposition: attachment; filename*=utf-8''x%e2%80%aetxt.exe",
      'xtxt.exe',
    ],
    ['control characters', 'Content-Disposition: attachment; filename="a\x07\x1b.txt"', 'a.txt'],
  ];
  for (const [title, header, name] of names) test(`are named by: ${title}`, () => assert.equal(nameOf(header), name));

  test('have names of at most 255 characters', () => {
    assert.equal(nameOf(`Content-Disposition: attachment; filename="${'x'.repeat(5000)}"`)?.length, 255);
  });

  test('in base64 have the size of what they encode', () => {
    for (const size of [0, 1, 2, 3, 56, 57, 58, 1000, 5701]) {
      for (const lineEnd of ['\r\n', '\n']) {
        const text = Buffer.alloc(size, 7)
          .toString('base64')
          .replace(/.{76}(?=.)/g, `$&${lineEnd}`);
        const [attachment] = attachments(['Content-Type: a/b', 'Content-Transfer-Encoding: base64', '', text]);
        assert.equal(attachment?.sizeBytes, size, `${size} bytes`);
        const [padded] = attachments([
          'Content-Type: a/b',
          'Content-Transfer-Encoding: base64',
          '',
          text + lineEnd + lineEnd,
        ]);
        assert.equal(padded?.sizeBytes, size, `${size} bytes and an empty line`);
      }
    }
  });
});
