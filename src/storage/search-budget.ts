// What one search may take: it ends when nobody waits for it any more, and gives up when people would have. Used by every driver.
import { setImmediate } from 'node:timers/promises';

export interface SearchLimits {
  ms: number;
  /** Of contents that are read because no index knows their words. */
  contentBytes: number;
}

export const searchLimits: SearchLimits = { ms: 90_000, contentBytes: 512 * 1024 * 1024 };

/** How long a search works before others of its thread get their turn. */
const turnMs = 10;

export class SearchBudget {
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;
  #bytesLeft: number;
  #turnEnds = performance.now() + turnMs;

  constructor({ ms, contentBytes }: SearchLimits, signal?: AbortSignal) {
    this.#until = performance.now() + ms;
    this.#bytesLeft = contentBytes;
    this.#signal = signal;
  }

  spend(bytes: number): void {
    this.#bytesLeft -= bytes;
  }

  /** To be asked between any two pieces of work; lets others in. False: the search has to end. */
  async goesOn(): Promise<boolean> {
    if (performance.now() >= this.#turnEnds) {
      await setImmediate();
      this.#turnEnds = performance.now() + turnMs;
    }
    return !this.#signal?.aborted && this.#bytesLeft >= 0 && performance.now() < this.#until;
  }
}
