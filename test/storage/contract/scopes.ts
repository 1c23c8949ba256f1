// Contract: nobody reads what is not theirs, whatever they ask for and by whatever name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audience, isWithin } from '../../../src/quarantine/message.ts';
import type { Message, View } from '../../../src/quarantine/message.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import { loginName, scopeOfLogin } from '../../../src/quarantine/scope.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { back, change } from './changes.ts';
import { alice, bob, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const views: View[] = ['caught', 'outgoing', 'training', 'notices', 'reports'];
/** Also names that are nearly the same: longer, shorter, with SQL and pattern characters. */
const logins = [
  'global',
  'example.com',
  'alice@example.com',
  'bob@example.com',
  'alice@example.org',
  'example.org',
  'xample.com',
  'alice@sub.example.com',
  '%@example.com',
  'alic_@example.com',
];
const everything = [{ from: 1, to: 4_294_967_295 }];

export function scopeContract(open: OpenStore): void {
  test(
    'no login finds a message of another user, another domain or another role, by UID, id, digest, likeness, content, reading or words',
    withStore(open, async ({ storage }) => {
      const messages = await storeOneOfEach(storage);
      for (const login of logins) {
        const scope = scopeOfLogin(login);
        const own = messages.filter((message) => isWithin(scope, message.owner, message.view));
        assert.ok(own.length > 0 && own.length < messages.length);
        await checkSearch(storage, { scope, messages, own });
        await checkContents(storage, { scope, messages, own });
        for (const view of views) await checkMailbox(storage, { scope, view, own });
      }
    }),
  );

  test(
    'a login that has nothing sees nothing',
    withStore(open, async ({ storage }) => {
      const messages = await storeOneOfEach(storage);
      for (const login of ['nobody@example.com', 'example.net', 'alice@example.net', 'com', '@example.com', '']) {
        const scope: Scope = login === '' ? { role: 'domain', domain: '' } : scopeOfLogin(login);
        if (login !== '')
          await checkSearch(storage, {
            scope,
            messages,
            own: messages.filter((m) => isWithin(scope, m.owner, m.view)),
          });
        for (const view of views) {
          const { uids } = await openedMailbox(storage, scope, view);
          const { shown } = await changesSince(storage, scope, view, 0);
          assert.deepEqual([uids, shown], [[], []], `${login} ${view}`);
        }
      }
    }),
  );

  test(
    'a notice is seen by the one login that it was written to',
    withStore(open, async ({ storage }) => {
      const readers = [global, exampleCom, alice, bob];
      for (const scope of readers) {
        const content = newContent(`Subject: to ${loginName(scope)}\r\n\r\n`);
        const { id } = await insertMessage(storage, { content, view: 'notices', owner: ownerOf(loginName(scope)) });
        await change(storage, id, back());
      }
      for (const scope of readers) {
        const listed = await storage.list(scope, 'notices', everything);
        const { gone } = await changesSince(storage, scope, 'notices', 0);
        assert.equal(gone.length, 1, "that another login's notice came back is nobody else's business");
        const readings = await storage.readings(
          scope,
          listed.map(({ id }) => id),
        );
        assert.deepEqual(
          readings.map((reading) => reading?.summary.subject),
          [`to ${loginName(scope)}`],
        );
      }
    }),
  );

  test(
    'a message hidden from a login is not in its mailbox, but it is still its own to search for and to read',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const message = newMessage({ content, visibleTo: ['global', 'domain'] });
      await storage.insert({ content, messages: [message], skipKnown: false }, arrivedAt);
      assert.deepEqual((await openedMailbox(storage, alice, 'caught')).uids, []);
      assert.deepEqual(await storage.messagesByUid(alice, 'caught', [1]), []);
      assert.equal((await storage.find(alice, { digests: [content.digest] })).length, 1);
      assert.deepEqual(await storage.content(alice, message.id), content.bytes);
    }),
  );

  test(
    'a message shown to a role that must not see it is not shown',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const all = ['global', 'domain', 'user'] as const;
      const messages = [
        newMessage({ content, view: 'outgoing', visibleTo: [...all] }),
        newMessage({ content, view: 'notices', visibleTo: [...all] }),
        newMessage({ content, view: 'notices', owner: ownerOf('example.com'), visibleTo: [...all] }),
      ];
      await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
      const shown = async (scope: Scope, view: View): Promise<number> =>
        (await openedMailbox(storage, scope, view)).uids.length +
        (await changesSince(storage, scope, view, 0)).shown.length;
      assert.equal(await shown(alice, 'outgoing'), 0);
      assert.equal(await shown(exampleCom, 'outgoing'), 2);
      assert.equal(await shown(global, 'notices'), 0);
      assert.equal(await shown(exampleCom, 'notices'), 2);
      assert.equal(await shown(alice, 'notices'), 2);
    }),
  );
}

