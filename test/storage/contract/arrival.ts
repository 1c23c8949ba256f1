// Contract: arrival. What was accepted is there, complete, once, and after a restart.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openedMailbox } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { alice, bob, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

export function arrivalContract(open: OpenStore): void {
  test(
    'a message that was accepted is there after a restart, with its bytes and its reading',
    withStore(open, async ({ storage, reopen }) => {
      const content = newContent();
      const stored = await insertMessage(storage, { content });
      await storage.close();
      const again = await reopen();
      assert.deepEqual(await again.worker.get(stored.id), stored);
      assert.deepEqual(await again.content(alice, stored.id), content.bytes);
      assert.deepEqual(await again.readings(alice, [stored.id]), [content.reading]);
    }),
  );

  test(
    'whatever bytes a message has come back unchanged: none at all, NUL, bare CR and LF, no header, 8-bit',
    withStore(open, async ({ storage }) => {
      const sources = [
        Buffer.alloc(0),
        Buffer.from('\0'),
        Buffer.from('\r\n'),
        Buffer.from('Subject: a\n\rb\0c\r\r\n\n', 'latin1'),
        Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
        Buffer.from('Subject: Grüße\r\n\r\n\ud83d\ude00', 'utf8'),
      ];
      for (const source of sources) {
        const content = newContent(source);
        const { id } = await insertMessage(storage, { content });
        assert.deepEqual(await storage.content(alice, id), source);
        assert.deepEqual(await storage.worker.contentOf(id), source);
        assert.deepEqual(await storage.readings(alice, [id]), [content.reading]);
      }
    }),
  );

  test(
    'any part of a large message can be read on its own',
    withStore(open, async ({ storage }) => {
      const bytes = randomBytes(1_000_003);
      const { id } = await insertMessage(storage, { content: newContent(bytes) });
      const ends = [0, 1, 65_536, 262_143, 262_144, 262_145, 524_288, 786_433, 1_000_002, 1_000_003];
      for (const start of ends) {
        assert.deepEqual(await storage.content(alice, id, start), bytes.subarray(start), `from ${start}`);
        for (const end of ends.filter((each) => each >= start))
          assert.deepEqual(await storage.content(alice, id, start, end), bytes.subarray(start, end), `${start}-${end}`);
      }
      // RFC 9051 section 6.4.5: a partial fetch that reaches beyond the end is cut, one that begins there is empty.
      assert.deepEqual(await storage.content(alice, id, 1_000_000, 2_000_000), bytes.subarray(1_000_000));
      assert.deepEqual(await storage.content(alice, id, 2_000_000, 3_000_000), Buffer.alloc(0));
    }),
  );

  test(
    'a message of 50 MB comes back byte for byte',
    withStore(open, async ({ storage }) => {
      const bytes = Buffer.concat([Buffer.from('Subject: large\r\n\r\n'), randomBytes(50 * 1024 * 1024)]);
      const { id } = await insertMessage(storage, { content: newContent(bytes) });
      const read = await storage.content(alice, id);
      assert.ok(read?.equals(bytes));
      assert.ok(
        await storage
          .content(alice, id, 40_000_000, 40_000_500)
          .then((part) => part?.equals(bytes.subarray(40_000_000, 40_000_500))),
      );
    }),
  );

  test(
    'the buffer that a message was stored from still belongs to the caller',
    withStore(open, async ({ storage }) => {
      const content = newContent(Buffer.alloc(1_000_000, 'x'));
      await insertMessage(storage, { content });
      await storage.keepContent(content, arrivedAt);
      assert.equal(content.bytes.length, 1_000_000);
      assert.ok(content.bytes.every((byte) => byte === 0x78));
    }),
  );

  test(
    'a mail to many recipients is stored once and is a message of its own for each of them',
    withStore(open, async ({ storage }) => {
      const content = newContent(randomBytes(100_000));
      const logins = Array.from({ length: 50 }, (_, i) => `user${i}@example.com`);
      const messages = logins.map((login) => newMessage({ content, owner: ownerOf(login) }));
      const outcome = await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
      assert.deepEqual(
        outcome,
        messages.map((message) => ({ stored: { ...message, revision: 0 } })),
      );
      assert.equal((await openedMailbox(storage, exampleCom, 'caught')).uids.length, 50);
      for (const { id } of messages) assert.deepEqual(await storage.worker.contentOf(id), content.bytes);
      const later = arrivedAt + 10_000;
      const found = await storage.find(global, { digests: [content.digest] });
      await storage.commit(found.map((before) => ({ before, after: { ...before, contentReleased: true } })));
      await storage.worker.purgeContents(later, 0);
      assert.deepEqual(await storage.worker.purgeContents(later + 1, 0), { marked: 0, deleted: 1, bytes: 100_000 });
    }),
  );

  test(
    'an import that is repeated stores nothing twice, not even what was removed or forgotten but for its name',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const at = (login: string, more = {}) => newMessage({ content, owner: ownerOf(login), ...more });
      const importing = (...messages: ReturnType<typeof newMessage>[]) =>
        storage.insert({ content, messages, skipKnown: true }, arrivedAt);
      const held = await insertMessage(storage, { content, owner: ownerOf('alice@example.com') });
      const removed = await insertMessage(storage, { content, owner: ownerOf('bob@example.com') });
      const tombstone = await insertMessage(storage, { content, owner: ownerOf('carol@example.org') });
      const gone = { visibleTo: [], removed: { at: arrivedAt, why: 'deleted' as const, by: 'global' } };
      await storage.commit([
        { before: removed, after: { ...removed, ...gone } },
        { before: tombstone, after: { ...tombstone, ...gone, contentReleased: true } },
      ]);
      const known = { known: true };
      assert.deepEqual(await importing(at('alice@example.com'), at('bob@example.com'), at('carol@example.org')), [
        known,
        known,
        known,
      ]);
      const others = [
        at('dora@example.com'),
        at('alice@example.com', { view: 'training' }),
        at('alice@example.com', { envelope: { sender: 'x@remote.example', recipients: ['alice+list@example.com'] } }),
      ];
      const outcome = await importing(...others, at('dora@example.com'));
      assert.deepEqual(
        outcome.map((each) => ('stored' in each ? each.stored.id : 'known')),
        [...others.map(({ id }) => id), 'known'],
      );
      const [again] = await storage.insert(
        { content, messages: [at('alice@example.com')], skipKnown: false },
        arrivedAt,
      );
      assert.ok(again && 'stored' in again, 'without skipKnown everything is stored');
      assert.deepEqual(await storage.worker.get(held.id), held);
    }),
  );

  test(
    'a write that is repeated after a crash adds nothing, even when its text differs by now',
    withStore(open, async ({ storage }) => {
      const first = await insertMessage(storage, { id: 'x-failed-1', view: 'notices' });
      const later = newContent('Subject: the same notice\r\n\r\nwritten a second later\r\n');
      const repeated = newMessage({ id: 'x-failed-1', view: 'notices', content: later });
      assert.deepEqual(await storage.insert({ content: later, messages: [repeated], skipKnown: false }, arrivedAt), [
        { known: true },
      ]);
      assert.deepEqual(await storage.worker.get('x-failed-1'), first);
      assert.equal((await openedMailbox(storage, alice, 'notices')).uids.length, 1);
    }),
  );

  test(
    'a message that does not belong to the bytes it came with is not stored, nor are the others of that mail',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const messages = [newMessage({ content }), newMessage({ content: newContent('Subject: another\r\n\r\n') })];
      await assert.rejects(storage.insert({ content, messages, skipKnown: false }, arrivedAt));
      assert.deepEqual((await openedMailbox(storage, alice, 'caught')).uids, []);
      assert.deepEqual(await storage.find(global, { which: 'all' }), []);
    }),
  );

  test(
    'messages keep what they carry: null sender, evidence, odd characters in addresses, job times with fractions',
    withStore(open, async ({ storage }) => {
      const stored = await insertMessage(storage, {
        owner: ownerOf('bob@example.com'),
        envelope: { sender: '', recipients: ['"b\\"o b"@example.com', 'jürgen@exämple.com'] },
        category: 'virus',
        evidence: {
          category: 'virus',
          score: 12.5,
          symbols: ['A', 'B'],
          headers: [{ name: 'X-Spam', value: 'ye\0s' }],
        },
        internalDate: 0,
        delivery: {
          holding: 1,
          orderedAt: arrivedAt,
          orderedBy: 'cli',
          cause: 'CLI',
          state: 'due',
          recipients: [{ address: 'bob@example.com', state: 'pending' }],
          attempts: 6,
          nextAttemptAt: arrivedAt + 10_251_562.5,
          lastDelayMs: 10_251_562.5,
          lease: null,
        },
      });
      assert.deepEqual(await storage.worker.get(stored.id), stored);
      assert.deepEqual(await storage.messagesByUid(bob, 'caught', [1]), [{ uid: 1, message: stored }]);
    }),
  );
}
