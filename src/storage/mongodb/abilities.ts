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

/** The server answered, and its answer was no. Anything else (no server, no answer) is not about its abilities. */
function refused(error: unknown): false {
  if (error instanceof MongoServerError || isClientSideRefusal(error)) return false;
  throw error;
}

/** The client knows from the server's greeting that it need not ask (MongoCompatibilityError, MongoTransactionError …). */
function isClientSideRefusal(error: unknown): boolean {
  return error instanceof Error && /Compatibility|Transaction|ChangeStream|InvalidArgument/.test(error.name);
}
