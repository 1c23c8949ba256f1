// One search of a mailbox: by the list what the list can tell, then by the index block by block, and what neither can tell is read. What is
// not in the index yet is read as well, so that the answer is complete however far the index is. Runs in the searcher's thread.
import type { View } from '../../../quarantine/message.ts';
import type { ScopedStorage, UidRange } from '../../../quarantine/ports.ts';
import type { Scope } from '../../../quarantine/scope.ts';
import type { Condition } from '../../../quarantine/search/condition.ts';
import { SearchPlan } from '../../../quarantine/search/match.ts';
import { searchedUids } from '../../../quarantine/search/searched-uids.ts';
import { SearchBudget, searchLimits } from '../../search-budget.ts';
import { searchByReading } from '../../search-by-reading.ts';
import { largestUid } from '../../shown.ts';
import { inSnapshot } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { content, list, readings } from '../mailboxes.ts';
import { fromStoredReading } from '../prepared.ts';
import { Bits } from './bits.ts';
import { BlockKnowledge } from './block-knowledge.ts';
import { openIndexSnapshot, readBlocks } from './index-file.ts';
import type { BlockHead } from './index-file.ts';
import { readRows, rowIsListedAs } from './mailbox-rows.ts';
import type { MailboxRows } from './mailbox-rows.ts';
import { judge } from './narrow.ts';
import type { Verdict } from './narrow.ts';

export interface SearchRequest {
  scope: Scope;
  view: View;
  condition: Condition;
}

/** Reading takes no time to wait for, so that two at once would gain nothing. */
const atOnce = 1;

/** Null when it takes too long, or is cancelled. */
export async function runSearch(
  main: Connection,
  store: string,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<Uint32Array | null> {
  const budget = new SearchBudget({ ...searchLimits, contentBytes: Infinity }, signal);
  const { condition } = new SearchPlan(request.condition);
  const ranges = searchedUids(condition) ?? [{ from: 1, to: largestUid }];
  const rows = inSnapshot(main, () => readRows(main, { ...request, condition, ranges }));
  const verdict = byList(condition, rows);
  if (!verdict.maybe.isEmpty && !(await byIndex(main, store, { condition, rows, verdict, budget }))) return null;
  const { yes, maybe } = verdict;
  const found = [...yes].map((row) => rows.uids[row] ?? 0);
  if (maybe.isEmpty) return Uint32Array.from(found);
  const within = [...maybe].map((row): UidRange => ({ from: rows.uids[row] ?? 0, to: rows.uids[row] ?? 0 }));
  const read = await searchByReading(readerOf(main), { ...request, within, atOnce, budget });
  return read && Uint32Array.from([...found, ...read]).sort();
}

function byList(condition: Condition, rows: MailboxRows): Verdict {
  const all = Bits.all(rows.uids.length);
  return judge(condition, all, {
    isListedAs: (part, row) => rowIsListedAs(rows, part, row),
    read: (_part, among) => ({ yes: new Bits(among.size), maybe: among }),
  });
}

interface IndexSearch {
  condition: Condition;
  rows: MailboxRows;
  /** What is known so far; becomes what the index knows as well. */
  verdict: Verdict;
  budget: SearchBudget;
}

/** False when the budget did not last. */
async function byIndex(main: Connection, store: string, search: IndexSearch): Promise<boolean> {
  let index: Connection | null = null;
  try {
    index = openIndexSnapshot(store, main);
    return index ? await byBlocks(index, search) : true;
  } catch (error) {
    // What cannot be read of the index is read of the mail. The indexer makes a damaged index anew.
    if (error instanceof Error && 'errcode' in error) return true;
    throw error;
  } finally {
    index?.close();
  }
}

async function byBlocks(index: Connection, { condition, rows, verdict, budget }: IndexSearch): Promise<boolean> {
  const { contents } = rows;
  const open = Uint32Array.from(verdict.maybe);
  // They nearly always are: both numbers are given in the order of arrival.
  const inOrder = open.every((row, i) => i === 0 || (contents[row] ?? 0) >= (contents[open[i - 1] ?? 0] ?? 0));
  if (!inOrder) open.sort((a, b) => (contents[a] ?? 0) - (contents[b] ?? 0));
  for (const block of readBlocks(index, contents[open[0] ?? 0], contents[open.at(-1) ?? 0])) {
    const own = rowsIn(block, open, contents);
    if (!own.rows.length) continue;
    if (!(await budget.goesOn())) return false;
    const knowledge = new BlockKnowledge(index, block, own.contentOf);
    const judged = judge(condition, Bits.all(own.rows.length), {
      isListedAs: (part, message) => rowIsListedAs(rows, part, own.rows[message] ?? 0),
      read: (part, among) => knowledge.read(part, among),
    });
    for (const row of own.rows) verdict.maybe.delete(row);
    for (const message of judged.yes) verdict.yes.add(own.rows[message] ?? 0);
    for (const message of judged.maybe) verdict.maybe.add(own.rows[message] ?? 0);
  }
  return true;
}

/** The open rows whose contents the block has, and the indexes of these in the block. `open` is in the order of contents. */
function rowsIn(
  { contents: { numbers } }: BlockHead,
  open: Uint32Array,
  contents: readonly number[],
): { rows: number[]; contentOf: number[] } {
  const contentAt = (at: number): number => contents[open[at] ?? 0] ?? Infinity;
  const rows: number[] = [];
  const contentOf: number[] = [];
  let at = firstAtLeast(open.length, numbers[0] ?? 0, contentAt);
  for (const [index, number] of numbers.entries()) {
    while (at < open.length && contentAt(at) < number) at++;
    for (; at < open.length && contentAt(at) === number; at++) {
      rows.push(open[at] ?? 0);
      contentOf.push(index);
    }
  }
  return { rows, contentOf };
}

function firstAtLeast(length: number, value: number, valueAt: (at: number) => number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (valueAt(middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The port's reading part, within this thread. */
function readerOf(main: Connection): Pick<ScopedStorage, 'list' | 'readings' | 'content'> {
  return {
    list: async (scope, view, ranges, limit = 1000) =>
      inSnapshot(main, () => list(main, { scope, view, ranges, limit })),
    readings: async (scope, ids) => readings(main, { scope, ids }).map((stored) => stored && fromStoredReading(stored)),
    async content(scope, id, start, end) {
      const bytes = inSnapshot(main, () => content(main, { scope, id, start, end }));
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}
