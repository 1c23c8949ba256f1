// What the model test found, one story each: a process dies, or stands still, at the worst moment, and others have to deal with what it has
// left. Run by `npm run test:mongodb`.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, afterEach, describe, test } from 'node:test';
import { StaleError } from '../../src/quarantine/errors.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { collectionsOf } from '../../src/storage/mongodb/connection.ts';
import type { Connection } from '../../src/storage/mongodb/connection.ts';
import { connect } from '../../src/storage/mongodb/open.ts';
import { openedMailbox } from '../../test/helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage } from '../../test/helpers/messages.ts';
import { seededRandom } from '../../test/helpers/seeded-random.ts';
import { buried, change, flagged, hiddenFrom, removed } from '../../test/storage/contract/changes.ts';
import { alice, exampleCom, global } from '../../test/storage/contract/store.ts';
import type { TakeTurn } from './stepped-collections.ts';
import { openStepped } from './stepped-storage.ts';

const server = process.env.TEST_MONGODB_URL;
if (!server) throw new Error('TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

describe('a process that dies at the worst moment', () => {
  let shared: Connection;
  let store: Connection;
  before(async () => {
    shared = await connect(server, { log });
  });
  after(() => shared.client.close());
  beforeEach(async () => {
    const db = shared.client.db(`lazaretto_test_${randomBytes(6).toString('hex')}`);
    store = { ...shared, ...collectionsOf(db), db };
    await store.store.insertOne({ _id: 'numbers', uidValidity: 1_000_000 });
  });
  afterEach(async () => void (await store.db.dropDatabase()));

  const open = (turn: TakeTurn = (_, run) => run()): Storage =>
    openStepped(store, { turn, random: seededRandom(1), interference: {} }).storage;

  /** A process that gets as far as the first operation of this name; `stopped` resolves when it is there. */
  function dyingAt(name: string): { storage: Storage; stopped: Promise<void> } {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const turn: TakeTurn = (operation, run) => {
      if (!operation.startsWith(name)) return run();
      resolve();
      return new Promise(() => undefined);
    };
    return { storage: open(turn), stopped };
  }

  /** Stores a message without a number. */
  async function leaveUnnumbered(): Promise<{ id: string; arrival: Parameters<Storage['insert']>[0] }> {
    const content = newContent();
    const message = newMessage({ content });
    const arrival = { content, messages: [message], skipKnown: false };
    const { storage, stopped } = dyingAt('sequences update');
    void storage.insert(arrival, arrivedAt);
    await stopped;
    return { id: message.id, arrival };
  }

  test('leaves a message without a number: whoever changes its flags or removes it gives it one first', async () => {
    const { id } = await leaveUnnumbered();
    const storage = open();
    assert.deepEqual((await openedMailbox(storage, alice, 'caught')).uids, []);
    await change(storage, id, flagged('user', '\\Seen'));
    const { uids, firstUnseenUid } = await openedMailbox(storage, alice, 'caught');
    assert.deepEqual([uids, firstUnseenUid], [[1], null]);
    const other = await leaveUnnumbered();
    await change(storage, other.id, removed());
    for (const scope of [alice, exampleCom, global])
      assert.deepEqual((await openedMailbox(storage, scope, 'caught')).uids, [1], 'the other one is removed');
  });

  for (const skipKnown of [false, true])
    test(`leaves a message without a number: when it is sent again ${skipKnown ? 'as an import ' : ''}and answered, it is shown`, async () => {
      const { arrival } = await leaveUnnumbered();
      const storage = open();
      assert.deepEqual(await storage.insert({ ...arrival, skipKnown }, arrivedAt), [{ known: true }]);
      for (const scope of [alice, exampleCom, global])
        assert.deepEqual((await openedMailbox(storage, scope, 'caught')).uids, [1]);
    });

  test('leaves UIDNEXT behind: readers raise it for all who see the message, though it is being hidden from one of them', async () => {
    const { storage: writer, stopped } = dyingAt('mailboxes');
    void insertMessage(writer, { id: 'hidden' });
    await stopped;
    const hiding = dyingAt('sequences update');
    void change(hiding.storage, 'hidden', hiddenFrom('user'));
    await hiding.stopped;
    const { uids, uidNext } = await openedMailbox(open(), alice, 'caught');
    assert.deepEqual([uids, uidNext], [[1], 2], 'it is hidden from nobody before that has its number');
  });

  test('is no reason for an error of ours: a change of a message that was forgotten meanwhile is stale', async () => {
    const storage = open();
    const [first, second] = [await insertMessage(storage), await insertMessage(storage)];
    const changes = [first, second].map((before) => ({ before, after: flagged('user', 'work')(before) }));
    // Both are read as they were, then one is forgotten.
    const { promise: read, resolve } = Promise.withResolvers<void>();
    const { promise: go, resolve: goOn } = Promise.withResolvers<void>();
    const slow = open(async (name, run) => {
      if (name.startsWith('messages update')) {
        resolve();
        await go;
      }
      return run();
    });
    const committed = slow.commit(changes);
    await read;
    const tombstone = await change(storage, second.id, (message) => buried(removed()(message)));
    assert.equal(await storage.worker.forget([tombstone]), 1);
    goOn();
    await assert.rejects(committed, StaleError);
    const [listed] = await storage.list(alice, 'caught', [{ from: 1, to: 9 }]);
    assert.deepEqual(listed?.flags, ['work'], 'what was written of it is shown');
  });
});
