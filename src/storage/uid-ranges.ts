// Ranges of UIDs as a mail program names them, made ready for a query. Pure; called by every driver.
import type { UidRange } from '../quarantine/ports.ts';

/** Ascending and without overlaps, so that no message is listed twice or out of order. UIDs begin at 1. */
export function inOrder(ranges: readonly UidRange[]): UidRange[] {
  const merged: UidRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ from: Math.max(range.from, 1), to: range.to });
  }
  return merged;
}
