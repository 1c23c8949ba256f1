// Pieces of a long list. What may be done in part is done so, wherever people may name a whole mailbox: others' writes get in between,
// and memory stays small. Called by act.ts, flags.ts and the IMAP edge.

/** Messages that one write takes: some tens of milliseconds. */
export const sliceSize = 1000;

export function* slicesOf<T>(list: readonly T[], size = sliceSize): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}
