// Contract: the store as a whole. How much is in it, and what a restored one needs before it is served again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankDomain } from '../../../src/quarantine/domains.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import { insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { buried, change, removed } from './changes.ts';
import { alice, carol, exampleCom, exampleOrg, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

export function upkeepContract(open: OpenStore): void {
  test(
    'counts messages by view and by what became of them, contents once, domains and logins',
    withStore(open, async ({ storage }) => {
      const none = { held: 0, left: 0, tombstones: 0 };
      const empty = await storage.upkeep.stats();
      assert.deepEqual(empty.messages, { caught: none, outgoing: none, training: none, notices: none, reports: none });
      assert.deepEqual(empty.contents, { count: 0, bytes: 0 });
      const shared = newContent();
      const bob = newMessage({ content: shared, owner: ownerOf('bob@example.com') });
      await storage.insert({ content: shared, messages: [newMessage({ content: shared }), bob], skipKnown: false }, 1);
      const own = newContent();
      await insertMessage(storage, { content: own, view: 'outgoing' });
      const left = await insertMessage(storage);
      await change(storage, left.id, removed());
      const gone = await insertMessage(storage);
      await change(storage, gone.id, removed());
      await change(storage, gone.id, buried);
      await storage.domains.put(blankDomain('example.com', 'mx'));
      for (const name of ['global', 'example.com'])
        await storage.accounts.put({ name, passwordHash: 'x', createdAt: 1 });
      const stats = await storage.upkeep.stats();
      assert.deepEqual(stats.messages, {
        caught: { held: 2, left: 1, tombstones: 1 },
        outgoing: { held: 1, left: 0, tombstones: 0 },
        training: none,
        notices: none,
        reports: none,
      });
      const bytes = [shared.bytes.length, own.bytes.length, left.sizeBytes, gone.sizeBytes].reduce((a, b) => a + b);
      assert.deepEqual(stats.contents, { count: 4, bytes });
      assert.deepEqual([stats.domains, stats.accounts], [1, 2]);
      assert.ok(stats.diskBytes === null || stats.diskBytes > 0);
    }),
  );

  test(
    'a store that was restored says so, to every process and after a restart, until it is settled',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      assert.equal(await storage.upkeep.isRestored(), false);
      await storage.upkeep.settled();
      await storage.upkeep.markRestored();
      await storage.upkeep.markRestored();
      assert.equal(await other.upkeep.isRestored(), true);
      assert.equal(await (await reopen()).upkeep.isRestored(), true);
      await other.upkeep.settled();
      assert.equal(await storage.upkeep.isRestored(), false);
      await storage.upkeep.markRestored();
      assert.equal(await storage.upkeep.isRestored(), true);
    }),
  );

  test(
    'raising UIDVALIDITY gives one that was never used to mailboxes and drop folders, used and unused, and keeps the mail',
    withStore(open, async ({ storage, reopen }) => {
      const { id } = await insertMessage(storage);
      await storage.commit([], { scope: alice, mailbox: 'Release', count: 3 });
      const before = await validities(storage);
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      await storage.upkeep.raiseUidValidity();
      const once = await validities(storage);
      assert.ok(Math.min(...once) > Math.max(...before), `${before.join(' ')}: ${once.join(' ')}`);
      await storage.upkeep.raiseUidValidity();
      const other = await reopen();
      const twice = await validities(other);
      assert.ok(Math.min(...twice) > Math.max(...once));
      // A domain that nobody had used yet.
      await insertMessage(other, { owner: ownerOf('carol@example.org') });
      assert.deepEqual(await validities(storage), twice);
      const { uids, uidNext } = await openedMailbox(storage, alice, 'caught');
      assert.ok(uids.length === 1 && uids.every((uid) => uid > 0 && uid < uidNext));
      const [found] = await storage.messagesByUid(alice, 'caught', uids);
      assert.equal(found?.message.id, id);
      const changes = await changesSince(storage, alice, 'caught', modseq);
      assert.equal(changes.uidValidity, twice[0], 'an open session learns that its UIDs mean nothing any more');
      const { drop } = await storage.commit([], { scope: alice, mailbox: 'Release', count: 1 });
      assert.ok((drop?.uidValidity ?? 0) >= Math.max(...twice));
    }),
  );

  test(
    'listeners are told of a new UIDVALIDITY, also those of other processes',
    withStore(open, async ({ storage, reopen }) => {
      await insertMessage(storage);
      const told = [storage, await reopen()].map((each) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const stop = each.watch((keys) => {
          if (keys === 'all' || (keys.has('') && keys.has('example.com'))) resolve();
        });
        return promise.finally(stop);
      });
      await storage.upkeep.raiseUidValidity();
      await Promise.all(told);
    }),
  );
}

async function validities(storage: Storage): Promise<number[]> {
  const scopes: Scope[] = [alice, exampleCom, global, exampleOrg, carol];
  const states = await Promise.all([
    ...scopes.map((scope) => openedMailbox(storage, scope, 'caught')),
    ...scopes.map((scope) => storage.mailboxStatus(scope, 'outgoing')),
    ...scopes.map((scope) => storage.dropStatus(scope, 'Release')),
  ]);
  return states.map(({ uidValidity }) => uidValidity);
}
