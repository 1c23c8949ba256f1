// When listeners hear of a commit. The process that makes one tells it when all of it can be read; the feed (feed.ts) sees its first half
// earlier, so what it says about sequences that this process is just writing to waits for the end of that write. It is told then in any
// case: it may be another process's commit, and ours a silent one.
import type { Watchers } from '../watchers.ts';

export interface Announcements {
  /**
   * Runs a write that may change these sequences, and tells which it did change; if it fails, all of them, because a part may be done.
   * A write that changed none is told without a key.
   */
  during<Result extends { changed: readonly string[] }>(
    keys: readonly string[],
    write: () => Promise<Result>,
  ): Promise<Result>;
  /** What the feed noticed. */
  noticed(changed: readonly string[] | 'all'): void;
}

export function createAnnouncements(watchers: Watchers): Announcements {
  const writes = new Map<string, number>();
  const waiting = new Set<string>();

  function count(keys: readonly string[], by: 1 | -1): void {
    for (const key of keys) {
      const under = (writes.get(key) ?? 0) + by;
      if (under > 0) writes.set(key, under);
      else writes.delete(key);
    }
  }

  return {
    async during(keys, write) {
      let changed = keys;
      count(keys, 1);
      try {
        const result = await write();
        ({ changed } = result);
        return result;
      } finally {
        count(keys, -1);
        watchers.tell([...new Set([...changed, ...keys.filter((key) => waiting.delete(key))])]);
      }
    },
    noticed(changed) {
      if (changed === 'all' || !changed.length) return watchers.tell(changed);
      for (const key of changed) if (writes.has(key)) waiting.add(key);
      const others = changed.filter((key) => !writes.has(key));
      if (others.length) watchers.tell(others);
    },
  };
}
