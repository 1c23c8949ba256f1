import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition, ReadCondition } from '../../../../src/quarantine/search/condition.ts';
import { Bits } from '../../../../src/storage/sqlite/search/bits.ts';
import { judge } from '../../../../src/storage/sqlite/search/narrow.ts';
import { seededRandom } from '../../../helpers/seeded-random.ts';
import type { SeededRandom } from '../../../helpers/seeded-random.ts';

const size = 70;

/** `size` stands for what is known at once, `text` for what may be open. */
function generate(random: SeededRandom, depth: number): Condition {
  const leaf = random.between(0, 9);
  if (depth === 0 || leaf < 3) {
    if (leaf === 0) return { kind: random.pick(['all', 'none'] as const) };
    return leaf % 2 ? { kind: 'size', is: 'larger', bytes: leaf } : { kind: 'text', text: String(leaf) };
  }
  const kind = random.pick(['and', 'or', 'not'] as const);
  if (kind === 'not') return { kind, part: generate(random, depth - 1) };
  return { kind, parts: Array.from({ length: random.between(1, 4) }, () => generate(random, depth - 1)) };
}

/** One message, three-valued. */
function evaluate(condition: Condition, leaf: (part: Condition) => boolean | null): boolean | null {
  switch (condition.kind) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'not': {
      const value = evaluate(condition.part, leaf);
      return value === null ? null : !value;
    }
    case 'and':
    case 'or': {
      const values = condition.parts.map((part) => evaluate(part, leaf));
      const settling = condition.kind === 'or';
      if (values.includes(settling)) return settling;
      return values.includes(null) ? null : !settling;
    }
    default:
      return leaf(condition);
  }
}

test('many messages are judged together as each would be by itself, and nobody is asked about one that is settled', () => {
  const random = seededRandom(8);
  for (let round = 0; round < 3000; round++) {
    const condition = generate(random, 3);
    const values = new Map<string, boolean | null>();
    const valueOf = (part: Condition, message: number): boolean | null => {
      const key = `${JSON.stringify(part)} ${message}`;
      if (!values.has(key))
        values.set(key, part.kind === 'size' ? message % 3 === 0 : random.pick([true, false, null]));
      return values.get(key) ?? null;
    };
    const among = new Bits(size);
    for (let message = 0; message < size; message++) if (random.between(0, 4)) among.add(message);
    const { yes, maybe } = judge(condition, among, {
      isListedAs: (part, message) => valueOf(part, message) === true,
      read(part: ReadCondition, asked: Bits) {
        const verdict = { yes: new Bits(size), maybe: new Bits(size) };
        for (const message of asked) {
          assert.ok(among.has(message));
          const value = valueOf(part, message);
          if (value) verdict.yes.add(message);
          else if (value === null) verdict.maybe.add(message);
        }
        return verdict;
      },
    });
    for (let message = 0; message < size; message++) {
      const expected = among.has(message) ? evaluate(condition, (part) => valueOf(part, message)) : false;
      const actual = yes.has(message) ? true : maybe.has(message) ? null : false;
      assert.equal(actual, expected, JSON.stringify(condition));
      assert.ok(!(yes.has(message) && maybe.has(message)));
    }
  }
});

test('a set of numbers holds what was put into it', () => {
  const random = seededRandom(9);
  for (let round = 0; round < 500; round++) {
    const length = random.between(0, 100);
    const [a, b] = [new Set<number>(), new Set<number>()];
    const bits = [new Bits(length), new Bits(length)] as const;
    for (let i = 0; i < length; i++) {
      const [inA, inB] = [random.between(0, 1), random.between(0, 1)];
      if (inA) a.add(i);
      if (inB) b.add(i);
      if (inA || random.between(0, 1)) bits[0].add(i);
      if (!inA) bits[0].delete(i);
      if (inB) bits[1].add(i);
    }
    const sorted = (set: Set<number>): number[] => [...set].sort((x, y) => x - y);
    assert.deepEqual([...bits[0]], sorted(a));
    assert.deepEqual([...bits[0].and(bits[1])], sorted(a.intersection(b)));
    assert.deepEqual([...bits[0].or(bits[1])], sorted(a.union(b)));
    assert.deepEqual([...bits[0].without(bits[1])], sorted(a.difference(b)));
    assert.equal(bits[0].count(), a.size);
    assert.equal(bits[0].isEmpty, a.size === 0);
    assert.deepEqual([...Bits.all(length)].length, length);
  }
});
