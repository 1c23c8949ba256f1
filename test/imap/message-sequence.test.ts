// The messages of a mailbox as a persistent sequence, against plain arrays: whatever comes, goes and changes, also for those who kept an
// older version.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlagSet } from '../../src/imap/flag-set.ts';
import type { FlaggedMessages } from '../../src/imap/flag-set.ts';
import { differenceBetween } from '../../src/imap/mailbox-difference.ts';
import { MessageSequence } from '../../src/imap/message-sequence.ts';
import { MessageBranch } from '../../src/imap/message-tree.ts';
import type { MessageNode } from '../../src/imap/message-tree.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';

interface Message {
  uid: number;
  flags: string;
}

const choices = [[], ['\\Seen'], ['\\Seen', '$Released'], ['\\Deleted'], ['work']];

/** As a store tells them: its own table of flags, in any order, with some that nobody has. */
function told(messages: readonly Message[]): FlaggedMessages {
  const flagSets = choices.map((flags) => new FlagSet(flags));
  return {
    uids: Uint32Array.from(messages, ({ uid }) => uid),
    flags: Uint32Array.from(messages, ({ flags }) => flagSets.findIndex(({ text }) => text === flags)),
    flagSets,
  };
}

function messagesIn(sequence: MessageSequence, start?: number, end?: number): Message[] {
  const found: Message[] = [];
  for (const { leaf, start: from, end: to, position } of sequence.runs(start, end)) {
    assert.equal(position, Math.max(start ?? 0, 0) + found.length);
    for (let i = from; i < to; i++) found.push({ uid: leaf.uids[i] ?? 0, flags: leaf.flagsAt(i).text });
  }
  return found;
}

const anyFlags = (random: SeededRandom): string => new FlagSet(random.pick(choices)).text;

/** Ascending, with gaps, above `last`. */
function arrivals(random: SeededRandom, last: number, count: number): Message[] {
  let uid = last;
  return Array.from({ length: count }, () => ({ uid: (uid += random.between(1, 3)), flags: anyFlags(random) }));
}

/** Some of the list: single ones, runs, all. */
function someOf<T>(random: SeededRandom, list: readonly T[]): T[] {
  const kind = random.between(0, 9);
  if (kind === 0) return [...list];
  if (kind < 4) {
    const from = random.between(0, list.length);
    return list.slice(from, from + random.between(1, 2000));
  }
  const chance = kind < 8 ? 1 + Math.floor(list.length / 3) : 3;
  return list.filter(() => random.between(1, chance) === 1);
}

function checkAlike(sequence: MessageSequence, model: readonly Message[], random: SeededRandom): void {
  assert.deepEqual(messagesIn(sequence), model);
  assert.equal(sequence.length, model.length);
  assert.equal(sequence.lastUid, model.at(-1)?.uid ?? 0);
  for (let i = 0; i < 10; i++) {
    const position = random.between(-2, model.length + 1);
    assert.equal(sequence.uidAt(position), model[position]?.uid);
    const uid = random.between(0, sequence.lastUid + 2);
    assert.equal(sequence.countBelow(uid), model.filter((message) => message.uid < uid).length);
    const expected = model.findIndex((message) => message.uid === uid);
    assert.equal(sequence.positionOf(uid), expected);
    assert.equal(sequence.flagsOf(uid)?.text, model[expected]?.flags);
    const end = position + random.between(0, 3000);
    assert.deepEqual(messagesIn(sequence, position, end), model.slice(Math.max(position, 0), Math.max(end, 0)));
  }
}

function checkDifference(
  before: MessageSequence,
  was: readonly Message[],
  now: MessageSequence,
  is: readonly Message[],
) {
  const flagsNow = new Map(is.map(({ uid, flags }) => [uid, flags]));
  const flagsBefore = new Map(was.map(({ uid, flags }) => [uid, flags]));
  const positions = (list: readonly Message[], fits: (message: Message) => boolean): number[] =>
    list.flatMap((message, position) => (fits(message) ? [position] : []));
  const { gone, changed, arrived } = differenceBetween(before, now);
  assert.deepEqual(
    gone,
    positions(was, ({ uid }) => !flagsNow.has(uid)),
  );
  assert.deepEqual(
    changed.map(({ position, uid, flags }) => [position, uid, flags.text]),
    is.flatMap(({ uid, flags }, position) =>
      (flagsBefore.get(uid) ?? flags) === flags ? [] : [[position, uid, flags]],
    ),
  );
  assert.equal(arrived, is.filter(({ uid }) => !flagsBefore.has(uid)).length);
}

