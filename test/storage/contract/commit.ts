// Contract: commit. All or nothing, based on what was read, and exactly one of two rivals wins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StaleError, TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Message } from '../../../src/quarantine/message.ts';
import type { Change } from '../../../src/quarantine/ports.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { alice, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const seen = (before: Message): Change => ({
  before,
  after: { ...before, flags: { ...before.flags, user: ['\\Seen'] } },
});

export function commitContract(open: OpenStore): void {
  test(
    'a change is there after a restart, and answers the message as it is stored',
    withStore(open, async ({ storage, reopen }) => {
      const before = await insertMessage(storage);
      const { messages } = await storage.commit([seen(before)]);
      assert.deepEqual(messages, [{ ...before, flags: { ...before.flags, user: ['\\Seen'] }, revision: 1 }]);
      await storage.close();
      const again = await reopen();
      assert.deepEqual(await again.worker.get(before.id), messages[0]);
      assert.deepEqual((await again.list(alice, 'caught', [{ from: 1, to: 1 }]))[0]?.flags, ['\\Seen']);
    }),
  );

  test(
    'one change that is out of date undoes all the others of its commit, and no UID is used up',
    withStore(open, async ({ storage, transactions = true }) => {
      const messages = [await insertMessage(storage), await insertMessage(storage), await insertMessage(storage)];
      const [, second] = messages;
      assert.ok(second);
      await storage.commit([seen(second)]);
      const feed = await changesSince(storage, alice, 'caught', 0);
      const drop = { scope: alice, mailbox: 'Release', count: 3 };
      await assert.rejects(storage.commit(messages.map(seen), drop), StaleError);
      if (!transactions) return;
      assert.deepEqual(await changesSince(storage, alice, 'caught', 0), feed);
      assert.equal((await storage.dropStatus(alice, 'Release')).uidNext, 1);
      for (const message of messages)
        if (message !== second) assert.deepEqual(await storage.worker.get(message.id), message);
    }),
  );

  test(
    'a change of a message that is not there any more is out of date',
    withStore(open, async ({ storage }) => {
      const before: Message = { ...newMessage(), revision: 0 };
      await assert.rejects(storage.commit([seen(before)]), StaleError);
    }),
  );

  test(
    'the same message twice in one commit is out of date with itself',
    withStore(open, async ({ storage }) => {
      const before = await insertMessage(storage);
      await assert.rejects(storage.commit([seen(before), seen(before)]), StaleError);
      assert.deepEqual(await storage.worker.get(before.id), before);
    }),
  );

  test(
    'of many who change the same message at once exactly one succeeds',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      const before = await insertMessage(storage);
      const rivals = Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? storage : other).commit([{ before, after: { ...before, category: `by ${i}` } }]),
      );
      const outcomes = await Promise.allSettled(rivals);
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value.messages : []));
      assert.equal(won.length, 1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof StaleError, String(outcome.reason));
      assert.deepEqual(await storage.worker.get(before.id), won[0]);
      assert.deepEqual(await other.worker.get(before.id), won[0]);
    }),
  );

  test(
    'ten thousand messages are changed by one commit, or by none of it',
    withStore(open, async ({ storage, transactions = true }) => {
      const content = newContent();
      const messages = Array.from({ length: 10_000 }, () => newMessage({ content }));
      const inserted = await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
      const changes = inserted.map((outcome) => {
        assert.ok('stored' in outcome);
        return seen(outcome.stored);
      });
      const last = changes.at(-1);
      assert.ok(last);
      if (transactions) {
        const stale = { before: { ...last.before, revision: 7 }, after: last.after };
        await assert.rejects(storage.commit([...changes.slice(0, -1), stale]), StaleError);
        assert.equal((await storage.mailboxStatus(alice, 'caught')).unseen, 10_000);
      }
      const result = await storage.commit(changes);
      assert.equal(result.messages.length, 10_000);
      assert.deepEqual(await storage.worker.get(last.before.id), result.messages.at(-1));
      const status = await storage.mailboxStatus(alice, 'caught');
      assert.deepEqual([status.messages, status.unseen], [10_000, 0]);
    }),
  );

  test(
    'a message never changes its owner, its view or its content',
    withStore(open, async ({ storage }) => {
      const before = await insertMessage(storage);
      const forbidden: Partial<Message>[] = [
        { owner: ownerOf('bob@example.com') },
        { owner: ownerOf('example.com') },
        { view: 'training' },
        { digest: 'f'.repeat(64) },
      ];
      for (const change of forbidden)
        await assert.rejects(storage.commit([{ before, after: { ...before, ...change } }]));
      assert.deepEqual(await storage.worker.get(before.id), before);
      assert.deepEqual((await openedMailbox(storage, exampleCom, 'caught')).uids, [1]);
    }),
  );

  test(
    'what a worker notes down about its attempt is stored and disturbs no open mailbox',
    withStore(open, async ({ storage }) => {
      const before = await insertMessage(storage);
      const state = await changesSince(storage, alice, 'caught', 0);
      const report = { verdict: 'spam' as const, orderedAt: 1, orderedBy: 'cli', cause: 'CLI' as const, targets: {} };
      const { messages } = await storage.commit([{ before, after: { ...before, report } }]);
      assert.equal(messages[0]?.revision, 1);
      assert.deepEqual(await storage.worker.get(before.id), { ...before, report, revision: 1 });
      assert.deepEqual(await changesSince(storage, alice, 'caught', 0), state);
    }),
  );

  test(
    'a commit without changes does nothing and is no error',
    withStore(open, async ({ storage }) => {
      assert.deepEqual(await storage.commit([]), { messages: [] });
    }),
  );

  test(
    'what was asked for before the storage is closed is done, what comes later is told to try again',
    withStore(open, async ({ storage, reopen }) => {
      const before = await insertMessage(storage);
      const asked = [insertMessage(storage), insertMessage(storage), storage.commit([seen(before)])];
      const closed = storage.close();
      await assert.rejects(insertMessage(storage), TemporaryError);
      await assert.rejects(openedMailbox(storage, global, 'caught'), TemporaryError);
      await Promise.all(asked);
      await Promise.all([closed, storage.close()]);
      const again = await reopen();
      const status = await again.mailboxStatus(alice, 'caught');
      assert.deepEqual([status.messages, status.unseen], [3, 2]);
    }),
  );
}
