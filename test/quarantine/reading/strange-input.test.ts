// Whatever bytes arrive are read, without an exception, in time linear in their number. The deadline is generous, and of
// processor time: it is there to catch quadratic behaviour (minutes), not to measure.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMessage } from '../../../src/quarantine/reading/read-message.ts';
import type { Reading } from '../../../src/quarantine/reading/reading.ts';
import { bodyOf, checkedReading, message, slice } from './checked-reading.ts';

const DEADLINE_US = 15e6;

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const header = (raw: Buffer): string => slice(raw, 0, checkedReading(raw).headerBytes);

describe('where the header ends', () => {
  const rows: [title: string, raw: string, header: string][] = [
    ['nothing at all', '', ''],
    ['an empty line and nothing else', '\r\n', '\r\n'],
    ['no header, body only', '\r\nhello\r\n', '\r\n'],
    ['no header, body only, LF', '\n\nhello\n', '\n'],
    ['header and body', 'A: b\r\n\r\nhello\r\n', 'A: b\r\n\r\n'],
    ['header and body, LF', 'A: b\n\nhello\n', 'A: b\n\n'],
    ['LF, then CRLF', 'A: b\n\r\nhello', 'A: b\n\r\n'],
    ['CRLF, then LF', 'A: b\r\n\nhello', 'A: b\r\n\n'],
    ['header without an empty line', 'A: b\r\nC: d\r\n', 'A: b\r\nC: d\r\n'],
    ['header cut off within a line', 'A: b\r\nC', 'A: b\r\nC'],
    ['header cut off within a line end', 'A: b\r\n\r', 'A: b\r\n\r'],
    ['text without any header', 'hello world\r\nhow are you', 'hello world\r\nhow are you'],
    ['text before the header', 'hello\r\nA: b\r\n\r\nbody', 'hello\r\nA: b\r\n\r\n'],
    [
      'an mbox line before the header',
      'From a@b Mon Jan  1 00:00:00 2024\r\nA: b\r\n\r\nbody',
      'From a@b Mon Jan  1 00:00:00 2024\r\nA: b\r\n\r\n',
    ],
    ['a line of white space is a folded line', 'A: b\r\n \r\nC: d\r\n\r\nx', 'A: b\r\n \r\nC: d\r\n\r\n'],
    ['a bare CR ends nothing', 'A: b\r\rC: d\r\r\n\r\nx', 'A: b\r\rC: d\r\r\n\r\n'],
    ['only bare CRs', '\r\r\r\r', '\r\r\r\r'],
    ['NUL bytes', 'A: \0\r\n\0: b\r\n\r\n\0', 'A: \0\r\n\0: b\r\n\r\n'],
    ['a NUL where the empty line would be', 'A: b\r\n\0\r\n\r\nx', 'A: b\r\n\0\r\n\r\n'],
  ];
  for (const [title, raw, expected] of rows) test(title, () => assert.equal(header(bytes(raw)), expected));

  test('is the place where BODY[HEADER] and BODY[TEXT] meet, so that together they are the message', () => {
    for (const [, text] of rows) {
      const raw = bytes(text);
      const reading = checkedReading(raw);
      const body = bodyOf(raw, reading, '1');
      assert.ok(Buffer.concat([raw.subarray(0, reading.headerBytes), bytes(body)]).equals(raw));
    }
  });
});

