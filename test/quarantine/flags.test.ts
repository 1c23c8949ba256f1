// STORE and EXPUNGE against a real store: whose flags they are, and from whom a deletion takes the message.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expunge, storeFlags } from '../../src/quarantine/flags.ts';
import type { FlagOrder } from '../../src/quarantine/flags.ts';
import type { Message, View } from '../../src/quarantine/message.ts';
import { orderDelivery } from '../../src/quarantine/orders.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { insertMessage, newContent, newMessage, ownerOf } from '../helpers/messages.ts';
import { openTestQuarantine, testDomain, testNow } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const logins = ['global', 'example.com', 'alice@example.com'];

function store(quarantine: Quarantine, login: string, order: Partial<FlagOrder> = {}) {
  const scope = scopeOfLogin(login);
  return storeFlags(quarantine, { scope, view: 'caught', uids: [1], action: 'add', flags: ['\\Deleted'], ...order });
}

function expungeAs(quarantine: Quarantine, login: string, uids = [1], view: View = 'caught'): Promise<number[]> {
  return expunge(quarantine, { scope: scopeOfLogin(login), view, uids });
}

async function flagsSeenBy({ storage }: TestQuarantine, login: string): Promise<string[] | undefined> {
  const [listed] = await storage.list(scopeOfLogin(login), 'caught', [{ from: 1, to: 1 }]);
  return listed?.flags;
}

async function shownTo(test: TestQuarantine): Promise<string[]> {
  const found: string[] = [];
  for (const login of logins) if (await flagsSeenBy(test, login)) found.push(login);
  return found;
}

async function get({ storage }: TestQuarantine, id: string): Promise<Message> {
  const message = await storage.worker.get(id);
  assert.ok(message);
  return message;
}

describe('flags', () => {
  it('are set, added and removed for the login’s own kind alone', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    await insertMessage(storage);
    const set = { action: 'set' as const, flags: ['\\Seen', 'Urgent'] };
    assert.deepEqual(await store(quarantine, 'example.com', set), [{ uid: 1, flags: ['\\Seen', 'Urgent'] }]);
    await store(quarantine, 'example.com', { action: 'add', flags: ['\\Flagged', '\\Seen'] });
    await store(quarantine, 'example.com', { action: 'remove', flags: ['Urgent', '\\Answered'] });
    assert.deepEqual(await flagsSeenBy(test, 'example.com'), ['\\Seen', '\\Flagged']);
    assert.deepEqual(await flagsSeenBy(test, 'alice@example.com'), []);
    assert.deepEqual(await flagsSeenBy(test, 'global'), []);
  });

  it('leave our own marks alone, and answer with them', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const message = await insertMessage(storage);
    await storage.commit([{ before: message, after: { ...message, marks: ['$Released'] } }]);
    assert.deepEqual(await store(quarantine, 'global', { action: 'set', flags: [] }), [
      { uid: 1, flags: ['$Released'] },
    ]);
    assert.deepEqual(await flagsSeenBy(test, 'alice@example.com'), ['$Released']);
  });

  it('that change nothing are no write, so that no other session hears of them', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const { id } = await insertMessage(storage);
    await store(quarantine, 'global', { flags: ['\\Seen', 'A'] });
    const { revision } = await get(test, id);
    await store(quarantine, 'global', { flags: ['A'] });
    await store(quarantine, 'global', { action: 'set', flags: ['A', '\\Seen'] });
    await store(quarantine, 'global', { action: 'remove', flags: ['B'] });
    assert.equal((await get(test, id)).revision, revision);
  });

  it('have a limit, beyond which nothing is stored', async () => {
    await using test = await openTestQuarantine();
    await insertMessage(test.storage);
    const flags = Array.from({ length: 101 }, (_, i) => `k${i}`);
    await assert.rejects(store(test.quarantine, 'global', { flags }), { code: 'LIMIT' });
    assert.deepEqual(await flagsSeenBy(test, 'global'), []);
  });

  it('of messages that are not shown any more are passed over', async () => {
    await using test = await openTestQuarantine();
    await insertMessage(test.storage, { owner: ownerOf('bob@example.com') });
    assert.deepEqual(await store(test.quarantine, 'alice@example.com', { uids: [1, 7] }), []);
  });

  it('set by two sessions at once are all kept', async () => {
    await using test = await openTestQuarantine();
    await insertMessage(test.storage);
    await Promise.all(['a', 'b', 'c', 'd'].map((flag) => store(test.quarantine, 'global', { flags: [flag] })));
    assert.deepEqual((await flagsSeenBy(test, 'global'))?.toSorted(), ['a', 'b', 'c', 'd']);
  });
});

