// Sequence sets (`1:3,5,*`): what a client writes to name messages, by sequence number or by UID, and the compact form
// in which COPYUID names them back. Pure arithmetic over the session's messages; the work grows with the number of ranges
// and the result, hardly with the size of the mailbox. Called by every command that takes a set.

import type { UidRange } from '../quarantine/ports.ts';
import type { MessageSequence } from './message-sequence.ts';

/** Both ends belong to the range, and `first <= last`. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

export interface SequenceSet {
  /** The parts without `*`: ascending, neither overlapping nor adjacent. */
  readonly ranges: readonly NumberRange[];
  /** The lowest `n` of all `n:*`; Infinity when the only `*` stands alone; null when there is no `*`. */
  readonly toStar: number | null;
  /** The highest number that was written down, 0 when there is none: sequence numbers must not exceed the mailbox. */
  readonly highest: number;
}

/** Positions in the mailbox, from 0, `end` not included. The sequence number of a position is one more. */
export interface PositionRange {
  readonly start: number;
  readonly end: number;
}

const star = Symbol('*');
const highestNumber = 4294967295;

/** Null when the text is no sequence set. `2:4` and `4:2` are the same; numbers are 1 to 4294967295, not zero-padded. */
export function parseSequenceSet(text: string): SequenceSet | null {
  const ranges: NumberRange[] = [];
  let toStar: number | null = null;
  let highest = 0;
  for (const element of text.split(',')) {
    const colon = element.indexOf(':');
    const from = parseSequenceNumber(colon < 0 ? element : element.slice(0, colon));
    const to = colon < 0 ? from : parseSequenceNumber(element.slice(colon + 1));
    if (from === null || to === null) return null;
    if (from === star || to === star) {
      const other = from === star ? to : from;
      toStar = Math.min(toStar ?? Infinity, other === star ? Infinity : other);
      if (other !== star) highest = Math.max(highest, other);
    } else {
      ranges.push(from < to ? { first: from, last: to } : { first: to, last: from });
      highest = Math.max(highest, from, to);
    }
  }
  return { ranges: joinRanges(ranges), toStar, highest };
}

/**
 * The positions that a set of sequence numbers names in a mailbox of `count` messages, ascending and disjoint.
 * Null when it names a message that does not exist; the command is then answered BAD.
 */
export function positionsBySequence(set: SequenceSet, count: number): PositionRange[] | null {
  // RFC 9051 section 9 (seq-number): a number above the mailbox's, and "*" in an empty mailbox, deserve BAD: the client
  // has lost count, and acting on a guess would release or delete the wrong mail.
  if (set.highest > count || (set.toStar !== null && count === 0)) return null;
  return resolveStar(set, count).map(({ first, last }) => ({ start: first - 1, end: last }));
}

/** The positions that a set of UIDs names, ascending and disjoint. UIDs that do not exist are passed over. */
export function positionsByUid(set: SequenceSet, messages: MessageSequence): PositionRange[] {
  const positions: PositionRange[] = [];
  // RFC 9051 section 6.4.9: a UID that does not exist is ignored without any error.
  if (!messages.length) return positions;
  for (const { first, last } of resolveStar(set, messages.lastUid)) {
    const start = messages.countBelow(first);
    const end = messages.countBelow(last + 1);
    if (end > start) positions.push({ start, end });
  }
  return positions;
}

/** The same as positionsBySequence for SEARCH, where numbers out of range name nothing. */
export function positionsWithin(set: SequenceSet, count: number): PositionRange[] {
  return resolveStar(set, count).flatMap(({ first, last }) => {
    const position = { start: Math.max(first, 1) - 1, end: Math.min(last, count) };
    return position.end > position.start ? [position] : [];
  });
}

/** The UIDs at these positions, in order. */
export function uidsAt(messages: MessageSequence, positions: readonly PositionRange[]): number[] {
  const found: number[] = [];
  for (const { start, end } of positions)
    for (const run of messages.runs(start, end))
      for (let i = run.start; i < run.end; i++) found.push(run.leaf.uids[i] ?? 0);
  return found;
}

/**
 * The same as ranges to ask the storage for. A range may span UIDs that left the mailbox, never one that the session was
 * not told about: what is new always comes above the last UID of the list.
 */
export function uidRangesAt(messages: MessageSequence, positions: readonly PositionRange[]): UidRange[] {
  return positions.map(({ start, end }) => ({
    from: messages.uidAt(start) ?? 0,
    to: messages.uidAt(end - 1) ?? 0,
  }));
}

/** What is left of the ranges above a UID. */
export function rangesAfter(ranges: readonly UidRange[], uid: number): UidRange[] {
  return ranges.filter(({ to }) => to > uid).map(({ from, to }) => ({ from: Math.max(from, uid + 1), to }));
}

/**
 * `[1, 2, 3, 7]` as `1:3,7`. Order is kept and nothing is sorted or merged, because the two lists of a COPYUID
 * correspond pairwise (RFC 4315 section 3): only neighbours that count upwards are joined. '' for an empty list, which
 * has no form on the wire.
 */
export function packUids(uids: readonly number[]): string {
  const parts: string[] = [];
  let position = 0;
  while (position < uids.length) {
    const first = uids[position] ?? 0;
    let last = first;
    while (uids[position + 1] === last + 1) {
      last++;
      position++;
    }
    parts.push(first === last ? String(first) : `${first}:${last}`);
    position++;
  }
  return parts.join(',');
}

function parseSequenceNumber(text: string): number | typeof star | null {
  if (text === '*') return star;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) return null;
  const number = Number(text);
  return number <= highestNumber ? number : null;
}

function joinRanges(ranges: NumberRange[]): NumberRange[] {
  ranges.sort((a, b) => a.first - b.first);
  const joined: NumberRange[] = [];
  for (const range of ranges) {
    const previous = joined.at(-1);
    if (previous === undefined || range.first > previous.last + 1) joined.push(range);
    else if (range.last > previous.last) joined[joined.length - 1] = { first: previous.first, last: range.last };
  }
  return joined;
}

function resolveStar(set: SequenceSet, highest: number): readonly NumberRange[] {
  if (set.toStar === null) return set.ranges;
  // RFC 9051 section 9 (seq-range): n:* with n above the highest number is *:n, and so holds the last message.
  return joinRanges([...set.ranges, { first: Math.min(set.toStar, highest), last: highest }]);
}
