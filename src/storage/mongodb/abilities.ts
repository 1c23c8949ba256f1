// What this deployment can do, found out by asking for it: a standalone server, a replica set, a sharded cluster and servers that only speak
// the protocol differ, and no name or version says how. Called by open.ts.
import { MongoServerError } from 'mongodb';
import type { Db, MongoClient } from 'mongodb';

export interface Abilities {
  /** Several documents at once, all or none. */
  transactions: boolean;
  /** Being told of changes; else they are polled for. */
  changeStreams: boolean;
}

export async function askAbilities(client: MongoClient, db: Db): Promise<Abilities> {
  return { transactions: await canTransact(client, db), changeStreams: await canStream(db) };
}

async function canTransact(client: MongoClient, db: Db): Promise<boolean> {
  try {
    await client.withSession((session) =>
      session.withTransaction(() => db.collection('store').findOne({}, { session })),
    );
    return true;
  } catch (error) {
    return refused(error);
  }
}

async function canStream(db: Db): Promise<boolean> {
  const stream = db.collection('sequences').watch([], { maxAwaitTimeMS: 1 });
  try {
    await stream.tryNext();
    return true;
  } catch (error) {
    return refused(error);
  } finally {
    await stream.close();
  }
}

/** The server answered, and its answer was no. Anything else (no server, no answer, no primary just now) is not about its abilities. */
function refused(error: unknown): false {
  if (error instanceof MongoServerError && !isPassing(error)) return false;
  if (isClientSideRefusal(error)) return false;
  throw error;
}

/** A process that starts while a primary is elected must not do without transactions and notices for the rest of its life. */
function isPassing(error: MongoServerError): boolean {
  return passingCodes.has(Number(error.code)) || passingLabels.some((label) => error.hasErrorLabel(label));
}

const passingLabels = ['TransientTransactionError', 'UnknownTransactionCommitResult', 'RetryableWriteError'];

/** What drivers repeat a read for: no primary, one that steps down or ends, no snapshot that a majority has, a request that was cut off. */
const passingCodes = new Set([6, 7, 50, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);

/** The client knows from the server's greeting that it need not ask (MongoCompatibilityError, MongoTransactionError …). */
function isClientSideRefusal(error: unknown): boolean {
  return error instanceof Error && /Compatibility|Transaction|ChangeStream|InvalidArgument/.test(error.name);
}
