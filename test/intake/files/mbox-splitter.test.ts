import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MboxSplitter } from '../../../src/intake/files/mbox-splitter.ts';
import type { MboxMessage } from '../../../src/intake/files/mbox-splitter.ts';

interface Seen {
  number: number;
  line: number;
  raw: string | null;
}

function split(text: string, { pieceBytes = 1_000_000, limit = 1_000_000 } = {}): Seen[] {
  const bytes = Buffer.from(text, 'latin1');
  const splitter = new MboxSplitter(limit);
  const found: MboxMessage[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // The reader may use its memory again: nothing may point into a piece after push.
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    found.push(...splitter.push(piece));
    piece.fill(0x21);
  }
  found.push(...splitter.end());
  return found.map(({ number, line, raw }) => ({ number, line, raw: raw && raw.toString('latin1') }));
}

const raws = (text: string, options?: Parameters<typeof split>[1]): (string | null)[] =>
  split(text, options).map(({ raw }) => raw);

const fromLine = 'From sender@remote.example Sat Jul  6 09:15:01 2002\n';

describe('an mbox', () => {
  test('is split at its From lines, each message without the empty line that the file adds', () => {
    const text = `${fromLine}Subject: 1\n\none\n\n${fromLine}Subject: 2\n\ntwo\n\n\n${fromLine}Subject: 3\n\n\n`;
    assert.deepEqual(split(text), [
      { number: 1, line: 1, raw: 'Subject: 1\r\n\r\none\r\n' },
      { number: 2, line: 6, raw: 'Subject: 2\r\n\r\ntwo\r\n\r\n' },
      { number: 3, line: 12, raw: 'Subject: 3\r\n\r\n' },
    ]);
  });

  test('gives the same messages however it is cut into pieces, with LF and with CRLF', () => {
    const unix = `\n${fromLine}Subject: 1\n\n>From x\n>>From y\n\n\n${fromLine}\n${fromLine}a\rb\n\n${fromLine}end`;
    for (const text of [unix, unix.replaceAll('\n', '\r\n')]) {
      const expected = split(text);
      assert.deepEqual(
        expected.map(({ raw }) => raw),
        ['Subject: 1\r\n\r\nFrom x\r\n>From y\r\n\r\n', '', 'a\rb\r\n', 'end'],
      );
      for (let pieceBytes = 1; pieceBytes < 70; pieceBytes++) assert.deepEqual(split(text, { pieceBytes }), expected);
    }
  });

  test('has one > taken away from every quoted From line, and from nothing else', () => {
    const quoted = '>From a\n>>From b\n>>>>From c\n> From d\n>from e\n>Fromage\n x>From f\n>From\n';
    assert.deepEqual(raws(`${fromLine}\n${quoted}`), [
      '\r\nFrom a\r\n>From b\r\n>>>From c\r\n> From d\r\n>from e\r\n>Fromage\r\n x>From f\r\n>From\r\n',
    ]);
  });

  test('is not split by a From line in the middle of a paragraph', () => {
    assert.equal(split(`${fromLine}\nDear all\n${fromLine}goes on\n`).length, 1);
  });

  test('is not split by a sentence that begins with From, when its own From lines carry a time', () => {
    assert.equal(split(`${fromLine}\nDear all\n\nFrom now on we meet on Mondays.\n\n${fromLine}\nb\n`).length, 2);
    assert.equal(split('From sender\n\na\n\nFrom other\n\nb\n').length, 2, 'a file whose From lines carry none');
  });

  test('pays no attention to Content-Length', () => {
    const text = `${fromLine}Content-Length: 1\n\na\n\n${fromLine}Content-Length: 999999\n\nb\n`;
    assert.deepEqual(raws(text), ['Content-Length: 1\r\n\r\na\r\n', 'Content-Length: 999999\r\n\r\nb\r\n']);
  });

  test('holds no more than one message, and none that is too large', () => {
    const text = `${fromLine}\nsmall\n\n${fromLine}\n${'x'.repeat(5000)}\n\n${fromLine}\n${'y\n'.repeat(50)}\n${fromLine}\nlast`;
    assert.deepEqual(raws(text, { limit: 100 }), ['\r\nsmall\r\n', null, null, '\r\nlast']);
    assert.deepEqual(raws(text, { limit: 100, pieceBytes: 7 }), ['\r\nsmall\r\n', null, null, '\r\nlast']);
    assert.equal(raws(`${fromLine}${'z\n'.repeat(50)}`, { limit: 150 })[0]?.length, 150, 'counted with CRLF');
  });

  test('with lines of any length is read in pieces', () => {
    const long = 'x'.repeat(100_000);
    const text = `${fromLine}Subject: ${long}\n\n>From ${long}\n${'>'.repeat(9000)}From x\n\n${fromLine}\nb\n`;
    const expected = [`Subject: ${long}\r\n\r\nFrom ${long}\r\n${'>'.repeat(9000)}From x\r\n`, '\r\nb\r\n'];
    // Thousands of > before From mean nothing to anybody.
    for (const pieceBytes of [1000, 4096, 10_000, 1_000_000]) {
      // Not deepEqual, which would print all of it.
      const found = raws(text, { pieceBytes });
      assert.equal(found.length, 2);
      assert.ok(
        found.every((raw, i) => raw === expected[i]),
        `in pieces of ${pieceBytes}`,
      );
    }
  });
});
