// What every driver needs to answer `listPacked`. Pure.
import type { ListedMessage, PackedMessages, PackedQuery, PackedValue } from '../quarantine/ports.ts';
import type { Reading } from '../quarantine/reading/reading.ts';
import { FlagTable } from './flagged-uids.ts';

/** What is larger is left out, so that an answer stays small whatever was sent to us: 1000 messages have 8 MB at most for each value. */
export const largestPackedBytes = 8 * 1024;

/** Contents that are larger are read in pieces, one by one. */
export const largestPackedContentBytes = 256 * 1024;
/** An answer that has so much of contents takes no more: little enough to be held several times, large enough to be worth the way. */
export const enoughContentBytes = 512 * 1024;

/** Of one message, a string for the wire or bytes; null for what is not packed. */
export type PackableValues = Partial<Record<PackedValue, string | Uint8Array | null>>;

/** What a query wants of a reading, without what is too large. */
export function packable(reading: Reading | null, { values }: PackedQuery): PackableValues {
  const picked: PackableValues = {};
  for (const name of values) {
    if (name === 'content') continue;
    const value = reading?.[name] ?? null;
    picked[name] = value !== null && value.length <= largestPackedBytes ? value : null;
  }
  return picked;
}

/** How many of the messages an answer with their contents has. */
export function countOfContents(listed: readonly ListedMessage[]): number {
  let bytes = 0;
  const last = listed.findIndex(({ sizeBytes }) => {
    bytes += sizeBytes <= largestPackedContentBytes ? sizeBytes : 0;
    return bytes >= enoughContentBytes;
  });
  return last < 0 ? listed.length : last + 1;
}

/** For a driver that reads messages one by one: `found` are the values of each. */
export function pack(
  listed: readonly ListedMessage[],
  found: readonly PackableValues[],
  { values, also }: PackedQuery,
): PackedMessages {
  const pieces: Buffer[] = [];
  const positions: number[] = [];
  let at = 0;
  for (const i of listed.keys()) {
    for (const name of values) {
      const value = found[i]?.[name] ?? null;
      if (value === null) {
        positions.push(-1, -1);
        continue;
      }
      pieces.push(typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value));
      positions.push(at, at + value.length);
      at += value.length;
    }
  }
  const table = new FlagTable();
  const column = <T>(name: PackedQuery['also'][number], of: (message: ListedMessage) => T): T[] =>
    also.includes(name) ? listed.map(of) : [];
  return {
    uids: new Uint32Array(listed.map(({ uid }) => uid)),
    flags: new Uint32Array(column('flags', ({ flags }) => table.place(JSON.stringify(flags)))),
    flagSets: table.sets,
    sizeBytes: new Uint32Array(column('sizeBytes', ({ sizeBytes }) => sizeBytes)),
    internalDates: new Float64Array(column('internalDates', ({ internalDate }) => internalDate)),
    bytes: Buffer.concat(pieces),
    positions: new Int32Array(positions),
    [Symbol.dispose]: () => undefined,
  };
}
