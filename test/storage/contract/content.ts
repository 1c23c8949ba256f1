// Contract: contents live as long as a message refers to them, and an hour longer. Nothing that arrives is ever without its bytes.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Message } from '../../../src/quarantine/message.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import { arrivedAt, insertMessage, newContent, newMessage } from '../../helpers/messages.ts';
import { buried, change, removed } from './changes.ts';
import { alice, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const hour = 3_600_000;
const nothing = { marked: 0, deleted: 0, bytes: 0 };
const purge = (storage: Storage, hours: number) => storage.worker.purgeContents(arrivedAt + hours * hour, hour);

async function bury(storage: Storage, { id }: Message): Promise<Message> {
  await change(storage, id, removed());
  return change(storage, id, buried);
}

export function contentContract(open: OpenStore): void {
  test(
    'a content without messages is marked after an hour and deleted an hour later',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const message = await insertMessage(storage, { content });
      const kept = await insertMessage(storage);
      const tombstone = await bury(storage, message);
      assert.deepEqual(await purge(storage, 0.9), nothing, 'it was used less than an hour ago');
      assert.deepEqual(await purge(storage, 1.1), { ...nothing, marked: 1 });
      assert.deepEqual(await purge(storage, 2), nothing, 'it was marked less than an hour ago');
      assert.deepEqual(await purge(storage, 2.2), { marked: 0, deleted: 1, bytes: content.bytes.length });
      assert.deepEqual(await purge(storage, 99), nothing);
      assert.equal(await storage.worker.contentOf(message.id), null);
      assert.deepEqual(await storage.worker.get(message.id), tombstone, 'the tombstone stays');
      assert.ok(await storage.worker.contentOf(kept.id));
    }),
  );

  test(
    'a tombstone has no content and no reading, even while the bytes are still there',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const other = await insertMessage(storage, { content });
      const message = await insertMessage(storage, { content });
      await bury(storage, message);
      assert.equal(await storage.content(alice, message.id), null);
      assert.deepEqual(await storage.readings(alice, [message.id, other.id]), [null, content.reading]);
      assert.equal(await storage.worker.contentOf(message.id), null);
      assert.deepEqual(await storage.content(alice, other.id), content.bytes);
    }),
  );

  test(
    'a content is kept as long as any message refers to it',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const first = await insertMessage(storage, { content });
      const second = await insertMessage(storage, { content });
      await bury(storage, first);
      assert.deepEqual(await purge(storage, 10), nothing);
      await change(storage, second.id, removed());
      assert.deepEqual(await purge(storage, 20), nothing, 'what left its view can be restored');
      assert.deepEqual(await storage.worker.contentOf(second.id), content.bytes);
      await change(storage, second.id, buried);
      assert.equal((await purge(storage, 30)).marked, 1);
      assert.equal((await purge(storage, 40)).deleted, 1);
    }),
  );

  test(
    'mail with the same bytes that arrives after the mark saves the content',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      await bury(storage, await insertMessage(storage, { content }));
      assert.equal((await purge(storage, 2)).marked, 1);
      const again = await insertMessage(storage, { content, receivedAt: arrivedAt + 2.5 * hour });
      assert.deepEqual(await purge(storage, 4), nothing);
      assert.deepEqual(await storage.worker.contentOf(again.id), content.bytes);
      await bury(storage, again);
      assert.deepEqual(await purge(storage, 4.1), { ...nothing, marked: 1 }, 'the old mark is not taken for a new one');
      assert.deepEqual(await purge(storage, 4.2), nothing);
    }),
  );

  test(
    'a content that is kept for a message to come is not deleted before that message is there',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const tombstone = await bury(storage, await insertMessage(storage, { content }));
      assert.equal((await purge(storage, 2)).marked, 1);
      await storage.keepContent(content, arrivedAt + 3 * hour);
      assert.deepEqual(await purge(storage, 3.9), nothing);
      const { messages } = await storage.commit([
        { before: tombstone, after: { ...tombstone, contentReleased: false } },
      ]);
      assert.deepEqual(await purge(storage, 9), nothing);
      assert.deepEqual(await storage.worker.contentOf(tombstone.id), content.bytes);
      assert.equal(messages[0]?.contentReleased, false);
    }),
  );

  test(
    'a mark from before a message referred to a content again counts no more',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const tombstone = await bury(storage, await insertMessage(storage, { content }));
      assert.equal((await purge(storage, 2)).marked, 1);
      const { messages } = await storage.commit([
        { before: tombstone, after: { ...tombstone, contentReleased: false } },
      ]);
      assert.ok(messages[0]);
      await storage.commit([{ before: messages[0], after: buried(messages[0]) }]);
      assert.deepEqual(await purge(storage, 4), { ...nothing, marked: 1 });
      assert.deepEqual(await purge(storage, 4.5), nothing);
      assert.equal((await purge(storage, 5.1)).deleted, 1);
    }),
  );

  test(
    'a content that was deleted comes back with keepContent, and not without it',
    withStore(open, async ({ storage }) => {
      const content = newContent(randomBytes(600_000));
      const tombstone = await bury(storage, await insertMessage(storage, { content }));
      await purge(storage, 2);
      assert.equal((await purge(storage, 4)).deleted, 1);
      const again = { before: tombstone, after: { ...tombstone, contentReleased: false } };
      await assert.rejects(storage.commit([again]), TemporaryError);
      assert.deepEqual(await storage.worker.get(tombstone.id), tombstone);
      await storage.keepContent(content, arrivedAt + 4 * hour);
      await storage.commit([again]);
      assert.deepEqual(await storage.worker.contentOf(tombstone.id), content.bytes);
      assert.deepEqual(await storage.readings(alice, [tombstone.id]), [content.reading]);
    }),
  );

  test(
    'a content that is kept for nobody goes like any other',
    withStore(open, async ({ storage }) => {
      await storage.keepContent(newContent('Subject: for nobody\r\n\r\n'), arrivedAt);
      assert.deepEqual(await purge(storage, 0.5), nothing);
      assert.equal((await purge(storage, 2)).marked, 1);
      assert.equal((await purge(storage, 4)).deleted, 1);
    }),
  );

  test(
    'a purge that is cut short is completed by the next',
    withStore(open, async ({ storage }) => {
      await storage.keepContent(newContent(), arrivedAt);
      const cut = (hours: number) => storage.worker.purgeContents(arrivedAt + hours * hour, hour, AbortSignal.abort());
      assert.deepEqual(await cut(2), nothing);
      assert.equal((await purge(storage, 2)).marked, 1);
      assert.deepEqual(await cut(4), nothing);
      assert.equal((await purge(storage, 4)).deleted, 1);
    }),
  );

  test(
    'a reading that a newer version made replaces the older one',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const { id } = await insertMessage(storage, { content });
      const version = (more: number) => ({
        ...content.reading,
        version: content.reading.version + more,
        preview: `v${more}`,
      });
      await storage.keepContent({ ...content, reading: version(1) }, arrivedAt);
      assert.deepEqual(await storage.readings(alice, [id]), [version(1)]);
      await storage.keepContent({ ...content, reading: version(0) }, arrivedAt);
      assert.deepEqual(await storage.readings(alice, [id]), [version(1)]);
    }),
  );

  test(
    'however arrivals and purges meet, no message is ever without its bytes',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      // Large enough to be deleted in several steps.
      const content = newContent(randomBytes(3_000_000));
      let now = arrivedAt;
      for (let round = 0; round < 15; round++) {
        // No grace at all: the worst that a purge may be asked for.
        const purges = [storage, other].flatMap((each) => [
          each.worker.purgeContents(++now, 0),
          each.worker.purgeContents(++now, 0),
        ]);
        const message = newMessage({ content });
        const arriving = (round % 2 ? storage : other).insert(
          { content, messages: [message], skipKnown: false },
          ++now,
        );
        purges.push(other.worker.purgeContents(++now, 0), storage.worker.purgeContents(++now, 0));
        const [outcome] = await arriving;
        assert.ok(outcome && 'stored' in outcome);
        assert.ok((await storage.worker.contentOf(message.id))?.equals(content.bytes), `round ${round}`);
        await Promise.all(purges);
        assert.ok((await other.worker.contentOf(message.id))?.equals(content.bytes), `round ${round}`);
        await bury(storage, outcome.stored);
      }
    }),
  );
}
