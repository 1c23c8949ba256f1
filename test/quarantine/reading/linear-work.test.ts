// Reading is linear: counted, not timed. The content is wrapped so that every byte that is looked at counts; twice the
// input may cost twice the work and a little, never four times.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { analyseMessage } from '../../../src/quarantine/reading/analyse-message.ts';
import { defaultLimits } from '../../../src/quarantine/reading/limits.ts';

/** The buffer, counting single bytes that are read and the spans that its methods go over. */
function counting(raw: Buffer): { raw: Buffer; work: () => number } {
  let work = 0;
  const spans: Record<string, (...args: never[]) => unknown> = {
    indexOf: (what: Buffer, from: number) => {
      const found = raw.indexOf(what, from);
      work += (found < 0 ? raw.length : found) - from + 1;
      return found;
    },
    toString: (encoding: BufferEncoding, start = 0, end = raw.length) => {
      work += end - start;
      return raw.toString(encoding, start, end);
    },
    copy: (target: Buffer, at: number, start: number, end: number) => {
      work += end - start;
      return raw.copy(target, at, start, end);
    },
    subarray: (start: number, end: number) => raw.subarray(start, end),
  };
  const counted = new Proxy(raw, {
    get(target, key) {
      if (typeof key === 'string' && key in spans) return spans[key];
      assert.ok(key === 'length' || /^-?\d+$/.test(String(key)), `Buffer.${String(key)} is not counted yet`);
      if (key === 'length') return target.length;
      work++;
      return target[Number(key)];
    },
  });
  return { raw: counted, work: () => work };
}

const shapes: [title: string, make: (n: number) => string][] = [
  ['bare CRs as body', (n) => `Subject: x\r\n\r\n${'\r'.repeat(n)}`],
  ['bare CRs as header', (n) => `Subject: ${'\r'.repeat(n)}`],
  ['header lines', (n) => `${'A: b\r\n'.repeat(n / 6)}\r\n`],
  ['lines of a text', (n) => `\r\n${'\n'.repeat(n)}`],
  [
    'parts, each with a header',
    (n) => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nA: b\r\n\r\nhello\r\n'.repeat(n / 20)}--b--`,
  ],
  [
    'multiparts in multiparts that never close',
    (n) => {
      const level = (i: number): string => `Content-Type: multipart/mixed; boundary=${i}-x\r\n\r\n--${i}-x\r\n`;
      return Array.from({ length: n / 50 }, (_, i) => level(1e6 + i)).join('');
    },
  ],
  ['messages in messages', (n) => 'Content-Type: message/rfc822\r\n\r\n'.repeat(n / 32)],
  [
    'lines like a boundary, a hundred multiparts deep',
    (n) => {
      const name = (i: number): string => `${'a'.repeat(20)}${1000 + i}`;
      const open = Array.from(
        { length: 99 },
        (_, i) => `Content-Type: multipart/x; boundary=${name(i)}\n\n--${name(i)}\n`,
      );
      return `${open.join('')}\n${`--${'a'.repeat(20)}10\n`.repeat(n / 25)}`;
    },
  ],
];

describe('the work of reading a message', () => {
  for (const [title, make] of shapes) {
    test(`grows with its length: ${title}`, () => {
      const [single = 0, double = 0] = [20_000, 40_000].map((size) => {
        const { raw, work } = counting(Buffer.from(make(size)));
        // Limits would make large input cheap and hide what it costs.
        analyseMessage(raw, { ...defaultLimits, parts: 1e6, depth: title.includes('a hundred') ? 100 : 1e6 });
        return work();
      });
      assert.ok(single > 20_000, 'the counting works');
      assert.ok(double < single * 2.2, `${single} looks at bytes became ${double}`);
    });
  }
});
