// How the contract gets its stores, and the logins that it asks as.
import type { Storage } from '../../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../../src/quarantine/scope.ts';

export interface StoreOptions {
  /** Largest UID before UIDVALIDITY rises. */
  uidLimit?: number;
}

export interface TestStore {
  storage: Storage;
  /** False: a commit of several changes that fails may have done a part of them (ports.ts, `commit`). Default true. */
  transactions?: boolean;
  /** One more storage on the same store, as another process would open it. */
  reopen(): Promise<Storage>;
  /** Closes all of them, if they are not closed yet, and removes the store. */
  cleanup(): Promise<void>;
}

/** Opens an empty store. */
export type OpenStore = (options?: StoreOptions) => Promise<TestStore>;

/** A test body with a store of its own. */
export function withStore(
  open: OpenStore,
  run: (store: TestStore) => Promise<void>,
  options?: StoreOptions,
): () => Promise<void> {
  return async () => {
    const store = await open(options);
    try {
      await run(store);
    } finally {
      await store.cleanup();
    }
  };
}

export const global = scopeOfLogin('global');
export const exampleCom = scopeOfLogin('example.com');
export const alice = scopeOfLogin('alice@example.com');
export const bob = scopeOfLogin('bob@example.com');
export const exampleOrg = scopeOfLogin('example.org');
export const carol = scopeOfLogin('carol@example.org');
