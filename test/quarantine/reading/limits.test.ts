// Limits end the analysis, never the reading: what lies beyond is one opaque part, and the bytes stay addressable.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodyOf, checkedReading, message, partOf } from './checked-reading.ts';

describe('limits', () => {
  const nested = message(
    'Content-Type: multipart/mixed; boundary=a',
    '',
    '--a',
    'Content-Type: multipart/mixed; boundary=b; name=deep',
    '',
    '--b',
    '',
    'inner',
    '--b--',
    '--a',
    'Content-Type: message/rfc822',
    '',
    'Subject: x',
    '',
    'hi',
    '--a',
    '',
    'after',
    '--a--',
  );

  test('of depth: a container that is too deep is opaque, the parts after it are read', () => {
    const reading = checkedReading(nested, { depth: 1 });
    assert.deepEqual(
      reading.parts.map(({ path, type }) => `${path} ${type}`),
      ['1 application/octet-stream', '2 application/octet-stream', '3 text/plain'],
    );
    assert.equal(bodyOf(nested, reading, '1'), '--b\r\n\r\ninner\r\n--b--');
    assert.equal(reading.analysis, 'limited');
    assert.equal(checkedReading(nested, { depth: 2 }).analysis, 'complete');
  });

  test('of parts: the rest of each multipart is its last part', () => {
    const raw = message(
      'Content-Type: multipart/mixed; boundary=a',
      '',
      '--a',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      ...['1', '2', '3', '4'].flatMap((n) => ['--b', '', n]),
      '--b--',
      ...['5', '6'].flatMap((n) => ['--a', '', n]),
      '--a--',
      'epilogue',
    );
    const reading = checkedReading(raw, { parts: 4 });
    assert.deepEqual(
      reading.parts.map(({ path, type }) => `${path} ${type}`),
      [
        '1 multipart/mixed',
        '1.1 text/plain',
        '1.2 text/plain',
        '1.3 application/octet-stream',
        '2 application/octet-stream',
      ],
    );
    assert.equal(bodyOf(raw, reading, '1.3'), '\r\n3\r\n--b\r\n\r\n4');
    assert.equal(bodyOf(raw, reading, '2'), '\r\n5\r\n--a\r\n\r\n6');
    assert.equal(reading.analysis, 'limited');
  });

  test('of parts: a message that would be one too many is opaque', () => {
    const raw = message('Content-Type: message/rfc822', '', 'Subject: x', '', 'hi');
    assert.equal(partOf(checkedReading(raw, { parts: 1 }), '1').type, 'application/octet-stream');
    assert.equal(partOf(checkedReading(raw, { parts: 2 }), '1').type, 'message/rfc822');
  });

  test('of header fields: the first ones count', () => {
    const reading = checkedReading(message('To: a@b', 'X: y', 'To: c@d', 'To: e@f', '', ''), { headerFields: 2 });
    assert.equal(reading.summary.to, 'a@b, c@d');
    assert.equal(reading.analysis, 'limited');
  });

  test('of parameters: the first ones count', () => {
    const reading = checkedReading(message('Content-Type: a/b; c=1; d=2; e=3', '', ''), { parameters: 2 });
    assert.ok(reading.body.startsWith('("a" "b" ("c" "1" "d" "2") '));
    assert.equal(reading.analysis, 'limited');
  });

  test('of a field: its beginning counts', () => {
    const reading = checkedReading(message('Subject: 0123456789', '', ''), { fieldBytes: 5 });
    assert.equal(reading.summary.subject, '0123');
    assert.equal(reading.analysis, 'limited');
  });

  test('of wire bytes: what does not fit is NIL, and the listed header is left to be selected from the content', () => {
    const raw = message('Subject: 0123456789', 'From: a@b', '', '');
    const reading = checkedReading(raw, { wireBytes: 65 });
    assert.equal(reading.listHeader, null);
    assert.ok(reading.envelope.startsWith('(NIL "0123456789" ((NIL NIL "a" "b")) '));
    assert.equal(reading.analysis, 'limited');
    const tiny = checkedReading(raw, { wireBytes: 3 });
    assert.equal(tiny.envelope, '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)'.replace(/(NIL ){8}/, '$&'));
    assert.equal(tiny.summary.subject, '0123456789', 'people still see it');
  });

  test('a message of ordinary size meets none', () => {
    const recipients = Array.from({ length: 500 }, (_, i) => `user${i}@example.com`).join(',\r\n ');
    assert.equal(checkedReading(message(`To: ${recipients}`, 'Subject: x', '', 'hi')).analysis, 'complete');
  });
});
