import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DataDecoder } from '../../src/intake/data-decoder.ts';
import { stuffed } from '../helpers/raw-smtp.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

/** Feeds the pieces; the message and what followed it, or null while it has not ended. */
function decode(pieces: Buffer[]): { message: string; rest: string | null } {
  const decoder = new DataDecoder();
  let message = '';
  for (const [i, piece] of pieces.entries()) {
    const decoded = decoder.push(piece);
    message += decoded.message.toString('latin1');
    if (decoded.rest)
      return { message, rest: Buffer.concat([decoded.rest, ...pieces.slice(i + 1)]).toString('latin1') };
  }
  return { message, rest: null };
}

const whole = (text: string): { message: string; rest: string | null } => decode([Buffer.from(text, 'latin1')]);

describe('the bytes after DATA', () => {
  const rows: [wire: string, message: string, rest: string | null][] = [
    ['.\r\n', '', ''],
    ['\r\n.\r\n', '\r\n', ''],
    ['a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n'],
    ['..\r\n.\r\n', '.\r\n', ''],
    ['...\r\n.\r\n', '..\r\n', ''],
    ['..a\r\n.\r\n', '.a\r\n', ''],
    // RFC 5321 section 4.5.2: a dot before anything else is deleted, also when the client did not double it.
    ['.a\r\n.\r\n', 'a\r\n', ''],
    ['a..\r\n.\r\n', 'a..\r\n', ''],
    ['a\r\n.\rb\r\n.\r\n', 'a\r\n\rb\r\n', ''],
    ['a\r\n.\r\r\n.\r\n', 'a\r\n\r\r\n', ''],
    ['a\r\r\n.\r\n', 'a\r\r\n', ''],
  ];
  for (const [wire, message, rest] of rows)
    test(`${JSON.stringify(wire)} are the message ${JSON.stringify(message)}`, () =>
      assert.deepEqual(whole(wire), { message, rest }));

  test('a bare LF or CR ends no line: the message goes on, and no dot after it is taken away', () => {
    for (const wire of ['a\n.\n', 'a\n.\r\n', 'a\r.\r', 'a\r.\r\n', 'a\n\n.\n', 'a\n..\n', 'a\r..b', 'a\n\r.\r\n'])
      assert.deepEqual(whole(wire), { message: wire, rest: null }, JSON.stringify(wire));
  });

  test('a line of a dot that ends in a bare LF or CR does not end the message; the dot began a line and is deleted', () => {
    assert.deepEqual(whole('a\r\n.\nb'), { message: 'a\r\n\nb', rest: null });
    assert.deepEqual(whole('a\r\n.\rb'), { message: 'a\r\n\rb', rest: null });
  });

  test('mean the same however the network cuts them', () => {
    const wire = 'a\r\n..\r\n.b\r\n\n.\r\n\r\r\n...\r\n.\r\nNEXT';
    const expected = whole(wire);
    assert.equal(expected.rest, 'NEXT');
    const bytes = Buffer.from(wire, 'latin1');
    assert.deepEqual(decode([...bytes].map((byte) => Buffer.from([byte]))), expected);
    for (let first = 0; first <= bytes.length; first++)
      for (let second = first; second <= bytes.length; second++)
        assert.deepEqual(
          decode([bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]),
          expected,
        );
  });

  test('come back as they were for any message, dots and line ends of every kind', () => {
    const random = seededRandom(2);
    for (let round = 0; round < 2000; round++) {
      const parts = Array.from({ length: random.between(0, 12) }, () =>
        random.pick(['.', '\r', '\n', '\r\n', 'a', '\0', '\xff']),
      );
      const message = parts.join('');
      const { message: decoded, rest } = decode([stuffed(message)]);
      // What does not end in CRLF gets one: the final dot stands on a line of its own.
      const expected = message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`;
      assert.deepEqual({ decoded, rest }, { decoded: expected, rest: '' }, JSON.stringify(message));
    }
  });
});
