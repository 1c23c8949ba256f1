// A few hundred messages in the order of their UIDs: the leaf of a message sequence. Immutable. Four bytes for the UID of each, and two
// more for its flags where not all have the same ones. Which flags there are each leaf knows for itself, so that no table of them grows
// with time. Knows nothing of the tree above it (message-tree.ts).
import type { FlaggedMessages, FlagSet } from './flag-set.ts';

/** Small enough to be copied with each change, large enough that the objects around the numbers cost little. */
export const leafSize = 512;

/** Notes of one call, so that the many short-lived ones need no memory. */
const scratch = { places: new Uint16Array(leafSize), kept: new Uint16Array(leafSize) };

export class MessageLeaf {
  readonly height = 0;
  readonly uids: Uint32Array;
  readonly #flagSets: FlagSet[] = [];
  /** Places in the flag sets; null when all messages have the same flags. */
  readonly #places: Uint16Array | null;

  /** @param uids ascending, at least one; not changed any more */
  constructor(uids: Uint32Array, flagsAt: (index: number) => FlagSet) {
    const { places } = scratch;
    const placeOf = new Map<string, number>();
    let last: FlagSet | null = null;
    let place = 0;
    for (let i = 0; i < uids.length; i++) {
      const set = flagsAt(i);
      if (set !== last) {
        place = placeOf.get(set.text) ?? this.#flagSets.push(set) - 1;
        placeOf.set(set.text, place);
        last = set;
      }
      places[i] = place;
    }
    this.uids = uids;
    this.#places = this.#flagSets.length === 1 ? null : places.slice(0, uids.length);
  }

  /** The messages from `start` up to `end`. */
  static of({ uids, flags, flagSets }: FlaggedMessages, start: number, end: number): MessageLeaf {
    return new MessageLeaf(uids.slice(start, end), (i) => known(flagSets[flags[start + i] ?? 0]));
  }

  get count(): number {
    return this.uids.length;
  }

  get lastUid(): number {
    return this.uids[this.uids.length - 1] ?? 0;
  }

  flagsAt(index: number): FlagSet {
    return known(this.#flagSets[this.#places?.[index] ?? 0]);
  }

  /** Whether any of its messages has such flags. */
  some(test: (flags: FlagSet) => boolean): boolean {
    return this.#flagSets.some(test);
  }

  /** How many of its messages have a lower UID. */
  countBelow(uid: number): number {
    return countBelow(this.uids, uid);
  }

  /** Without the UIDs `gone[start]` up to `gone[end]`, ascending; itself when it has none of them, null when nothing is left. */
  without(gone: Uint32Array, start: number, end: number): MessageLeaf | null {
    const { kept } = scratch;
    let count = 0;
    let at = start;
    for (let i = 0; i < this.count; i++) {
      const uid = this.uids[i] ?? 0;
      while (at < end && (gone[at] ?? 0) < uid) at++;
      if (at >= end || gone[at] !== uid) kept[count++] = i;
    }
    if (count === this.count) return this;
    if (count === 0) return null;
    const uids = new Uint32Array(count);
    for (let i = 0; i < count; i++) uids[i] = this.uids[kept[i] ?? 0] ?? 0;
    return new MessageLeaf(uids, (i) => this.flagsAt(kept[i] ?? 0));
  }

  /** With the flags of the messages from `start` up to `end`; those that it does not have are passed over. */
  withFlags({ uids, flags, flagSets }: FlaggedMessages, start: number, end: number): MessageLeaf {
    let at = start;
    let isChanged = false;
    const changed = Array.from(this.uids, (uid, i) => {
      while (at < end && (uids[at] ?? 0) < uid) at++;
      const before = this.flagsAt(i);
      if (at >= end || uids[at] !== uid) return before;
      const after = known(flagSets[flags[at] ?? 0]);
      isChanged ||= !after.equals(before);
      return after;
    });
    return isChanged ? new MessageLeaf(this.uids, (i) => known(changed[i])) : this;
  }

  /** Followed by another one, whose UIDs are all higher. */
  followedBy(other: MessageLeaf): MessageLeaf {
    const uids = new Uint32Array(this.count + other.count);
    uids.set(this.uids);
    uids.set(other.uids, this.count);
    return new MessageLeaf(uids, (i) => (i < this.count ? this.flagsAt(i) : other.flagsAt(i - this.count)));
  }
}

/** How many of ascending numbers, from index `start` on, are lower than `number`, those before `start` included. */
export function countBelow(ascending: Uint32Array, number: number, start = 0): number {
  let low = start;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a number leads nowhere');
  return value;
}
