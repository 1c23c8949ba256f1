// The MongoDB driver broken on purpose, one rule of its protocol (src/storage/mongodb/sequences.ts) at a time, by changing what it asks of its
// collections. Each of them must fail the model test, or the test proves nothing about the rule. Called by model.test.ts.
import type { Document, Filter } from 'mongodb';
import type { Interference } from './stepped-collections.ts';

export const brokenDrivers: Record<string, () => Interference> = {
  'takes a number in one update and records it in a second one': () => ({
    async updateOne(collection, filter, update, proceed) {
      const taken = fieldOf(update.$set, 'taken.');
      if (collection !== 'sequences' || !taken) return proceed(filter, update);
      const { [taken]: record, ...numbers } = update.$set as Document;
      const done = await proceed(filter, { $set: numbers });
      if (done.matchedCount) await proceed({ _id: filter._id }, { $set: { [taken]: record as Document } });
      return done;
    },
  }),

  'reads past what is recorded without finishing it': () => ({
    found: (collection, document) => (collection === 'sequences' ? { ...document, taken: {} } : document),
  }),

  'takes the number of a message before it writes the message': () => {
    const unwritten = new Map<unknown, () => Promise<unknown>>();
    return {
      async insertOne(collection, document, proceed) {
        if (collection !== 'messages') return proceed();
        unwritten.set(document._id, proceed);
        return { insertedId: document._id as unknown };
      },
      async updateOne(collection, filter, update, proceed) {
        const insert = collection === 'messages' ? unwritten.get(filter._id) : undefined;
        unwritten.delete(filter._id);
        await insert?.();
        return proceed(filter, update);
      },
    };
  },

  'reads past the last number that it knows of': () => ({
    filter: (collection, filter) =>
      collection === 'messages' ? withoutCap(withoutCap(filter, 'domainPlace.ordinal'), 'globalPlace.ordinal') : filter,
  }),

  'clears the record before the number is in the message': () => ({
    async updateOne(collection, filter, update, proceed) {
      // What comes after it is the publication: it is let go and made up for later.
      if (collection === 'messages' && fieldOf(update.$set, 'domainPlace')) void later(() => proceed(filter, update));
      else return proceed(filter, update);
      return { matchedCount: 1 };
    },
  }),

  'forgets under which number a message was known before': () => ({
    async updateOne(collection, filter, update, proceed) {
      const { $push: _, ...rest } = update;
      return proceed(filter, collection === 'messages' ? rest : update);
    },
  }),

  'changes a message that still waits for the number of an earlier change': () => ({
    found: (collection, document) =>
      collection === 'messages' ? omit(document, 'domainUnnumbered', 'globalUnnumbered') : document,
    async updateOne(collection, filter, update, proceed) {
      const isChange = collection === 'messages' && 'revision' in filter;
      return proceed(isChange ? omit(filter, 'domainUnnumbered', 'globalUnnumbered') : filter, update);
    },
  }),

  'hands out drop UIDs without looking whether somebody else did': () => ({
    async updateOne(collection, filter, update, proceed) {
      return proceed(collection === 'drops' ? { _id: filter._id } : filter, update);
    },
  }),

  'takes numbers without looking whether somebody else did': () => ({
    async updateOne(collection, filter, update, proceed) {
      const isTaking = collection === 'sequences' && fieldOf(update.$set, 'taken.');
      return proceed(isTaking ? omit(filter, 'modseq') : filter, update);
    },
  }),
};

function fieldOf(fields: unknown, prefix: string): string | undefined {
  return Object.keys(fields ?? {}).find((name) => name.startsWith(prefix));
}

function omit<Of extends Document>(document: Of, ...names: string[]): Of {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name))) as Of;
}

function withoutCap(filter: Filter<Document>, name: string): Filter<Document> {
  const range = filter[name] as Document | undefined;
  return range?.$gt === undefined ? filter : { ...filter, [name]: { $gt: range.$gt as number } };
}

/** After whatever waits for a turn already. */
async function later(work: () => Promise<unknown>): Promise<void> {
  await Promise.resolve();
  await work().catch(() => undefined);
}
