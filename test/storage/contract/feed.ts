// Contract: the change feed. A client that applies it, whenever it likes, always has what the mailbox has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audience } from '../../../src/quarantine/message.ts';
import type { Message, View } from '../../../src/quarantine/message.ts';
import type { Change, Storage } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import type { SeededRandom } from '../../helpers/seeded-random.ts';
import { back, buried, change, flagged, hiddenFrom, removed } from './changes.ts';
import { alice, bob, carol, exampleCom, exampleOrg, global, withStore } from './store.ts';
import type { OpenStore, TestStore } from './store.ts';

export function feedContract(open: OpenStore): void {
  test(
    'flags and marks that change are announced, each role with its own flags and all with our marks',
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage);
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      await change(storage, id, (message) => ({
        ...message,
        flags: { global: [], domain: ['\\Flagged'], user: ['\\Seen', 'work'] },
        marks: ['$Released'],
      }));
      const flags = async (scope: Scope) => (await changesSince(storage, scope, 'caught', modseq)).shown;
      assert.deepEqual(await flags(alice), [{ uid: 1, flags: ['\\Seen', 'work', '$Released'] }]);
      assert.deepEqual(await flags(exampleCom), [{ uid: 1, flags: ['\\Flagged', '$Released'] }]);
      assert.deepEqual(await flags(global), [{ uid: 1, flags: ['$Released'] }]);
      const [listed] = await storage.list(alice, 'caught', [{ from: 1, to: 1 }]);
      assert.deepEqual(listed?.flags, ['\\Seen', 'work', '$Released']);
    }),
  );

  test(
    'where nothing happened there is nothing to tell, however often it is asked',
    withStore(open, async ({ storage }) => {
      await insertMessage(storage);
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      await insertMessage(storage, { view: 'training' });
      await insertMessage(storage, { owner: ownerOf('bob@example.com') });
      const changes = await changesSince(storage, alice, 'caught', modseq);
      assert.deepEqual([changes.shown, changes.gone], [[], []]);
      const again = await changesSince(storage, alice, 'caught', changes.modseq);
      assert.deepEqual(again, { ...changes, shown: [], gone: [] });
    }),
  );

  test(
    'a list asks for as many messages as it likes, in any order of ranges, and gets each once, ascending',
    withStore(open, async ({ storage }) => {
      const ids = [];
      for (let i = 0; i < 10; i++) ids.push((await insertMessage(storage)).id);
      const listed = async (ranges: { from: number; to: number }[], limit?: number) =>
        (await storage.list(alice, 'caught', ranges, limit)).map(({ uid }) => uid);
      assert.deepEqual(
        await listed([
          { from: 8, to: 4_294_967_295 },
          { from: 2, to: 3 },
          { from: 3, to: 4 },
        ]),
        [2, 3, 4, 8, 9, 10],
      );
      assert.deepEqual(
        await listed(
          [
            { from: 5, to: 9 },
            { from: 1, to: 2 },
          ],
          4,
        ),
        [1, 2, 5, 6],
      );
      assert.deepEqual(await listed([{ from: 11, to: 20 }]), []);
      assert.deepEqual(await listed([]), []);
      const [first] = await storage.list(alice, 'caught', [{ from: 1, to: 1 }]);
      const stored = await storage.worker.get(ids[0] ?? '');
      assert.deepEqual(first, {
        uid: 1,
        id: ids[0],
        internalDate: stored?.internalDate,
        sizeBytes: stored?.sizeBytes,
        flags: [],
      });
    }),
  );

  for (const seed of [1, 2, 3]) {
    test(
      `clients that follow the feed at their own pace always have what the mailbox has (seed ${seed})`,
      withStore(open, (store) => followRandomly(store, seededRandom(seed))),
    );
  }
}

interface Client {
  scope: Scope;
  view: View;
  on: Storage;
  since: number;
  /** What it believes to be in the mailbox. */
  messages: Map<number, string[]>;
  highestSeen: number;
}