/** One message for each login and view, all with the same bytes, so that digest and likeness lead to every one of them. */
async function storeOneOfEach(storage: Storage): Promise<Message[]> {
  const content = newContent('Message-ID: <same@remote.example>\r\nSubject: the same for all\r\n\r\nBody\r\n');
  const messages = logins.flatMap((login) => views.map((view) => newMessage({ content, view, owner: ownerOf(login) })));
  const outcomes = await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
  return outcomes.map((outcome) => {
    assert.ok('stored' in outcome);
    return outcome.stored;
  });
}

interface Expected {
  scope: Scope;
  messages: Message[];
  own: Message[];
}

async function checkSearch(storage: Storage, { scope, messages, own }: Expected): Promise<void> {
  const [any] = messages;
  assert.ok(any);
  const find = async (query: Parameters<Storage['find']>[1]): Promise<string[]> =>
    (await storage.find(scope, { which: 'all', limit: 1000, ...query })).map(({ id }) => id).sort();
  const expected = (messagesOf: Message[]): string[] => messagesOf.map(({ id }) => id).sort();
  const who = loginName(scope);
  assert.deepEqual(await find({}), expected(own), who);
  assert.deepEqual(await find({ ids: messages.map(({ id }) => id) }), expected(own), who);
  assert.deepEqual(await find({ digests: [any.digest] }), expected(own), who);
  assert.deepEqual(await find({ likeness: any.likeness }), expected(own), who);
  assert.deepEqual(await find({ text: 'the same for all' }), expected(own), who);
  assert.deepEqual(
    await find({ owner: 'bob@example.com' }),
    expected(own.filter(({ owner }) => owner.address === 'bob@example.com')),
    who,
  );
  assert.deepEqual(
    await find({ domain: 'example.com' }),
    expected(own.filter(({ owner }) => owner.domain === 'example.com')),
    who,
  );
  for (const view of views)
    assert.deepEqual(
      await find({ view, digests: [any.digest] }),
      expected(own.filter((message) => message.view === view)),
      who,
    );
}

async function checkContents(storage: Storage, { scope, messages, own }: Expected): Promise<void> {
  const readings = await storage.readings(
    scope,
    messages.map(({ id }) => id),
  );
  for (const [i, message] of messages.entries()) {
    const isOwn = own.includes(message);
    assert.equal(readings[i] !== null, isOwn);
    assert.equal((await storage.content(scope, message.id)) !== null, isOwn);
  }
}

async function checkMailbox(
  storage: Storage,
  { scope, view, own }: { scope: Scope; view: View; own: Message[] },
): Promise<void> {
  const shown = own.filter((message) => message.view === view && audience(view, message.owner).includes(scope.role));
  const ids = shown.map(({ id }) => id);
  const listed = await storage.list(scope, view, everything);
  assert.deepEqual(
    listed.map(({ id }) => id),
    ids,
    `${loginName(scope)} ${view}`,
  );
  const { uids } = await openedMailbox(storage, scope, view);
  assert.equal(uids.length, ids.length);
  assert.equal((await storage.mailboxStatus(scope, view)).messages, ids.length);
  const changes = await changesSince(storage, scope, view, 0);
  assert.deepEqual(
    changes.shown.map(({ uid }) => uid),
    uids,
  );
  for (const text of ['', 'the same for all']) {
    const found = await storage.search(scope, view, { kind: 'text', text });
    assert.deepEqual(found && [...found], uids);
  }
  // Not even numbers: what belongs to others is not announced as gone either.
  const ownUnseen = own.filter((message) => message.view === view && !shown.includes(message));
  assert.ok(changes.gone.length <= ownUnseen.length);
  const byUid = await storage.messagesByUid(
    scope,
    view,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assert.deepEqual(
    byUid.map(({ message }) => message.id),
    ids,
  );
}
