// What only a replica set can prove: transactions, write conflicts, a primary that goes away. Where TEST_MONGODB_URL names a server without
// these, the tests are listed by name as not run. They change primaries: never point them at a deployment that somebody uses. Run by
// `npm run test:mongodb`.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { Db } from 'mongodb';
import { StaleError, TemporaryError } from '../../src/quarantine/errors.ts';
import type { Message } from '../../src/quarantine/message.ts';
import type { Change, Log, Storage } from '../../src/quarantine/ports.ts';
import type { Connection } from '../../src/storage/mongodb/connection.ts';
import { commit } from '../../src/storage/mongodb/messages.ts';
import { connect, openMongo } from '../../src/storage/mongodb/open.ts';
import { createSequences } from '../../src/storage/mongodb/sequences.ts';
import { changesSince, openedMailbox } from '../../test/helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage } from '../../test/helpers/messages.ts';
import { alice, exampleCom, global } from '../../test/storage/contract/store.ts';
import { startLoad } from './load.ts';
import { canStepDown, stepDown } from './step-down.ts';
import { testDatabase } from './test-database.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const client = new MongoClient(process.env.TEST_MONGODB_URL ?? '');

interface Store {
  url: string;
  open(): Promise<Storage>;
}

type Need = 'transactions' | 'a primary that can step down';

const tests: { title: string; needs: Need; run: (store: Store) => Promise<void> }[] = [
  {
    title: 'of changes that one commit makes none is done when another process was faster with one of them',
    needs: 'transactions',
    run: oneIsStale,
  },
  {
    title: 'a commit that meets the transaction of another waits for it, and is done',
    needs: 'transactions',
    run: conflict,
  },
  {
    title: 'ten thousand messages are changed by one transaction, or by none of it',
    needs: 'transactions',
    run: tenThousand,
  },
  {
    title:
      'while primaries step down under load nothing that was answered is lost, and nothing appears below what was seen',
    needs: 'a primary that can step down',
    run: steppingDown,
  },
  {
    title: 'a session of another process hears of everything that is committed before and after a primary steps down',
    needs: 'a primary that can step down',
    run: notices,
  },
];

const offered = await offers();

describe('a replica set', () => {
  after(() => client.close());
  const left = tests.filter(({ needs }) => !offered.has(needs));
  for (const { title, run } of tests.filter((each) => !left.includes(each)))
    test(title, { timeout: 300_000 }, () => withStore(run));
  if (left.length)
    test('tests that are not run, because this server does not have what they need', (t) => {
      for (const { title, needs } of left)
        t.diagnostic(`not run, this server has no ${needs.replace(/^an? /, '')}: ${title}`);
    });
});

async function offers(): Promise<Set<Need>> {
  const { url } = testDatabase();
  const { abilities, client: asking } = await connect(url, { log });
  await asking.close();
  const needs: Need[] = [];
  if (abilities.transactions) needs.push('transactions');
  if (await canStepDown(client)) needs.push('a primary that can step down');
  return new Set(needs);
}

async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
  const { url, drop } = testDatabase();
  const opened: Storage[] = [];
  try {
    await run({
      url,
      async open() {
        const storage = await openMongo(url, { log, sweepMs: 500 });
        opened.push(storage);
        return storage;
      },
    });
  } finally {
    await Promise.all(opened.map((storage) => storage.close()));
    await drop();
  }
}

const seen = (before: Message): Change => ({
  before,
  after: { ...before, flags: { ...before.flags, user: ['\\Seen'] } },
});

/** A connection as the driver has it, whose first write to messages waits for something else to be done. */
async function connected(url: string, beforeFirstWrite: () => Promise<unknown>): Promise<Connection> {
  const connection = await connect(`${url}${url.includes('?') ? '&' : '?'}monitorCommands=true`, { log });
  let waitFor = beforeFirstWrite;
  const messages = new Proxy(connection.messages, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (name !== 'bulkWrite') return Reflect.apply(member, target, args);
        const waited = waitFor();
        waitFor = () => Promise.resolve();
        return waited.then((): unknown => Reflect.apply(member, target, args));
      };
    },
  });
  return { ...connection, messages };
}

async function oneIsStale({ url, open }: Store): Promise<void> {
  const storage = await open();
  const messages = [await insertMessage(storage), await insertMessage(storage), await insertMessage(storage)];
  const [first, second, third] = messages;
  assert.ok(first && second && third);
  let afterwards: unknown;
  const connection = await connected(url, async () => {
    await storage.commit([{ before: third, after: { ...third, marks: ['$Released'] } }]);
    afterwards = await changesSince(storage, alice, 'caught', 0);
  });
  try {
    const writing = { connection, sequences: createSequences(connection) };
    await assert.rejects(commit(writing, messages.map(seen), undefined), StaleError);
  } finally {
    await connection.client.close();
  }
  assert.ok(afterwards, 'nothing was written');
  for (const message of [first, second]) assert.deepEqual(await storage.worker.get(message.id), message);
  assert.deepEqual(await changesSince(storage, alice, 'caught', 0), afterwards, 'a number was taken');
}

