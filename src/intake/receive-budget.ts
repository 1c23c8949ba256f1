// The memory that arriving messages may take together. Doors take from it before they keep bytes and give back when the message is stored
// or refused. Never waits: who gets nothing defers its message. One for the whole process, made where the listeners are wired.

export interface ReceiveBudget {
  /** False, and nothing is taken, when less than `bytes` is left. */
  take(bytes: number): boolean;
  give(bytes: number): void;
  readonly freeBytes: number;
}

export function createReceiveBudget(totalBytes: number): ReceiveBudget {
  let free = totalBytes;
  return {
    take(bytes) {
      if (bytes > free) return false;
      free -= bytes;
      return true;
    },
    give(bytes) {
      free += bytes;
    },
    get freeBytes() {
      return free;
    },
  };
}