const owners = ['alice@example.com', 'bob@example.com', 'carol@example.org', 'example.com', 'global'].map(ownerOf);
const views = ['caught', 'outgoing', 'notices'] as const;

/** Random mail and random changes on two storages; after each step some of the clients catch up, at the end all of them. */
async function followRandomly({ storage, reopen }: TestStore, random: SeededRandom): Promise<void> {
  const storages = [storage, await reopen()];
  const clients = [global, exampleCom, exampleOrg, alice, bob, carol].flatMap((scope) =>
    views.map((view): Client => ({
      scope,
      view,
      on: random.pick(storages),
      since: 0,
      messages: new Map(),
      highestSeen: 0,
    })),
  );
  const ids: string[] = [];
  for (let step = 0; step < 150; step++) {
    await doSomething(random.pick(storages), random, ids);
    for (const client of clients) if (random.between(0, 9) === 0) await catchUp(client);
  }
  for (const client of clients) await catchUp(client);
  assert.ok(
    clients.filter(({ messages }) => messages.size > 0).length > clients.length / 2,
    'most mailboxes ended with mail in them',
  );
}

async function doSomething(storage: Storage, random: SeededRandom, ids: string[]): Promise<void> {
  if (ids.length < 5 || random.between(0, 2) === 0) {
    const content = newContent();
    const messages = Array.from({ length: random.between(1, 3) }, () =>
      newMessage({ content, owner: random.pick(owners), view: random.pick(views) }),
    );
    await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
    ids.push(...messages.map(({ id }) => id));
    return;
  }
  const changes: Change[] = [];
  for (const id of new Set([random.pick(ids), random.pick(ids)])) {
    const before = await storage.worker.get(id);
    if (before) changes.push({ before, after: randomChange(random)(before) });
  }
  const { messages } = await storage.commit(changes);
  if (random.between(0, 4) === 0) await storage.worker.forget(messages);
}

/** Whatever may happen to a message, and sometimes nothing. */
export function randomChange(random: SeededRandom): (message: Message) => Message {
  const role = random.pick(['global', 'domain', 'user'] as const);
  return random.pick([
    flagged(role, '\\Seen'),
    flagged(role),
    (message) => ({ ...message, marks: message.marks.length ? [] : ['$Released'] }),
    hiddenFrom(role),
    removed(),
    back(),
    back(),
    (message) => ({ ...message, visibleTo: audience(message.view, message.owner) }),
    (message) => buried(removed()(message)),
    (message) => ({ ...message, category: 'virus' }),
  ]);
}

async function catchUp(client: Client): Promise<void> {
  const { scope, view, on } = client;
  const changes = await changesSince(on, scope, view, client.since);
  for (const uid of changes.gone) client.messages.delete(uid);
  for (const { uid, flags } of changes.shown) {
    if (!client.messages.has(uid)) {
      assert.ok(uid > client.highestSeen, `UID ${uid} appeared below ${client.highestSeen}`);
      client.highestSeen = uid;
    }
    client.messages.set(uid, flags);
  }
  client.since = changes.modseq;
  const { uids, messages, modseq, uidNext, uidValidity } = await openedMailbox(on, scope, view);
  assert.deepEqual(
    { modseq, uidNext, uidValidity },
    { modseq: changes.modseq, uidNext: changes.uidNext, uidValidity: changes.uidValidity },
  );
  assert.deepEqual(
    [...client.messages.keys()].sort((a, b) => a - b),
    uids,
  );
  assert.ok(uids.every((uid) => uid < uidNext));
  assert.deepEqual(
    messages,
    uids.map((uid) => ({ uid, flags: client.messages.get(uid) })),
  );
  const listed = await on.list(scope, view, [{ from: 1, to: 4_294_967_295 }]);
  assert.deepEqual(
    listed.map(({ uid, flags }) => [uid, flags]),
    uids.map((uid) => [uid, client.messages.get(uid)]),
  );
}
