// Which UIDs a condition leaves possible, so that no more of a mailbox is looked at than `UID 1:10 TEXT x` names. Called by the storages.
import type { Condition } from './condition.ts';

/** Null: any. Only what has to hold in any case counts; it need not be exact. */
export function searchedUids(condition: Condition): readonly { from: number; to: number }[] | null {
  if (condition.kind === 'uid') return condition.ranges;
  if (condition.kind === 'none') return [];
  if (condition.kind !== 'and') return null;
  const named = condition.parts.map(searchedUids).filter((ranges) => ranges !== null);
  return named.reduce<readonly { from: number; to: number }[] | null>(
    (fewest, ranges) => (fewest === null || spanOf(ranges) < spanOf(fewest) ? ranges : fewest),
    null,
  );
}

function spanOf(ranges: readonly { from: number; to: number }[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}
