// Pieces of a long list. What may be done in part is done so, wherever people may name a whole mailbox: others' writes get in between,
// and memory stays small. Called by act.ts, flags.ts and the IMAP edge.
import { StaleError } from './errors.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';

/** Messages that one write takes: some tens of milliseconds. */
export const sliceSize = 1000;

export function* slicesOf<T>(list: readonly T[], size = sliceSize): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}

/**
 * Runs `once` for each slice in order, again when somebody else changed one of its messages in between. While the worker delivers a
 * thousand messages, one of them changes all the time: after `patience` tries a slice is halved, down to single messages.
 */
export async function inSlices<T, R>(
  list: readonly T[],
  once: (slice: readonly T[]) => Promise<R>,
  { size = sliceSize, patience = 1 } = {},
): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...slicesOf(list, size)].reverse();
  let left = patience;
  for (let slice = waiting.pop(); slice; slice = waiting.pop()) {
    try {
      results.push(await (slice.length === 1 ? repeatWhileStale(once.bind(null, slice)) : once(slice)));
      left = patience;
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
      left--;
      if (left > 0) {
        waiting.push(slice);
        continue;
      }
      left = patience;
      const middle = slice.length >> 1;
      waiting.push(slice.slice(middle), slice.slice(0, middle));
    }
  }
  return results;
}