describe('a sequence of messages', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`is what a plain list is, and older versions stay as they were (seed ${seed})`, () => {
      const random = seededRandom(seed);
      let model = arrivals(random, 0, random.pick([0, 1, 512, 513, 3000, 40_000]));
      let sequence = MessageSequence.of(told(model));
      let lastUid = sequence.lastUid;
      const versions: { sequence: MessageSequence; model: Message[] }[] = [];
      for (let step = 0; step < 40; step++) {
        versions.push({ sequence, model });
        const kind = random.between(0, 2);
        if (kind === 0) {
          const arrived = arrivals(random, lastUid, random.pick([1, 1, 2, 600, 5000]));
          sequence = sequence.append(told(arrived));
          model = [...model, ...arrived];
          lastUid = sequence.lastUid;
        } else if (kind === 1) {
          const gone = new Set(someOf(random, model).map(({ uid }) => uid));
          const strangers = Array.from({ length: random.between(0, 3) }, () => random.between(1, lastUid + 5));
          for (const uid of strangers) gone.add(uid);
          sequence = sequence.remove(Uint32Array.from(gone).sort());
          model = model.filter(({ uid }) => !gone.has(uid));
        } else {
          const changed = someOf(random, model).map(({ uid }) => ({ uid, flags: anyFlags(random) }));
          sequence = sequence.setFlags(told([...changed, { uid: lastUid + 1, flags: '()' }]));
          const flags = new Map(changed.map((message) => [message.uid, message.flags]));
          model = model.map((message) => ({ ...message, flags: flags.get(message.uid) ?? message.flags }));
        }
        checkAlike(sequence, model, random);
        const before = random.pick(versions);
        checkDifference(before.sequence, before.model, sequence, model);
      }
      for (const version of versions) assert.deepEqual(messagesIn(version.sequence), version.model);
    });
  }

  it('stays the very same where nothing changes', () => {
    const messages = arrivals(seededRandom(5), 0, 2000);
    const sequence = MessageSequence.of(told(messages));
    assert.equal(sequence.append(told([])), sequence);
    assert.equal(sequence.remove(Uint32Array.of(0, sequence.lastUid + 1)), sequence);
    assert.equal(sequence.setFlags(told(messages)), sequence);
    assert.equal(MessageSequence.of(told([])), MessageSequence.empty);
    assert.equal(sequence.remove(Uint32Array.from(messages, ({ uid }) => uid)), MessageSequence.empty);
  });

  it('shares all but a few nodes with its former version, and little is looked at to tell them apart', () => {
    const before = MessageSequence.of(told(arrivals(seededRandom(6), 0, 100_000)));
    const uid = before.uidAt(50_000) ?? 0;
    const shared = nodesOf(before.root);
    for (const after of [
      before.remove(Uint32Array.of(uid)),
      before.setFlags(told([{ uid, flags: '(work)' }])),
      before.append(told([{ uid: before.lastUid + 1, flags: '()' }])),
    ]) {
      const own = [...nodesOf(after.root)].filter((node) => !shared.has(node));
      assert.ok(own.length <= 3, `${own.length} nodes were made`);
    }
  });

  it('takes little room when little is left of it', () => {
    const all = arrivals(seededRandom(7), 0, 100_000);
    const left = MessageSequence.of(told(all)).remove(
      Uint32Array.from(
        all.filter((_, i) => i % 100),
        ({ uid }) => uid,
      ),
    );
    assert.equal(left.length, 1000);
    assert.ok(nodesOf(left.root).size <= 12, String(nodesOf(left.root).size));
  });
});

function nodesOf(node: MessageNode | null, found = new Set<MessageNode>()): Set<MessageNode> {
  if (node) found.add(node);
  if (node instanceof MessageBranch) for (const child of node.children) nodesOf(child, found);
  return found;
}
