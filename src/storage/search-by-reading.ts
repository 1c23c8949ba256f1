// The search that needs no index: goes through a mailbox in pages, decides by the list what the list can decide, and reads the rest. Exact,
// and slow where the text of many messages is asked for; its budget ends it. Used by every driver for what it has no index for.
import type { View } from '../quarantine/message.ts';
import type { ListedMessage, ScopedStorage, UidRange } from '../quarantine/ports.ts';
import type { Scope } from '../quarantine/scope.ts';
import type { Condition } from '../quarantine/search/condition.ts';
import { SearchPlan } from '../quarantine/search/match.ts';
import { searchedUids } from '../quarantine/search/searched-uids.ts';
import { slicesOf } from '../quarantine/slices.ts';
import type { SearchBudget } from './search-budget.ts';
import { largestUid } from './shown.ts';
import { inOrder } from './uid-ranges.ts';

type Source = Pick<ScopedStorage, 'list' | 'readings' | 'content'>;

export interface ReadingSearch {
  scope: Scope;
  view: View;
  condition: Condition;
  /** Looks no further than these UIDs. */
  within?: readonly UidRange[];
  /** Messages that are read at the same time: what is known of one may take some megabytes. */
  atOnce: number;
  budget: SearchBudget;
}

const pageSize = 1000;

/** UIDs of the messages that match, ascending; null when the budget does not last. */
export async function searchByReading(source: Source, search: ReadingSearch): Promise<Uint32Array | null> {
  const { scope, view, condition, budget } = search;
  const plan = new SearchPlan(condition);
  const found: number[] = [];
  let left = inOrder(search.within ?? searchedUids(condition) ?? [{ from: 1, to: largestUid }]);
  while (left.length) {
    const page = await source.list(scope, view, left, pageSize);
    const decided = page.map((message) => plan.decide(message));
    const open = page.filter((_message, i) => decided[i] === null);
    for (const slice of slicesOf(open, search.atOnce)) {
      if (!(await budget.goesOn())) return null;
      found.push(...(await matching(source, search, plan, slice)));
    }
    for (const [i, { uid }] of page.entries()) if (decided[i]) found.push(uid);
    if (!(await budget.goesOn())) return null;
    const last = page.at(-1)?.uid;
    left = page.length < pageSize || last === undefined ? [] : rangesAbove(left, last);
  }
  return Uint32Array.from(found).sort();
}

async function matching(
  source: Source,
  { scope, budget }: ReadingSearch,
  plan: SearchPlan,
  messages: readonly ListedMessage[],
): Promise<number[]> {
  const ids = messages.map(({ id }) => id);
  const readings = await source.readings(scope, ids);
  const results = await Promise.all(
    messages.map(async (message, i) => {
      const reading = readings[i];
      const content = async (start: number, end: number): Promise<Buffer | null> => {
        const bytes = await source.content(scope, message.id, start, end);
        budget.spend(bytes?.length ?? 0);
        return bytes;
      };
      return reading ? plan.matches({ ...message, reading, content }) : false;
    }),
  );
  return messages.filter((_message, i) => results[i]).map(({ uid }) => uid);
}

function rangesAbove(ranges: readonly UidRange[], uid: number): UidRange[] {
  return ranges.filter(({ to }) => to > uid).map(({ from, to }) => ({ from: Math.max(from, uid + 1), to }));
}
