// Who wants to know that something was committed. One bad listener neither keeps the others from hearing of it nor harms the driver.
import type { Log } from '../quarantine/ports.ts';

export type Listener = (keys: ReadonlySet<string> | 'all') => void;

export interface Watchers {
  /** Answers how to stop. */
  add(listener: Listener): () => void;
  tell(changed: readonly string[] | 'all'): void;
  clear(): void;
}

/** @param onUse called with true when the first listener comes and with false when the last one goes */
export function createWatchers(log: Log, onUse: (used: boolean) => void): Watchers {
  // Not the functions themselves: the same one may listen twice and stop once.
  const listeners = new Set<{ listener: Listener }>();
  return {
    add(listener) {
      const entry = { listener };
      listeners.add(entry);
      if (listeners.size === 1) onUse(true);
      return () => {
        if (listeners.delete(entry) && listeners.size === 0) onUse(false);
      };
    },
    tell(changed) {
      const keys = changed === 'all' ? changed : new Set(changed);
      for (const { listener } of [...listeners]) {
        try {
          listener(keys);
        } catch (error) {
          log.error({ event: 'storage', err: error }, 'a listener to changes of the storage failed');
        }
      }
    },
    clear() {
      if (listeners.size) onUse(false);
      listeners.clear();
    },
  };
}