describe('messages made to break a parser', () => {
  const nested = (depth: number): Buffer => {
    const levels = Array.from({ length: depth }, (_, i) => `level-${String(i).padStart(6, '0')}-`);
    return message(
      ...levels.flatMap((b) => [`Content-Type: multipart/mixed; boundary=${b}`, '', `--${b}`]),
      '',
      'text',
    );
  };
  const manyParts = (count: number): Buffer => {
    const part = '--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n';
    return bytes(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(count)}--b--\r\n`);
  };
  const cases: {
    title: string;
    raw: () => Buffer;
    limited?: boolean;
    also?: (reading: Reading, raw: Buffer) => void;
  }[] = [
    { title: '1 MB of bare CR as body', raw: () => bytes(`Subject: x\r\n\r\n${'\r'.repeat(1e6)}`) },
    { title: '1 MB of bare CR as header', raw: () => bytes(`Subject: ${'\r'.repeat(1e6)}\r\n\r\n`) },
    { title: '1 MB of CR LF', raw: () => bytes('\r\n'.repeat(5e5)) },
    { title: '1 MB of NUL', raw: () => Buffer.alloc(1e6) },
    {
      title: '1 MB of dashes',
      raw: () => bytes(`Content-Type: multipart/mixed; boundary=-\r\n\r\n${'-'.repeat(1e6)}`),
    },
    {
      title: '1 MB of lines that begin like a boundary',
      raw: () => bytes(`Content-Type: multipart/mixed; boundary=bbbbbbbbbb\r\n\r\n${'--bbbbbbbbb\n'.repeat(8e4)}`),
    },
    {
      title: 'a subject of 2 MB',
      raw: () => bytes(`Subject: ${'x'.repeat(2e6)}\r\n\r\n`),
      also: (reading) => {
        assert.equal(reading.listHeader?.length, 'Subject: \r\n\r\n'.length + 2e6);
        assert.equal(reading.envelope.length, '(NIL "" NIL NIL NIL NIL NIL NIL NIL NIL)'.length + 2e6);
        assert.ok(reading.summary.subject.length <= 10_000);
      },
    },
    {
      title: 'a sender of 2 MB, which ENVELOPE has three times',
      raw: () => bytes(`From: ${'x'.repeat(2e6)}\r\n\r\n`),
      limited: true,
    },
    { title: 'a header field of 10 MB', raw: () => bytes(`To: ${'x'.repeat(10e6)}\r\n\r\n`), limited: true },
    { title: 'a field name of 2 MB', raw: () => bytes(`${'x'.repeat(2e6)}: y\r\n\r\n`) },
    {
      title: '200,000 header fields',
      raw: () => bytes(`${'A: b\r\n'.repeat(2e5)}Subject: last\r\n\r\n`),
      also: (reading) => assert.equal(reading.summary.subject, 'last'),
    },
    { title: '200,000 To fields', raw: () => bytes('To: a@b\r\n'.repeat(2e5)), limited: true },
    { title: 'one million recipients', raw: () => bytes(`To: ${'a,'.repeat(1e6)}\r\n\r\n`), limited: true },
    {
      title: 'multiparts 5,000 deep',
      raw: () => nested(5000),
      limited: true,
      also: (reading) => {
        assert.equal(reading.parts.length, 100);
        assert.equal(reading.parts.at(-1)?.type, 'application/octet-stream');
      },
    },
    { title: 'multiparts 60 deep', raw: () => nested(60), also: (reading) => assert.equal(reading.parts.length, 60) },
    {
      title: 'messages in messages, 1,000 deep',
      raw: () => bytes(`${'Content-Type: message/rfc822\r\n\r\n'.repeat(1000)}Subject: x\r\n\r\nhi`),
      limited: true,
      also: (reading) => {
        assert.equal(reading.parts.length, 101);
        assert.deepEqual(reading.parts.at(-1)?.type, 'application/octet-stream');
        assert.ok(reading.bodyStructure.length < 20_000);
      },
    },
    {
      title: '10,000 parts',
      raw: () => manyParts(10_000),
      limited: true,
      also: (reading, raw) => {
        assert.equal(reading.parts.length, 1000);
        const rest = bodyOf(raw, reading, '1000');
        assert.equal(rest.match(/--b\r\n/g)?.length, 10_000 - 1000, 'the last part holds all the rest');
        assert.ok(rest.endsWith('hello'), 'and ends where the multipart ends');
      },
    },
    {
      title: '1,000,000 boundary lines',
      raw: () => bytes(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\n'.repeat(1e6)}`),
      limited: true,
    },
    {
      title: 'an HTML page of unclosed tags',
      raw: () => bytes(`Content-Type: text/html\r\n\r\n${'<a<!--<style'.repeat(1e5)}`),
    },
    {
      title: 'an attachment of 50 MB',
      raw: () => {
        const lines = Buffer.alloc(50e6, `${'QUJD'.repeat(19)}\r\n`);
        const start = message(
          'Content-Type: multipart/mixed; boundary=b',
          '',
          '--b',
          '',
          'hello',
          '--b',
          'Content-Type: application/zip; name=a.zip',
          'Content-Transfer-Encoding: base64',
          '',
          '',
        );
        return Buffer.concat([start, lines, bytes('\r\n--b--\r\n')]);
      },
      also: (reading) => {
        assert.equal(reading.preview, 'hello');
        assert.equal(reading.attachments[0]?.name, 'a.zip');
      },
    },
  ];
  for (const { title, raw: make, limited = false, also } of cases) {
    test(title, () => {
      const raw = make();
      const reading = readWithinDeadline(raw);
      assert.equal(reading.analysis, limited ? 'limited' : 'complete');
      also?.(reading, raw);
    });
  }

  const pieces = [
    '(',
    '"',
    '<',
    '@',
    ':',
    ';',
    '\\',
    '\\"',
    '\\(',
    '=?',
    '=?a?q?',
    '<@',
    '(a)',
    '"" ',
    'a@b <',
    '\xe4',
    ' ',
    '&',
    '*',
  ];
  for (const piece of pieces) {
    test(`200 kB of ${JSON.stringify(piece)} in every field`, () => {
      const text = piece.repeat(2e5 / piece.length);
      const header = [
        `From: ${text}`,
        `To: "${text}`,
        `Subject: ${text}`,
        `Date: ${text}`,
        `Message-ID: ${text}`,
        `Content-Type: text/html; ${text}; x=${text}`,
        `Content-Disposition: attachment; filename*0*=${text}; filename=${text}`,
        `Content-Language: ${text}`,
      ];
      readWithinDeadline(message(...header, '', text));
    });
  }
});

function readWithinDeadline(raw: Buffer): Reading {
  const before = process.cpuUsage();
  const reading = checkedReading(raw);
  assert.ok(process.cpuUsage(before).user < DEADLINE_US, 'it is not quadratic');
  // Room in a MongoDB document, where a byte above 127 takes two.
  const wire = [reading.envelope, reading.body, reading.bodyStructure, reading.listHeader];
  assert.ok(Buffer.byteLength(wire.join('')) < 14e6, 'the reading is bounded');
  return reading;
}

describe('readMessage', () => {
  test('is the analysis, with a net below it', () => {
    const raw = message('Subject: x', '', 'hi');
    assert.deepEqual(readMessage(raw), checkedReading(raw));
  });

  test('holds a message as one opaque part when the analysis fails', () => {
    const raw = message('Subject: x', '', 'hi', '');
    const broken = new Proxy(
      { depth: 1 },
      {
        ownKeys: () => {
          throw new Error('a mistake of ours');
        },
      },
    );
    // The mistake has to be made inside: limits that can't be read are the only way in from here.
    assert.throws(() => ({ ...broken }));
    const reading = readMessage(raw, broken);
    assert.equal(reading.analysis, 'limited');
    assert.equal(reading.headerBytes, 14);
    assert.equal(reading.bodyStructure, '("application" "octet-stream" NIL NIL NIL "7bit" 4 NIL NIL NIL NIL)');
    assert.equal(bodyOf(raw, reading, '1'), 'hi\r\n');
  });
});
