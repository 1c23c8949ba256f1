// Who in this process waits for commits: sessions in IDLE. A move of a whole mailbox is many commits, so that nobody's writes wait for it;
// other sessions that see the same messages are told of it once, when it is done. Whoever asks meanwhile is told how far it is.
import type { Storage } from '../quarantine/ports.ts';
import { sequenceKey } from '../quarantine/scope.ts';
import type { Scope } from '../quarantine/scope.ts';

/**
 * Work that takes longer, or hangs, is told of as it goes; and whoever has waited so long is told, also when other work has begun before
 * the former ended, as it always does on a busy server: news must not wait for good.
 */
export const heldBackAtMostMs = 30_000;

interface Waiter {
  readonly scope: Scope;
  readonly wake: () => void;
}

export class CommitWatch {
  readonly #storage: Pick<Storage, 'watch'>;
  /** Whose work in many commits is under way. */
  readonly #atWork = new Set<{ scope: Scope }>();
  /** Who is told when that is done. */
  readonly #waiting = new Set<Waiter>();
  /** Since the first of them began to wait. */
  #limit: NodeJS.Timeout | undefined;

  constructor(storage: Pick<Storage, 'watch'>) {
    this.#storage = storage;
  }

  /** Calls `wake` after commits that may have changed what the scope sees, until the returned function is called. */
  watch(scope: Scope, wake: () => void): () => void {
    const key = sequenceKey(scope);
    const waiter = { scope, wake };
    const stop = this.#storage.watch((keys) => {
      if (keys !== 'all' && !keys.has(key)) return;
      if (this.#isHeldBack(scope)) this.#hold(waiter);
      else wake();
    });
    return () => {
      stop();
      this.#waiting.delete(waiter);
    };
  }

  /** Those who see what the scope sees hear of all commits until `work` has ended, however it ends, when it has ended. */
  async asOne<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    const entry = { scope };
    this.#atWork.add(entry);
    const limit = setTimeout(() => this.#end(entry), heldBackAtMostMs).unref();
    try {
      return await work();
    } finally {
      clearTimeout(limit);
      this.#end(entry);
    }
  }

  #end(entry: { scope: Scope }): void {
    if (!this.#atWork.delete(entry)) return;
    this.#tell([...this.#waiting].filter((waiter) => !this.#isHeldBack(waiter.scope)));
  }

  #hold(waiter: Waiter): void {
    this.#waiting.add(waiter);
    this.#limit ??= setTimeout(() => this.#tell([...this.#waiting]), heldBackAtMostMs).unref();
  }

  #tell(waiters: readonly Waiter[]): void {
    for (const waiter of waiters) this.#waiting.delete(waiter);
    if (!this.#waiting.size) {
      clearTimeout(this.#limit);
      this.#limit = undefined;
    }
    for (const { wake } of waiters) wake();
  }

  #isHeldBack(scope: Scope): boolean {
    return [...this.#atWork].some((entry) => seesSame(entry.scope, scope));
  }
}

/** Whether there may be messages that both see. */
function seesSame(a: Scope, b: Scope): boolean {
  if (a.role === 'global' || b.role === 'global') return true;
  if (a.domain !== b.domain) return false;
  return a.role === 'domain' || b.role === 'domain' || a.address === b.address;
}
