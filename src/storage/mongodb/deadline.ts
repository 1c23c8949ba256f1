// A limit for every operation on the database. The client has limits of its own (connection.ts), but they leave a gap: mongodb 7.9.0 can
// write to a socket that its server has just closed and then wait for ever (`Connection.writeCommand` awaits `drain` of a destroyed
// socket). What is given up here may still happen; every write of this driver may be repeated. Called where operations begin.
import type { Collection, Document } from 'mongodb';
import { TemporaryError } from '../../quarantine/errors.ts';

/** Longer than the client waits for a server and for its answer, and for both once more (connection.ts). */
export const operationMs = 180_000;

/** @throws TemporaryError when the work takes longer */
export async function inTime<Result>(work: Promise<Result>, deadlineMs = operationMs): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TemporaryError('The stored mail of the quarantine does not answer just now. Please try again later.'));
    }, deadlineMs);
    timer.unref();
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Building an index takes as long as it takes, and nobody waits for it (indexes.ts). */
const endless = new Set(['createIndex']);

/** The same collection, each of whose operations ends in time: what is awaited at once, and each step of a cursor. */
export function inTimeCollection<Stored extends Document>(
  collection: Collection<Stored>,
  deadlineMs = operationMs,
): Collection<Stored> {
  return bounded(collection, deadlineMs);
}

function bounded<Target extends object>(target: Target, deadlineMs: number): Target {
  const proxy: Target = new Proxy(target, {
    get(_target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name === Symbol.asyncIterator) return () => steps(proxy as Cursor);
      if (typeof member !== 'function' || endless.has(String(name))) return member;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args);
        if (result instanceof Promise) return inTime(result, deadlineMs);
        // A cursor's own methods answer the cursor.
        if (result === target) return proxy;
        return isCursor(result) ? bounded(result, deadlineMs) : result;
      };
    },
  });
  return proxy;
}

type Cursor = { next(): Promise<unknown>; close(): Promise<void> };

function isCursor(value: unknown): value is Cursor {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value;
}

async function* steps(cursor: Cursor): AsyncGenerator {
  try {
    for (let document = await cursor.next(); document !== null; document = await cursor.next()) yield document;
  } finally {
    await cursor.close();
  }
}
