import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  packUids,
  parseSequenceSet,
  positionsBySequence,
  positionsByUid,
  positionsWithin,
  uidRangesAt,
  uidsAt,
} from '../../src/imap/sequence-set.ts';
import type { SequenceSet } from '../../src/imap/sequence-set.ts';
import { sequenceOf } from '../helpers/message-sequence.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';

function parsed(text: string): SequenceSet {
  const set = parseSequenceSet(text);
  assert.ok(set, `${text} is a sequence set`);
  return set;
}

const range = (first: number, last: number): [number, number] => [first, last];

describe('a sequence set is read', () => {
  const wellFormed: [string, [number, number][], number | null][] = [
    ['1', [[1, 1]], null],
    ['4294967295', [[4294967295, 4294967295]], null],
    ['1:3', [[1, 3]], null],
    ['3:1', [[1, 3]], null],
    ['7,1:3', [range(1, 3), range(7, 7)], null],
    ['5,5,5', [[5, 5]], null],
    ['1:10,3:4,8:12', [[1, 12]], null],
    ['*', [], Infinity],
    ['*:*', [], Infinity],
    ['5:*', [], 5],
    ['*:5', [], 5],
    ['*,9:*,4:*,2', [[2, 2]], 4],
  ];
  for (const [text, ranges, toStar] of wellFormed) {
    test(text, () => {
      const set = parsed(text);
      assert.deepEqual(
        set.ranges.map(({ first, last }) => [first, last]),
        ranges,
      );
      assert.equal(set.toStar, toStar);
    });
  }

  const malformed =
    '|0|01|-1|1-3|1:|:3|1:2:3|1,,2|1,|,1|1 2| 1|1 |+1|1.5|1e3|x|$|**|*5|5*|*:0|0:*|4294967296|99999999999|1:NIL|١';
  for (const text of malformed.split('|')) {
    test(`"${text}" is refused`, () => assert.equal(parseSequenceSet(text), null));
  }
});

describe('sequence numbers', () => {
  const uids = [3, 5, 9];
  const table: [string, number[], number[] | null][] = [
    ['1', uids, [3]],
    ['1,3', uids, [3, 9]],
    ['3,1', uids, [3, 9]],
    ['*', uids, [9]],
    ['2:*', uids, [5, 9]],
    ['*:1', uids, [3, 5, 9]],
    ['3:*', uids, [9]],
    ['4', uids, null],
    ['1:4', uids, null],
    ['4:*', uids, null],
    ['1:*,9:*', uids, null],
    ['1', [], null],
    ['*', [], null],
    ['1:*', [], null],
  ];
  for (const [text, list, expected] of table) {
    test(`${text} of ${list.length} messages ${expected ? `is UIDs ${expected.join()}` : 'is out of range'}`, () => {
      const positions = positionsBySequence(parsed(text), list.length);
      assert.deepEqual(positions && uidsAt(sequenceOf(list), positions), expected);
    });
  }
});

describe('UIDs', () => {
  const uids = [3, 5, 6, 9];
  const table: [string, number[], number[]][] = [
    ['3', uids, [3]],
    ['1:2', uids, []],
    ['4', uids, []],
    ['1:100', uids, uids],
    ['9,5', uids, [5, 9]],
    ['*', uids, [9]],
    ['6:*', uids, [6, 9]],
    ['*:6', uids, [6, 9]],
    ['10:*', uids, [9]],
    ['4294967295:*', uids, [9]],
    ['4294967295', uids, []],
    ['3:5,1:*', uids, uids],
    ['10:*,1:3', uids, [3, 9]],
    ['*', [], []],
    ['1:*', [], []],
    ['1:4294967295', [], []],
  ];
  for (const [text, list, expected] of table) {
    test(`${text} of ${list.join() || 'none'} is ${expected.join() || 'none'}`, () => {
      const messages = sequenceOf(list);
      assert.deepEqual(uidsAt(messages, positionsByUid(parsed(text), messages)), expected);
    });
  }

  test('become ranges for the storage that hold no UID outside the set', () => {
    const messages = sequenceOf(uids);
    assert.deepEqual(uidRangesAt(messages, positionsByUid(parsed('1:5,9:*'), messages)), [
      { from: 3, to: 5 },
      { from: 9, to: 9 },
    ]);
  });
});

