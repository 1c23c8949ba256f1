// One search of a mailbox. Runs in the searcher's thread.
import type { View } from '../../../quarantine/message.ts';
import type { ScopedStorage } from '../../../quarantine/ports.ts';
import type { Scope } from '../../../quarantine/scope.ts';
import type { Condition } from '../../../quarantine/search/condition.ts';
import { SearchBudget, searchLimits } from '../../search-budget.ts';
import { searchByReading } from '../../search-by-reading.ts';
import { inSnapshot } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { content, list, readings } from '../mailboxes.ts';
import { fromStoredReading } from '../prepared.ts';

export interface SearchRequest {
  scope: Scope;
  view: View;
  condition: Condition;
}

/** Reading takes no time to wait for, so that two at once would gain nothing. */
const atOnce = 1;

/** Null when it takes too long, or is cancelled. */
export function runSearch(
  connection: Connection,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<Uint32Array | null> {
  const budget = new SearchBudget({ ...searchLimits, contentBytes: Infinity }, signal);
  return searchByReading(readerOf(connection), { ...request, atOnce, budget });
}

/** The port's reading part, within this thread. */
function readerOf(connection: Connection): Pick<ScopedStorage, 'list' | 'readings' | 'content'> {
  return {
    list: async (scope, view, ranges, limit = 1000) =>
      inSnapshot(connection, () => list(connection, { scope, view, ranges, limit })),
    readings: async (scope, ids) =>
      readings(connection, { scope, ids }).map((stored) => stored && fromStoredReading(stored)),
    async content(scope, id, start, end) {
      const bytes = inSnapshot(connection, () => content(connection, { scope, id, start, end }));
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}
