// Opens a MongoDB store: connects, asks what the deployment can do, makes collections and indexes, hands out the port. Called through
// open-storage.ts.
import { MongoClient, MongoServerError } from 'mongodb';
import type { Db } from 'mongodb';
import { PermanentError } from '../../quarantine/errors.ts';
import type { Log, Storage } from '../../quarantine/ports.ts';
import { unfinishedCopy } from '../movable.ts';
import { largestUid } from '../shown.ts';
import { createWatchers } from '../watchers.ts';
import { askAbilities } from './abilities.ts';
import { createAnnouncements } from './announcements.ts';
import { bucketOf, clientOptionsFor, collectionsOf } from './connection.ts';
import type { Connection } from './connection.ts';
import { fromMongo, isDuplicate } from './errors.ts';
import { inTime } from './deadline.ts';
import { createFeed } from './feed.ts';
import { createGate } from './gate.ts';
import { watchHeartbeats } from './heartbeats.ts';
import { ensureIndexes } from './indexes.ts';
import { schemaVersion } from './schema.ts';
import { createSequences } from './sequences.ts';
import { createStorage } from './storage.ts';
import { startSweep } from './sweep.ts';

export interface MongoOptions {
  log: Log;
  /** Where there are no change streams: shortest time between two looks for commits of other processes. Default 100 ms. */
  pollMs?: number;
  /** Between two looks for changes that dead writers left without a number. Default 5 s. */
  sweepMs?: number;
  /** Largest UID before UIDVALIDITY rises. Default: the largest that IMAP allows. */
  uidLimit?: number;
}

/** Between two looks whether the client still watches its servers. */
const heartbeatLookMs = 2_000;

const defaultDatabase = 'lazaretto';

/**
 * @param url a MongoDB connection string with the name of the database
 * @throws PermanentError the URL is none, the login is refused, or the store is not ours to use
 * @throws TemporaryError no server can be reached
 */
export async function openMongo(url: string, options: MongoOptions): Promise<Storage> {
  const connection = await connect(url, options);
  try {
    await prepare(connection);
    const { building } = await ensureIndexes(connection);
    const sequences = createSequences(connection);
    const feed = await createFeed(connection, {
      pollMs: options.pollMs ?? 100,
      tell: (changed) => announcements.noticed(changed),
    });
    const watchers = createWatchers(connection.log, (used) => (used ? feed.start() : void feed.stop()));
    const announcements = createAnnouncements(watchers);
    const sweep = startSweep({ connection, sequences }, options.sweepMs ?? 5_000);
    const gate = createGate();
    const renewal = renewWhenStuck(connection, url);
    return createStorage({ reader: { connection, sequences }, watchers, announcements, gate }, async () => {
      watchers.clear();
      await Promise.all([feed.stop(), sweep.stop(), renewal.stop()]);
      await connection.client.close();
      await building;
    });
  } catch (error) {
    await connection.client.close();
    throw fromMongo(error);
  }
}

/** For everything that works on a store without being a server: without feed and sweep. */
export async function connect(url: string, { log, uidLimit }: MongoOptions): Promise<Connection> {
  const client = clientOf(url);
  try {
    const parts = await partsOf(client, log);
    const abilities = await askAbilities(client, parts.db);
    log.debug({ event: 'storage', abilities }, 'connected to the store');
    return { ...parts, abilities, uidLimit: uidLimit ?? largestUid, log };
  } catch (error) {
    await client.close();
    throw isLoginRefused(error)
      ? new PermanentError(
          'MongoDB refuses the login in the setting store. Check its user name, password and authSource.',
          {
            cause: error,
          },
        )
      : fromMongo(error);
  }
}

/** What hangs on one client; a connection that takes another client takes them with it. */
async function partsOf(client: MongoClient, log: Log): Promise<Omit<Connection, 'abilities' | 'uidLimit' | 'log'>> {
  const heartbeats = watchHeartbeats(client, log);
  await inTime(client.connect());
  const db = databaseOf(client);
  return { ...collectionsOf(db), client, db, bucket: bucketOf(db), heartbeats };
}

/** Gives the connection a new client when the one that it has does not watch its servers any more. What waits for the old one is told. */
function renewWhenStuck(connection: Connection, url: string): { stop(): Promise<void> } {
  let renewing: Promise<void> | null = null;
  async function renew(server: string): Promise<void> {
    const fresh = clientOf(url);
    try {
      const parts = await partsOf(fresh, connection.log);
      const { client } = connection;
      Object.assign(connection, parts);
      connection.log.warn({ event: 'storage', server }, 'the connection to the store hung and was made anew');
      await inTime(client.close());
    } catch (error) {
      if (connection.client !== fresh) await inTime(fresh.close()).catch(() => undefined);
      connection.log.warn(
        { event: 'storage', err: error },
        'the connection to the store hangs and cannot be made anew yet',
      );
    }
  }
  const timer = setInterval(() => {
    const server = connection.heartbeats.stuck();
    if (server !== null) renewing ??= renew(server).finally(() => (renewing = null));
  }, heartbeatLookMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await renewing;
    },
  };
}

/**
 * A connection string that the driver takes.
 * @throws PermanentError with what is wrong
 */
export function checkMongoUrl(url: string): void {
  void clientOf(url);
}

function clientOf(url: string): MongoClient {
  try {
    return new MongoClient(url, clientOptionsFor(url));
  } catch (error) {
    throw notAUrl(url, error);
  }
}

function notAUrl(url: string, error: unknown): PermanentError {
  const text = 'The setting store is no MongoDB connection string';
  // The driver's text may quote the password, and causes are logged.
  if (!(error instanceof Error) || !mayTell(url, error)) return new PermanentError(`${text}. ${usage}`);
  return new PermanentError(`${text} (${error.message}). ${usage}`, { cause: error });
}

const usage =
  'Use for example mongodb://host1,host2,host3/lazaretto?replicaSet=rs0; signs other than letters and digits in a password are written ' +
  'as %XX, an @ as %40.';

/**
 * The driver's message may quote a part of the connection string, and what it takes for a host or a value is part of the password when that is
 * written wrongly. Only names of options may come back.
 */
function mayTell(url: string, error: Error): boolean {
  const said = error.message.toLowerCase();
  const parts = url
    .toLowerCase()
    .replace(/^[a-z+]+:\/\//, '')
    .replace(/[?&][a-z]+=/g, ' ')
    .split(/[\s:/@?&=,%#]+/);
  return !parts.some((part) => part && said.includes(part));
}

function databaseOf(client: MongoClient): Db {
  // The driver's own default for a URL without a database; nobody keeps mail there on purpose.
  const named = client.db();
  return named.databaseName === 'test' ? client.db(defaultDatabase) : named;
}

function isLoginRefused(error: unknown): boolean {
  return error instanceof MongoServerError && (error.code === 18 || error.code === 13);
}

/** @throws PermanentError the store is not ours to use */
async function prepare({ store }: Connection): Promise<void> {
  if (await store.findOne({ _id: 'copy' })) throw new PermanentError(unfinishedCopy);
  const schema = await store.findOne({ _id: 'schema' });
  if ((schema?.version ?? 0) > schemaVersion)
    throw new PermanentError('A newer version of Lazaretto wrote this store. Use that version, or a newer one.');
  await insertFirst(() => store.insertOne({ _id: 'schema', version: schemaVersion }));
  await insertFirst(() => store.insertOne({ _id: 'numbers', uidValidity: Math.floor(Date.now() / 1000) }));
}

/** Of several processes that open a new store at once, one is first. */
async function insertFirst(insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  }
}