describe('EXPUNGE', () => {
  it('of a user hides the message from the user, of a domain from the domain login', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const { id } = await insertMessage(storage);
    for (const login of ['alice@example.com', 'example.com']) await store(quarantine, login);
    assert.deepEqual(await expungeAs(quarantine, 'alice@example.com'), [1]);
    assert.deepEqual(await shownTo(test), ['global', 'example.com']);
    assert.deepEqual(await expungeAs(quarantine, 'example.com'), [1]);
    assert.deepEqual(await shownTo(test), ['global']);
    const message = await get(test, id);
    assert.equal(message.removed, null);
    assert.equal(message.report, null);
  });

  it('of global removes for everybody, and what was ordered goes on', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const before = await insertMessage(storage);
    const after = orderDelivery(before, { by: 'alice@example.com', cause: 'COPY', now: testNow });
    await storage.commit([{ before, after }]);
    await store(quarantine, 'global');
    assert.deepEqual(await expungeAs(quarantine, 'global'), [1]);
    assert.deepEqual(await shownTo(test), []);
    const message = await get(test, before.id);
    assert.deepEqual(message.removed, { at: testNow, why: 'deleted', by: 'global' });
    assert.equal(message.delivery?.state, 'due');
  });

  it('of the last who sees a message is its deletion', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const owner = ownerOf('alice@example.com');
    const { id } = await insertMessage(storage, { view: 'notices', owner });
    await store(quarantine, 'alice@example.com', { view: 'notices' });
    assert.deepEqual(await expungeAs(quarantine, 'alice@example.com', [1], 'notices'), [1]);
    assert.equal((await get(test, id)).removed?.why, 'deleted');
  });

  it('takes only what this kind of login marked, and only what it was given', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    for (let i = 0; i < 4; i++) await insertMessage(storage);
    await store(quarantine, 'example.com', { uids: [1] });
    await store(quarantine, 'alice@example.com', { uids: [2, 3] });
    assert.deepEqual(await expungeAs(quarantine, 'alice@example.com', [1, 3, 4, 99]), [3]);
    assert.deepEqual(await expungeAs(quarantine, 'alice@example.com', [1, 2, 3, 4]), [2]);
    assert.deepEqual(await expungeAs(quarantine, 'alice@example.com', [1, 2, 3, 4]), []);
    assert.deepEqual((await openedMailbox(storage, scopeOfLogin('alice@example.com'), 'caught')).uids, [1, 4]);
  });

  it('of a large mailbox opens only what is deleted, and writes it in pieces', async () => {
    const sizes = { opened: 0, commits: [] as number[] };
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        async messagesByUid(scope, view, uids) {
          sizes.opened += uids.length;
          return storage.messagesByUid(scope, view, uids);
        },
        commit(changes, drop) {
          sizes.commits.push(changes.length);
          return storage.commit(changes, drop);
        },
      }),
    });
    const { quarantine, storage } = test;
    const content = newContent();
    const flags = (i: number) => ({ global: i % 4 ? ['\\Deleted'] : [], domain: [], user: [] });
    const messages = Array.from({ length: 2000 }, (_, i) => newMessage({ content, flags: flags(i) }));
    await storage.insert({ content, messages, skipKnown: false }, testNow);
    const { uids } = await openedMailbox(storage, scopeOfLogin('global'), 'caught');
    assert.equal((await expungeAs(quarantine, 'global', uids)).length, 1500);
    assert.deepEqual(sizes, { opened: 1500, commits: [750, 750] });
    assert.equal((await openedMailbox(storage, scopeOfLogin('global'), 'caught')).uids.length, 500);
  });
});

describe('where the quarantine is switched off', () => {
  it('a session that is still open changes and deletes nothing', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const { id } = await insertMessage(storage);
    await store(quarantine, 'alice@example.com');
    await storage.domains.put(testDomain({ quarantineOff: ['alice@example.com'] }));
    await quarantine.domains.refresh();
    assert.deepEqual(await store(quarantine, 'alice@example.com', { flags: ['\\Flagged'] }), []);
    assert.deepEqual(await expungeAs(quarantine, 'alice@example.com'), []);
    const message = await get(test, id);
    assert.deepEqual(message.flags.user, ['\\Deleted']);
    assert.ok(message.visibleTo.includes('user'));
    assert.equal((await store(quarantine, 'example.com')).length, 1);
  });
});
