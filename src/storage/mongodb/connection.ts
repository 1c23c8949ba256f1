// One client with the collections of one store, and what durability and fail-over rest on: every option that is not the driver's default is
// here, with its reason. Opened by open.ts.
import { GridFSBucket } from 'mongodb';
import type { ClientSession, Collection, Db, MongoClientOptions, MongoClient } from 'mongodb';
import type { Log } from '../../quarantine/ports.ts';
import type { Abilities } from './abilities.ts';
import type { Heartbeats } from './heartbeats.ts';
import { inTime, inTimeCollection } from './deadline.ts';
import { fromMongo } from './errors.ts';
import type {
  AccountDocument,
  ChunkDocument,
  ContentDocument,
  DomainDocument,
  DropDocument,
  FileDocument,
  MailboxDocument,
  MessageDocument,
  NameDocument,
  SequenceDocument,
  StoreDocument,
  UnsettledFile,
} from './schema.ts';

export interface Collections {
  messages: Collection<MessageDocument>;
  contents: Collection<ContentDocument>;
  /** Of the bucket with large contents. */
  files: Collection<FileDocument>;
  chunks: Collection<ChunkDocument>;
  unsettled: Collection<UnsettledFile>;
  sequences: Collection<SequenceDocument>;
  mailboxes: Collection<MailboxDocument>;
  drops: Collection<DropDocument>;
  domains: Collection<DomainDocument>;
  names: Collection<NameDocument>;
  accounts: Collection<AccountDocument>;
  store: Collection<StoreDocument>;
}

export interface Connection extends Collections {
  client: MongoClient;
  db: Db;
  bucket: GridFSBucket;
  heartbeats: Heartbeats;
  abilities: Abilities;
  uidLimit: number;
  log: Log;
}

/** Longer than an election of a replica set takes (about 12 s by default), so that a lost primary is a pause, not an error. */
const patienceMs = 20_000;

/** No new attempt at a transaction after that; the driver itself would go on for two minutes, longer than mail programs wait. */
const transactionPatienceMs = 60_000;

/** Below `wtimeoutMS`: a commit that times out by this one is given up, by the other the driver asks again for two minutes. */
const maxCommitTimeMS = 20_000;

/** What no connection string may change; each under the name that a connection string has for it, because the driver lets those win. */
const promises = {
  appName: 'lazaretto',
  // An answer to a mail program or a filter is a promise that outlives the primary.
  // Where no majority can be had, an error in time: what was written may survive all the same, so callers' writes are repeatable.
  w: 'majority',
  journal: true,
  wtimeoutMS: patienceMs,
  // What was read can't be rolled back, so no UID that a client has seen is given again. Reads go to the primary, which has every write
  // that was answered.
  readConcernLevel: 'majority',
  readPreference: 'primary',
  // A write whose answer was lost on the way is repeated once by the server's own bookkeeping, never twice applied.
  retryWrites: true,
  retryReads: true,
  ignoreUndefined: true,
  promoteBuffers: true,
} satisfies MongoClientOptions;

/** What suits most; a connection string that says otherwise knows its network better. */
const patience = {
  // How long an operation waits for a primary, before its first try and again before its repetition.
  serverSelectionTimeoutMS: patienceMs,
  // A server that fell silent is noticed after both, and who waits for it is told.
  connectTimeoutMS: 5_000,
  heartbeatFrequencyMS: 5_000,
  // A server that took a request and fell silent. Longer than any request of ours takes, but for a search without an index (find.ts).
  socketTimeoutMS: 60_000,
  // Requests that wait for a connection of the pool are better refused than kept for ever.
  waitQueueTimeoutMS: patienceMs,
  maxPoolSize: 50,
  // Connections that balancers and firewalls forgot are not kept.
  maxIdleTimeMS: 300_000,
} satisfies MongoClientOptions;

/** The driver's own order would let these options win over the connection string. */
export function clientOptionsFor(url: string): MongoClientOptions {
  const said = new Set([...new URLSearchParams(url.split('?')[1]).keys()].map((name) => name.toLowerCase()));
  const unsaid = Object.entries(patience).filter(([name]) => !said.has(name.toLowerCase()));
  return { ...promises, ...Object.fromEntries(unsaid) };
}

export const bucketName = 'large';

export function collectionsOf(db: Db): Collections {
  return {
    messages: inTimeCollection(db.collection('messages')),
    contents: inTimeCollection(db.collection('contents')),
    files: inTimeCollection(db.collection(`${bucketName}.files`)),
    chunks: inTimeCollection(db.collection(`${bucketName}.chunks`)),
    unsettled: inTimeCollection(db.collection('unsettled')),
    sequences: inTimeCollection(db.collection('sequences')),
    mailboxes: inTimeCollection(db.collection('mailboxes')),
    drops: inTimeCollection(db.collection('drops')),
    domains: inTimeCollection(db.collection('domains')),
    names: inTimeCollection(db.collection('names')),
    accounts: inTimeCollection(db.collection('accounts')),
    store: inTimeCollection(db.collection('store')),
  };
}

export function bucketOf(db: Db): GridFSBucket {
  return new GridFSBucket(db, { bucketName });
}

/**
 * For code that changes several documents at once where the deployment can: all or none. Read and write concern are the client's. `work`
 * is run again when it met another write on its way or the primary was lost; an error of its own ends the transaction, and nothing is
 * written. It must await one operation after the other.
 */
export async function inTransaction<Result>(
  { client, abilities }: Pick<Connection, 'client' | 'abilities'>,
  work: (options: { session?: ClientSession }) => Promise<Result>,
): Promise<Result> {
  if (!abilities.transactions) return work({});
  const giveUpAt = Date.now() + transactionPatienceMs;
  let cause: unknown;
  const attempt = async (session: ClientSession): Promise<Result> => {
    if (cause !== undefined && Date.now() >= giveUpAt) throw fromMongo(cause);
    try {
      return await work({ session });
    } catch (error) {
      cause = error;
      throw error;
    }
  };
  return inTime(client.withSession((session) => session.withTransaction(attempt, { maxCommitTimeMS })));
}
