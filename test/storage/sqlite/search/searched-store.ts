// A SQLite store with mail in it, its index, and two ways to search it: with the index, and by the meaning of a search, message by message.
import { scopeOfLogin } from '../../../../src/quarantine/scope.ts';
import type { Storage } from '../../../../src/quarantine/ports.ts';
import type { Condition } from '../../../../src/quarantine/search/condition.ts';
import { SearchPlan } from '../../../../src/quarantine/search/match.ts';
import { openSqlite } from '../../../../src/storage/sqlite/open.ts';
import type { Connection } from '../../../../src/storage/sqlite/connection.ts';
import { content, list, readings } from '../../../../src/storage/sqlite/mailboxes.ts';
import { fromStoredReading } from '../../../../src/storage/sqlite/prepared.ts';
import { openIndex } from '../../../../src/storage/sqlite/search/index-file.ts';
import { indexNew } from '../../../../src/storage/sqlite/search/index-rounds.ts';
import { runSearch } from '../../../../src/storage/sqlite/search/run-search.ts';
import { insertMessage, newContent } from '../../../helpers/messages.ts';
import { temporaryStore } from '../temporary-store.ts';
import type { TemporaryStore } from '../temporary-store.ts';

const global = scopeOfLogin('global');
const everything = [{ from: 1, to: 4_294_967_295 }];

export interface SearchedStore extends AsyncDisposable {
  place: TemporaryStore;
  path: string;
  logged: TemporaryStore['logged'];
  main: Connection;
  /** Stores messages in the order that they are given in, as a server would. */
  insert(raws: readonly Buffer[]): Promise<void>;
  /** Brings the index up to date. */
  index(): Promise<void>;
  /** UIDs by index, and how many contents were read for them. */
  search(condition: Condition): Promise<{ uids: number[]; reads: number }>;
  /** UIDs of the messages that match.ts finds. */
  expected(condition: Condition): Promise<number[]>;
  /** Leaves the file to be replaced. */
  close(): Promise<void>;
}

/** @param store where the store is, or is to be made */
export function searchedStore(store = temporaryStore()): SearchedStore {
  const { path, log, logged } = store;
  const main = store.connect();
  let storage: Storage | null = null;
  async function close(): Promise<void> {
    await storage?.close();
    storage = null;
    if (main.database.isOpen) main.close();
  }
  return {
    place: store,
    path,
    logged,
    main,
    close,
    async [Symbol.asyncDispose]() {
      await close();
      store[Symbol.dispose]();
    },
    async insert(raws) {
      storage ??= await openSqlite(path, { log });
      for (const raw of raws) await insertMessage(storage, { content: newContent(raw) });
    },
    async index() {
      const index = openIndex(path);
      while (await indexNew(main, index));
      index.close();
    },
    async search(condition) {
      let reads = 0;
      const counting: Connection = {
        ...main,
        get(sql, ...values) {
          if (sql.includes('FROM chunks')) reads++;
          return main.get(sql, ...values);
        },
      };
      const request = { scope: global, view: 'caught', condition } as const;
      const uids = await runSearch(counting, path, request, new AbortController().signal);
      return { uids: [...(uids ?? [])], reads };
    },
    async expected(condition) {
      const plan = new SearchPlan(condition);
      const found: number[] = [];
      for (const message of list(main, { scope: global, view: 'caught', ranges: everything, limit: 100_000 })) {
        const [stored] = readings(main, { scope: global, ids: [message.id] });
        if (!stored) continue;
        const read = async (start: number, end: number): Promise<Buffer | null> => {
          const bytes = content(main, { scope: global, id: message.id, start, end });
          return bytes && Buffer.from(bytes);
        };
        const candidate = { ...message, reading: fromStoredReading(stored), content: read };
        if (await plan.matches(candidate)) found.push(message.uid);
      }
      return found;
    },
  };
}