async function conflict({ url, open }: Store): Promise<void> {
  const storage = await open();
  const messages = [await insertMessage(storage), await insertMessage(storage)];
  const connection = await connected(url, () => Promise.resolve());
  const other = client.startSession();
  try {
    other.startTransaction();
    const held = client.db(connection.db.databaseName).collection<{ _id: string }>('messages');
    await held.updateOne({ _id: messages[1]?.id ?? '' }, { $set: { heldByTheTest: true } }, { session: other });
    const abortedOnce = new Promise<void>((resolve) =>
      connection.client.on('commandSucceeded', ({ commandName }) => {
        if (commandName === 'abortTransaction') resolve();
      }),
    );
    const committed = commit({ connection, sequences: createSequences(connection) }, messages.map(seen), undefined);
    await Promise.race([abortedOnce, committed]);
    await other.abortTransaction();
    const { result } = await committed;
    await abortedOnce;
    assert.deepEqual(
      result.messages.map(({ revision }) => revision),
      [1, 1],
    );
    assert.equal((await storage.mailboxStatus(alice, 'caught')).unseen, 0);
  } finally {
    await other.endSession();
    await connection.client.close();
  }
}

async function tenThousand({ url, open }: Store): Promise<void> {
  const storage = await open();
  const content = newContent();
  const messages = Array.from({ length: 10_000 }, () => newMessage({ content }));
  const outcomes = await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
  const stored = outcomes.flatMap((outcome) => ('stored' in outcome ? [outcome.stored] : []));
  const last = stored.at(-1);
  assert.ok(last);
  const connection = await connected(url, () =>
    storage.commit([{ before: last, after: { ...last, marks: ['$Released'] } }]),
  );
  try {
    const writing = { connection, sequences: createSequences(connection) };
    await assert.rejects(commit(writing, stored.map(seen), undefined), StaleError);
  } finally {
    await connection.client.close();
  }
  assert.equal((await storage.mailboxStatus(alice, 'caught')).unseen, 10_000);
  const now = await storage.worker.get(last.id);
  assert.ok(now);
  await storage.commit([...stored.slice(0, -1), now].map(seen));
  assert.equal((await storage.mailboxStatus(alice, 'caught')).unseen, 0);
}

async function steppingDown({ url, open }: Store): Promise<void> {
  const load = startLoad([await open(), await open()]);
  for (let times = 0; times < 3; times++) {
    await load.more(100);
    await stepDown(client);
  }
  await load.more(100);
  await load.stop();

  const storage = await open();
  const db = client.db(databaseOf(url));
  await everythingIsNumbered(db);
  for (const id of load.stored) assert.ok(await storage.worker.get(id), `${id} was answered and is not there`);
  const { uids } = await openedMailbox(storage, global, 'caught');
  assert.equal(uids.length, await db.collection('messages').countDocuments());
  const taken = load.groups.flatMap(({ firstUid }) =>
    firstUid === null ? [] : [firstUid, firstUid + 1, firstUid + 2],
  );
  assert.equal(new Set(taken).size, taken.length, 'a UID of the drop folder was given twice');
  const { transactions } = await askedOf(url);
  for (const { category, ids, firstUid } of load.groups) {
    const found = await storage.find(global, { ids });
    const done = found.filter((message) => message.category === category).length;
    if (firstUid !== null) assert.equal(done, 3, `${category} was answered and ${done} of 3 are done`);
    else if (transactions)
      assert.ok(done === 0 || done === 3, `of ${category}, which was not answered, ${done} of 3 are done`);
  }
}

async function askedOf(url: string): Promise<Connection['abilities']> {
  const { abilities, client: asking } = await connect(url, { log });
  await asking.close();
  return abilities;
}

/** What writers that were told to try again have left is numbered by the sweep. */
async function everythingIsNumbered(db: Db): Promise<void> {
  const unnumbered = { $or: [{ domainUnnumbered: { $exists: true } }, { globalUnnumbered: { $exists: true } }] };
  while (await db.collection('messages').countDocuments(unnumbered)) await wait(100);
}

function databaseOf(url: string): string {
  return new MongoClient(url).options.dbName;
}

/** The listener asks only when it is told, so that a notice that is lost leaves it waiting for ever. */
async function notices({ open }: Store): Promise<void> {
  const [writing, listening] = [await open(), await open()];
  const known = new Set<number>();
  let since = (await openedMailbox(listening, exampleCom, 'caught')).modseq;
  let count = 0;
  let reached: () => void = silent;
  let reading = Promise.resolve();
  const stop = listening.watch(() => {
    reading = reading.then(async () => {
      const changes = await untilAnswered(() => changesSince(listening, exampleCom, 'caught', since));
      for (const { uid } of changes.shown) known.add(uid);
      since = changes.modseq;
      if (known.size >= count) reached();
    });
  });
  try {
    for (let times = 0; times < 3; times++) {
      if (times) await stepDown(client);
      for (let i = 0; i < 20; i++) await insertInTheEnd(writing);
      count = (await untilAnswered(() => openedMailbox(writing, exampleCom, 'caught'))).uids.length;
      await reading;
      if (known.size < count) await new Promise<void>((resolve) => (reached = resolve));
      assert.equal(known.size, count);
    }
  } finally {
    stop();
  }
}

/** Under the same id again and again, so that it is there once. */
async function insertInTheEnd(storage: Storage): Promise<void> {
  const content = newContent();
  const messages = [newMessage({ content })];
  await untilAnswered(() => storage.insert({ content, messages, skipKnown: false }, arrivedAt));
}

async function untilAnswered<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
    }
  }
}
