// Contract: search by what a message is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/quarantine/message.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { buried, change, hiddenFrom, removed } from './changes.ts';
import { alice, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const idsOf = (messages: readonly Message[]): string[] => messages.map(({ id }) => id);

export function findContract(open: OpenStore): void {
  test(
    'what was stored last comes first, a hundred at most unless more are asked for',
    withStore(open, async ({ storage }) => {
      const ids: string[] = [];
      for (let i = 0; i < 6; i++) {
        const content = newContent();
        const messages = Array.from({ length: 25 }, () => newMessage({ content }));
        await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
        ids.unshift(...idsOf(messages.map((message) => ({ ...message, revision: 0 }))).reverse());
      }
      for (const scope of [global, exampleCom, alice]) {
        assert.deepEqual(idsOf(await storage.find(scope, {})), ids.slice(0, 100));
        assert.deepEqual(idsOf(await storage.find(scope, { limit: 3 })), ids.slice(0, 3));
        assert.deepEqual(idsOf(await storage.find(scope, { limit: 1000 })), ids);
      }
      assert.deepEqual(idsOf(await storage.find(global, { limit: Infinity })), ids);
      assert.deepEqual(idsOf(await storage.find(alice, { ids: [...ids].reverse() })), ids, 'asked by id, all of them');
    }),
  );

  test(
    'held means shown to anybody; all remembers what left, down to tombstones',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const make = async (): Promise<string> => (await insertMessage(storage, { content })).id;
      const [held, hidden, gone, tombstone] = [await make(), await make(), await make(), await make()];
      await change(storage, hidden, hiddenFrom('user'));
      await change(storage, gone, removed());
      await change(storage, tombstone, removed());
      await change(storage, tombstone, buried);
      for (const scope of [global, exampleCom, alice]) {
        const query = { digests: [content.digest] };
        assert.deepEqual(idsOf(await storage.find(scope, query)), [hidden, held]);
        assert.deepEqual(idsOf(await storage.find(scope, { ...query, which: 'held' })), [hidden, held]);
        assert.deepEqual(idsOf(await storage.find(scope, { ...query, which: 'all' })), [tombstone, gone, hidden, held]);
        assert.deepEqual(idsOf(await storage.find(scope, { ids: [gone] })), []);
        assert.deepEqual(idsOf(await storage.find(scope, { ids: [gone], which: 'all' })), [gone]);
      }
    }),
  );

  test(
    'likeness finds the same Message-ID, From, Date and Subject, and nothing for mail without a Message-ID',
    withStore(open, async ({ storage }) => {
      const header = 'Message-ID: <a@remote.example>\r\nFrom: a@remote.example\r\n';
      const first = await insertMessage(storage, { content: newContent(`${header}Subject: one\r\n\r\n1`) });
      const same = await insertMessage(storage, { content: newContent(`${header}Subject: one\r\n\r\nanother body`) });
      await insertMessage(storage, { content: newContent(`${header}Subject: two\r\n\r\n1`) });
      const without = await insertMessage(storage, { content: newContent('Subject: one\r\n\r\n1') });
      assert.equal(without.likeness, '');
      assert.deepEqual(idsOf(await storage.find(alice, { likeness: first.likeness })), [same.id, first.id]);
      assert.deepEqual(await storage.find(alice, { likeness: '' }), []);
    }),
  );

  test(
    'text is looked for in sender, recipients and subject, whatever the case',
    withStore(open, async ({ storage }) => {
      const content = newContent('Subject: =?utf-8?Q?GR=C3=9CSSE_100%_aus_K=C3=B6ln?=\r\n\r\nhidden words\r\n');
      const { id } = await insertMessage(storage, {
        content,
        owner: ownerOf('bob@example.com'),
        envelope: { sender: 'Bounce_1@List.Example', recipients: ['Bob@example.com', 'second@example.com'] },
      });
      await insertMessage(storage);
      for (const text of ['grüsse', 'KÖLN', '100%', 'bounce_1@', 'list.example', 'bob@EXAMPLE', 'SECOND@'])
        assert.deepEqual(idsOf(await storage.find(global, { text, domain: 'example.com' })), [id], text);
      for (const text of ['hidden words', 'bounce%', '_00%', 'köln?'])
        assert.deepEqual(await storage.find(global, { text }), [], text);
    }),
  );

  test(
    'a rare word is found in a large store, and conditions hold together',
    withStore(open, async ({ storage }) => {
      const rare = await insertMessage(storage, { content: newContent('Subject: needle\r\n\r\n') });
      const content = newContent();
      const many = Array.from({ length: 2500 }, (_, i) =>
        newMessage({ content, owner: ownerOf(i % 2 ? 'alice@example.com' : 'carol@example.org') }),
      );
      await storage.insert({ content, messages: many, skipKnown: false }, arrivedAt);
      assert.deepEqual(idsOf(await storage.find(global, { text: 'needle' })), [rare.id]);
      assert.deepEqual(idsOf(await storage.find(alice, { text: 'needle', limit: 1 })), [rare.id]);
      assert.deepEqual(await storage.find(global, { text: 'needle', domain: 'example.org' }), []);
      assert.deepEqual(await storage.find(global, { owner: 'carol@example.org', domain: 'example.com' }), []);
      assert.equal((await storage.find(global, { owner: 'carol@example.org', limit: 5000 })).length, 1250);
      assert.deepEqual(await storage.find(global, { view: 'training' }), []);
    }),
  );

  test(
    'an empty list of ids or digests finds nothing',
    withStore(open, async ({ storage }) => {
      await insertMessage(storage);
      assert.deepEqual(await storage.find(global, { ids: [] }), []);
      assert.deepEqual(await storage.find(global, { digests: [] }), []);
      assert.deepEqual(await storage.readings(global, []), []);
      assert.deepEqual(await storage.readings(global, ['unknown']), [null]);
      assert.equal(await storage.content(global, 'unknown'), null);
      assert.equal(await storage.worker.get('unknown'), null);
      assert.equal(await storage.worker.contentOf('unknown'), null);
    }),
  );
}