describe('a list of UIDs is packed', () => {
  const table: [number[], string][] = [
    [[], ''],
    [[7], '7'],
    [[1, 2], '1:2'],
    [[1, 2, 3, 7], '1:3,7'],
    [[304, 319, 320], '304,319:320'],
    [[3, 2, 1], '3,2,1'],
    [[5, 5], '5,5'],
    [[9, 1, 2, 4294967294, 4294967295], '9,1:2,4294967294:4294967295'],
  ];
  for (const [uids, expected] of table) {
    test(`${uids.join()} as "${expected}"`, () => assert.equal(packUids(uids), expected));
  }
});

function randomSet(random: SeededRandom): string {
  const number = (): string => (random.between(0, 6) === 0 ? '*' : String(random.between(1, 25)));
  const elements = Array.from({ length: random.between(1, 5) }, () =>
    random.between(0, 1) === 0 ? number() : `${number()}:${number()}`,
  );
  return elements.join(',');
}

/** Reads the set the slow way: is this number in any element, with `*` replaced? */
function naiveIncludes(text: string, number: number, highest: number): boolean {
  return text.split(',').some((element) => {
    const ends = element.split(':').map((end) => (end === '*' ? highest : Number(end)));
    return number >= Math.min(...ends) && number <= Math.max(...ends);
  });
}

test('20,000 generated sets name the same messages as a naive model', () => {
  const random = seededRandom(42);
  for (let round = 0; round < 20_000; round++) {
    const text = randomSet(random);
    const uids = Array.from({ length: 20 }, (_, i) => i + 1).filter(() => random.between(0, 2) > 0);
    const highest = uids.at(-1) ?? 0;
    const messages = sequenceOf(uids);
    const set = parsed(text);
    const expected = uids.filter((uid) => naiveIncludes(text, uid, highest));
    assert.deepEqual(uidsAt(messages, positionsByUid(set, messages)), expected, `UIDs ${text} of ${uids.join()}`);

    const numbers = text.split(/[,:]/);
    const outOfRange = numbers.some((n) => (n === '*' ? uids.length === 0 : Number(n) > uids.length));
    const positions = positionsBySequence(set, uids.length);
    const bySequence = uids.filter((_, i) => naiveIncludes(text, i + 1, uids.length));
    assert.deepEqual(
      positions && uidsAt(messages, positions),
      outOfRange ? null : bySequence,
      `${text} of ${uids.length}`,
    );
    assert.deepEqual(
      uidsAt(messages, positionsWithin(set, uids.length)),
      bySequence,
      `SEARCH ${text} of ${uids.length}`,
    );

    const shuffled = Array.from({ length: random.between(1, 8) }, () => random.between(1, 6));
    const unpacked = packUids(shuffled)
      .split(',')
      .flatMap((part) => {
        const [first = 0, last = first] = part.split(':').map(Number);
        return Array.from({ length: last - first + 1 }, (_, i) => first + i);
      });
    assert.deepEqual(unpacked, shuffled);
  }
});

test('a set of 64 kB is applied to 1,000,000 messages without visiting each', (t) => {
  const text = Array.from({ length: 10_000 }, (_, i) => (9_999 - i) * 100 + 1).join(',');
  const set = parsed(text);
  assert.ok(text.length > 60_000);
  const messages = sequenceOf(Array.from({ length: 1_000_000 }, (_, i) => i + 1));
  const walks = t.mock.method(messages, 'runs');
  const positions = positionsByUid(set, messages);
  assert.equal(positions.length, 10_000);
  assert.deepEqual(positions[1], { start: 100, end: 101 });
  assert.equal(walks.mock.callCount(), 0);
});
