// A process of the model test as the driver sees it: its collections, of which every single operation waits for its turn in a schedule
// (test/storage/model/schedule.ts) and may be the last. What the driver asks for at once, a server does piece by piece: each write of a
// bulk is a step, and a long read now and then sees each document at another moment. Called by model.test.ts.
import { MongoBulkWriteError, MongoServerError } from 'mongodb';
import type { AnyBulkWriteOperation, Collection, Document, Filter, FindOptions } from 'mongodb';
import type { Collections } from '../../src/storage/mongodb/connection.ts';
import type { SeededRandom } from '../../test/helpers/seeded-random.ts';

/** Runs an operation when its turn has come. */
export type TakeTurn = <Result>(name: string, run: () => Promise<Result>) => Promise<Result>;

/** What a deliberately broken variant of the driver does to its own operations; each may be replaced by others. */
export interface Interference {
  filter?(collection: string, filter: Filter<Document>): Filter<Document>;
  found?(collection: string, document: Document): Document;
  updateOne?(
    collection: string,
    filter: Filter<Document>,
    update: Document,
    proceed: (filter: Filter<Document>, update: Document) => Promise<{ matchedCount: number }>,
  ): Promise<{ matchedCount: number }>;
  insertOne?(collection: string, document: Document, proceed: () => Promise<unknown>): Promise<unknown>;
}

export interface Stepping {
  turn: TakeTurn;
  random: SeededRandom;
  interference: Interference;
}

type Plain = Collection<Document>;
type Update = { filter: Filter<Document>; update: Document; upsert?: boolean };

export function steppedCollections(collections: Collections, stepping: Stepping): Collections {
  const { messages, sequences, mailboxes, drops, store } = collections;
  const stepped = Object.entries<object>({ messages, sequences, mailboxes, drops, store }).map(
    ([name, collection]): [string, object] => [name, steppedCollection(name, collection as Plain, stepping)],
  );
  // Contents are no part of the model: they are always there.
  const others: object = { contents: alwaysThere(), ...Object.fromEntries(stepped) };
  return { ...collections, ...others };
}

function alwaysThere(): object {
  return { findOne: async () => ({}), updateOne: async () => ({ matchedCount: 1 }), insertOne: async () => ({}) };
}

function steppedCollection(name: string, collection: Plain, { turn, random, interference }: Stepping): object {
  const found = (document: Document): Document => interference.found?.(name, document) ?? document;
  const filtered = (filter: Filter<Document>): Filter<Document> => interference.filter?.(name, filter) ?? filter;
  const step = <Result>(what: string, run: () => Promise<Result>): Promise<Result> => turn(`${name} ${what}`, run);

  function updateOne(filter: Filter<Document>, update: Document, options: object = {}) {
    const proceed = async (only: Filter<Document>, change: Document): Promise<{ matchedCount: number }> =>
      step(`update ${brief(only)} ${brief(change)}`, () => collection.updateOne(only, change, options));
    return interference.updateOne?.(name, filter, update, proceed) ?? proceed(filter, update);
  }

  function insertOne(document: Document): Promise<unknown> {
    const proceed = (): Promise<unknown> => step(`insert ${brief(document)}`, () => collection.insertOne(document));
    return interference.insertOne?.(name, document, proceed) ?? proceed();
  }

  return {
    updateOne,
    insertOne,
    async findOne(filter: Filter<Document>, options?: FindOptions) {
      const one = await step(`find one ${brief(filter)}`, () => collection.findOne(filtered(filter), options));
      return one && found(one);
    },
    countDocuments: (filter: Filter<Document>) => step('count', () => collection.countDocuments(filtered(filter))),
    deleteMany: (filter: Filter<Document>) => step('delete', () => collection.deleteMany(filter)),
    find(filter: Filter<Document>, options?: FindOptions) {
      return cursor({ collection, filter: filtered(filter), options, step, isTorn: random.between(0, 2) === 0 }, found);
    },
    async bulkWrite(operations: AnyBulkWriteOperation<Document>[], { ordered }: { ordered: boolean }) {
      const updates = operations.map((operation) => (operation as unknown as { updateOne: Update }).updateOne);
      const one = ({ filter, update, upsert }: Update) => updateOne(filter, update, upsert ? { upsert } : {});
      let matchedCount = 0;
      if (ordered) for (const update of updates) matchedCount += (await one(update)).matchedCount;
      else for (const done of await all(updates.map(one))) matchedCount += done.matchedCount;
      return { matchedCount };
    },
    async insertMany(documents: Document[]) {
      const duplicates: { index: number; code: number }[] = [];
      await all(
        documents.map(async (document, index) => {
          try {
            await insertOne(document);
          } catch (error) {
            if (!(error instanceof MongoServerError && error.code === 11000)) throw error;
            duplicates.push({ index, code: 11000 });
          }
        }),
      );
      if (duplicates.length)
        throw new MongoBulkWriteError(
          { message: 'duplicates', code: 11000, writeErrors: duplicates } as never,
          {} as never,
        );
    },
  };
}

/** All of them run to their end, whatever becomes of the others. */
async function all<Result>(work: Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

interface Search {
  collection: Plain;
  filter: Filter<Document>;
  options: FindOptions | undefined;
  step: TakeTurn;
  /** Each document is read at another moment, as by a scan that yields. */
  isTorn: boolean;
}

function cursor(
  { collection, filter, options, step, isTorn }: Search,
  found: (document: Document) => Document,
): object {
  const settings: FindOptions = { ...options };
  async function* each(): AsyncGenerator<Document> {
    const name = `find ${brief(filter)}`;
    if (!isTorn) {
      for (const document of await step(name, () => collection.find(filter, settings).toArray())) yield found(document);
      return;
    }
    const ids = await step(name, () => collection.find(filter, { ...settings, projection: { _id: 1 } }).toArray());
    for (const { _id } of ids) {
      const only = { $and: [filter, { _id }] };
      const document = await step(`find on ${String(_id)}`, () => collection.findOne(only, options));
      if (document) yield found(document);
    }
  }
  const self = {
    sort: (sort: Document) => set({ sort }),
    limit: (limit: number) => set({ limit }),
    batchSize: () => self,
    async toArray() {
      const documents: Document[] = [];
      for await (const document of each()) documents.push(document);
      return documents;
    },
    [Symbol.asyncIterator]: each,
  };
  const set = (more: FindOptions): typeof self => {
    Object.assign(settings, more);
    return self;
  };
  return self;
}

/** For the reader of a schedule. */
function brief(value: object): string {
  const text = JSON.stringify(value, (key, part: unknown) =>
    key === 'message' || key === 'searched' || key === 'reading' ? undefined : part,
  );
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
