import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsText } from '../../../src/quarantine/search/holds-text.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

test('finds what String.includes finds, however long it is and however it resembles itself', () => {
  const random = seededRandom(31);
  const made = (length: number): string => {
    const piece = random.pick(['a', 'ab', 'aab', 'abac', '日a']).repeat(length);
    return piece.slice(0, length - 1) + random.pick(['a', 'b', 'c']) + piece.slice(0, random.between(0, 40));
  };
  const found = [0, 0];
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 6 }, () => made(random.between(1, 400))).join('');
    const start = random.between(0, text.length);
    const piece = text.slice(start, start + random.pick([1, 250, 251, 300, 700]));
    const wanted = random.pick([piece, piece, `${piece.slice(0, -1)}c`, piece + made(random.between(1, 9))]);
    const expected = text.includes(wanted);
    assert.equal(holdsText(text, wanted), expected, `${wanted} in ${text}`);
    found[Number(expected)] = (found[Number(expected)] ?? 0) + 1;
  }
  assert.ok(
    found.every((count) => count > 300),
    found.join(),
  );
});

test('looks at each character of a text once, whatever is looked for', () => {
  const letters = 'a'.repeat(100_000);
  let looks = 0;
  const text = {
    length: letters.length,
    includes: () => true,
    charCodeAt(at: number) {
      looks++;
      return letters.charCodeAt(at);
    },
  };
  const half = 'a'.repeat(5_000);
  assert.equal(holdsText(text as unknown as string, `${half}c${half}`), false);
  assert.equal(looks, letters.length);
});
