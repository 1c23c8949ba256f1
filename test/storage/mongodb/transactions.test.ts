// What the MongoDB driver does with a transaction, command by command, against a server whose answers are written down: which test servers
// have none. That a real replica set keeps its side is for scripts/mongodb/replica-set.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { StaleError, TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Log } from '../../../src/quarantine/ports.ts';
import { askAbilities } from '../../../src/storage/mongodb/abilities.ts';
import { inTransaction } from '../../../src/storage/mongodb/connection.ts';
import type { Connection } from '../../../src/storage/mongodb/connection.ts';
import { fromMongo } from '../../../src/storage/mongodb/errors.ts';
import { connect } from '../../../src/storage/mongodb/open.ts';
import { scriptedServer } from './scripted-server.ts';
import type { Answer, Command } from './scripted-server.ts';

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const conflict = {
  ok: 0,
  code: 112,
  codeName: 'WriteConflict',
  errmsg: 'conflict',
  errorLabels: ['TransientTransactionError'],
};
const steppedDown = { ok: 0, code: 10107, codeName: 'NotWritablePrimary', errmsg: 'not primary' };

/** A connection to a server that answers like this once it was asked what it can do; `received` holds what came after that. */
async function connected(t: TestContext, answer: Answer): Promise<{ connection: Connection; received: Command[] }> {
  let isOpen = false;
  const server = await scriptedServer((name, command) => (isOpen ? answer(name, command) : empty(name)));
  t.after(() => server.close());
  const connection = await connect(server.url, { log });
  t.after(() => connection.client.close());
  assert.deepEqual(connection.abilities, { transactions: true, changeStreams: true });
  isOpen = true;
  server.received.length = 0;
  return { connection, received: server.received };
}

/** What an empty database answers. */
const empty = (name: string): object =>
  ['find', 'aggregate', 'getMore'].includes(name)
    ? { cursor: { id: 0n, ns: 'lazaretto.store', [name === 'getMore' ? 'nextBatch' : 'firstBatch']: [] } }
    : {};

/** Two conditional updates together; StaleError when one of them met nothing. */
async function changeTwo(connection: Connection): Promise<void> {
  await inTransaction(connection, async ({ session }) => {
    const update = (id: string): object => ({
      updateOne: { filter: { _id: id, revision: 0 }, update: { $set: { revision: 1 } } },
    });
    const { matchedCount } = await connection.messages.bulkWrite([update('a'), update('b')] as never, {
      ordered: false,
      ...(session && { session }),
    });
    if (matchedCount < 2) throw new StaleError();
  });
}

const lengthOf = (updates: unknown): number => (Array.isArray(updates) ? updates.length : 0);

const names = (received: readonly Command[]): string[] =>
  received.map((command) => Object.keys(command)[0] ?? '').filter((name) => name !== 'endSessions');

test('changes that go together are one transaction, confirmed by a majority within a limit', async (t) => {
  const { connection, received } = await connected(t, (name) => (name === 'update' ? { n: 2, nModified: 2 } : {}));
  await changeTwo(connection);
  assert.deepEqual(names(received), ['update', 'commitTransaction']);
  const [update, commit] = received;
  assert.equal(lengthOf(update?.updates), 2);
  const { startTransaction, autocommit, ordered, readConcern, writeConcern } = update ?? {};
  assert.deepEqual(
    { startTransaction, autocommit, ordered, readConcern, writeConcern },
    // A write concern of its own would be refused: it is that of the commit which counts.
    {
      startTransaction: true,
      autocommit: false,
      ordered: false,
      readConcern: { level: 'majority' },
      writeConcern: undefined,
    },
  );
  assert.deepEqual(commit?.writeConcern, { w: 'majority', wtimeout: 20_000, j: true });
  assert.equal(commit?.maxTimeMS, 20_000);
});

test('a change that is out of date takes back the others, and nothing is tried again', async (t) => {
  const { connection, received } = await connected(t, (name) => (name === 'update' ? { n: 1, nModified: 1 } : {}));
  await assert.rejects(changeTwo(connection), StaleError);
  assert.deepEqual(names(received), ['update', 'abortTransaction']);
});

test('a write conflict repeats the whole transaction under a new number', async (t) => {
  let updates = 0;
  const { connection, received } = await connected(t, (name) =>
    name === 'update' ? (++updates === 1 ? conflict : { n: 2, nModified: 2 }) : {},
  );
  await changeTwo(connection);
  assert.deepEqual(names(received), ['update', 'abortTransaction', 'update', 'commitTransaction']);
  const [first, , second] = received;
  assert.equal(lengthOf(second?.updates), 2);
  assert.equal(Number(second?.txnNumber), Number(first?.txnNumber) + 1);
});

test('a commit that finds its primary gone is asked for again, not the changes', async (t) => {
  let commits = 0;
  const { connection, received } = await connected(t, (name) =>
    name === 'update'
      ? { n: 2, nModified: 2 }
      : name === 'commitTransaction' && ++commits === 1
        ? {
            ok: 0,
            code: 11600,
            codeName: 'InterruptedAtShutdown',
            errmsg: 'shutting down',
            errorLabels: ['RetryableWriteError'],
          }
        : {},
  );
  await changeTwo(connection);
  assert.deepEqual(names(received), ['update', 'commitTransaction', 'commitTransaction']);
});

test('a commit that no majority confirms in time is given up, as an error that may pass', async (t) => {
  const late = { code: 50, codeName: 'MaxTimeMSExpired', errmsg: 'operation exceeded time limit' };
  const { connection, received } = await connected(t, (name) =>
    name === 'update' ? { n: 2, nModified: 2 } : name === 'commitTransaction' ? { writeConcernError: late } : {},
  );
  await assert.rejects(
    changeTwo(connection).catch((error: unknown) => {
      throw fromMongo(error);
    }),
    TemporaryError,
  );
  assert.deepEqual(names(received), ['update', 'commitTransaction']);
});

test('a transaction that meets nothing but conflicts is given up after a minute', async (t) => {
  const begun = Date.now();
  const { connection, received } = await connected(t, (name) => {
    if (name === 'update') t.mock.timers.setTime(Date.now() + 40_000);
    return name === 'update' ? conflict : {};
  });
  t.mock.timers.enable({ apis: ['Date'], now: begun });
  await assert.rejects(changeTwo(connection), TemporaryError);
  assert.deepEqual(names(received), ['update', 'abortTransaction', 'update', 'abortTransaction']);
});

test('a server that says no is used without transactions and change streams', async (t) => {
  const { connection } = await connected(t, (name) =>
    ['find', 'aggregate'].includes(name)
      ? { ok: 0, code: 20, errmsg: 'Transaction numbers are only allowed on a replica set member or mongos' }
      : {},
  );
  const abilities = await askAbilities(connection.client, connection.db);
  assert.deepEqual(abilities, { transactions: false, changeStreams: false });
});

test('a server that cannot say just now is asked again by the next start, and not taken for one without them', async (t) => {
  for (const asked of ['find', 'aggregate']) {
    const { connection } = await connected(t, (name) => (name === asked ? steppedDown : empty(name)));
    await assert.rejects(askAbilities(connection.client, connection.db), /not primary/);
  }
});
