// Contract: UIDs, UIDNEXT and UIDVALIDITY (RFC 9051 section 2.3.1.1, DESIGN section 5).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Storage } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import { insertMessage, ownerOf } from '../../helpers/messages.ts';
import { back, change, flagged, hiddenFrom, removed } from './changes.ts';
import { alice, bob, exampleCom, exampleOrg, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const uidsOf = async (storage: Storage, scope: Scope, view: 'caught' | 'outgoing' | 'notices' = 'caught') =>
  (await openedMailbox(storage, scope, view)).uids;
const uidNextOf = async (storage: Storage, scope: Scope, view: 'caught' | 'training' | 'outgoing' = 'caught') =>
  (await storage.mailboxStatus(scope, view)).uidNext;

export function uidContract(open: OpenStore): void {
  test(
    'an empty mailbox has a UIDVALIDITY, and it is the same after mail came and after a restart',
    withStore(open, async ({ storage, reopen }) => {
      const before = await openedMailbox(storage, alice, 'caught');
      assert.deepEqual([before.uids, before.uidNext, before.firstUnseenUid], [[], 1, null]);
      assert.ok(before.modseq >= 1);
      assert.ok(Number.isInteger(before.uidValidity) && before.uidValidity > 0 && before.uidValidity < 2 ** 32);
      await insertMessage(storage);
      assert.equal((await openedMailbox(storage, alice, 'caught')).uidValidity, before.uidValidity);
      assert.equal((await storage.mailboxStatus(alice, 'caught')).uidValidity, before.uidValidity);
      await storage.close();
      const after = await openedMailbox(await reopen(), alice, 'caught');
      assert.deepEqual([after.uids, after.uidNext, after.uidValidity], [[1], 2, before.uidValidity]);
    }),
  );

  test(
    'UIDs ascend, and one number is the same message in the mailboxes of a domain and its users',
    withStore(open, async ({ storage }) => {
      const first = await insertMessage(storage, { owner: ownerOf('alice@example.com') });
      const second = await insertMessage(storage, { owner: ownerOf('bob@example.com') });
      await insertMessage(storage, { owner: ownerOf('carol@example.org') });
      const fourth = await insertMessage(storage, { owner: ownerOf('alice@example.com') });
      assert.deepEqual(await uidsOf(storage, global), [1, 2, 3, 4]);
      assert.deepEqual(await uidsOf(storage, exampleCom), [1, 2, 3]);
      assert.deepEqual(await uidsOf(storage, exampleOrg), [1]);
      assert.deepEqual(await uidsOf(storage, alice), [1, 3]);
      assert.deepEqual(await uidsOf(storage, bob), [2]);
      for (const scope of [exampleCom, alice])
        assert.deepEqual(
          (await storage.messagesByUid(scope, 'caught', [3, 1, 3, 99])).map(({ uid, message }) => [uid, message.id]),
          [
            [1, first.id],
            [3, fourth.id],
          ],
        );
      assert.deepEqual(
        (await storage.list(bob, 'caught', [{ from: 1, to: 4_294_967_295 }])).map(({ id }) => id),
        [second.id],
      );
    }),
  );

  test(
    'the next UID of a mailbox moves only when that mailbox gains mail',
    withStore(open, async ({ storage }) => {
      const mine = await insertMessage(storage, { owner: ownerOf('alice@example.com') });
      const after = await uidNextOf(storage, alice);
      assert.equal(after, 2);
      await insertMessage(storage, { owner: ownerOf('bob@example.com') });
      await insertMessage(storage, { owner: ownerOf('alice@example.com'), view: 'training' });
      await insertMessage(storage, { owner: ownerOf('alice@example.com'), view: 'outgoing' });
      await insertMessage(storage, { owner: ownerOf('example.com') });
      await change(storage, mine.id, flagged('user', '\\Seen'));
      await change(storage, mine.id, removed());
      assert.equal(await uidNextOf(storage, alice), after);
      assert.equal(await uidNextOf(storage, exampleCom), 6);
      assert.equal(await uidNextOf(storage, alice, 'training'), 4);
      assert.equal(await uidNextOf(storage, alice, 'outgoing'), 1, 'users do not see outgoing mail');
      await insertMessage(storage, { owner: ownerOf('alice@example.com') });
      assert.equal(await uidNextOf(storage, alice), 7);
    }),
  );

  test(
    'a message that nobody sees takes no UID',
    withStore(open, async ({ storage }) => {
      await insertMessage(storage, { view: 'reports' });
      await insertMessage(storage, { visibleTo: [] });
      await insertMessage(storage, { visibleTo: ['global'] });
      await insertMessage(storage, { owner: ownerOf('global') });
      await insertMessage(storage);
      assert.deepEqual(await uidsOf(storage, global), [1, 2, 3]);
      assert.deepEqual(await uidsOf(storage, exampleCom), [1]);
    }),
  );

  test(
    'a message that comes back has a new UID, and its former ones are announced as gone',
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage);
      await insertMessage(storage);
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      // Comes back while it is still shown, leaves, comes back again.
      await change(storage, id, back());
      const between = await openedMailbox(storage, alice, 'caught');
      await change(storage, id, removed());
      await change(storage, id, back());
      for (const scope of [alice, exampleCom, global]) {
        assert.deepEqual(await uidsOf(storage, scope), [2, 4]);
        const changes = await changesSince(storage, scope, 'caught', modseq);
        assert.deepEqual(changes.gone, [1, 3]);
        assert.deepEqual(
          changes.shown.map(({ uid }) => uid),
          [4],
        );
        assert.equal(changes.uidNext, 5);
        assert.ok((await changesSince(storage, scope, 'caught', between.modseq)).gone.includes(3));
        assert.deepEqual(await storage.messagesByUid(scope, 'caught', [1, 3]), []);
      }
    }),
  );

  test(
    'a message that left while nobody looked is announced as gone under the UID that it had',
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage);
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      await change(storage, id, removed());
      const changes = await changesSince(storage, alice, 'caught', modseq);
      assert.deepEqual([changes.shown, changes.gone, changes.uidNext], [[], [1], 2]);
    }),
  );

  test(
    'a login that begins to see a message late sees it above everything that it knows',
    withStore(open, async ({ storage }) => {
      const hidden = await insertMessage(storage, { visibleTo: ['global'] });
      await insertMessage(storage);
      await change(storage, hidden.id, (message) => ({ ...message, visibleTo: ['global', 'domain'] }));
      assert.deepEqual(await uidsOf(storage, exampleCom), [1, 2]);
      assert.deepEqual(await uidsOf(storage, alice), [1]);
      assert.deepEqual(await uidsOf(storage, global), [1, 2]);
      await insertMessage(storage);
      const { modseq } = await openedMailbox(storage, exampleCom, 'caught');
      await change(storage, hidden.id, (message) => ({ ...message, visibleTo: ['global', 'domain', 'user'] }));
      assert.deepEqual(await uidsOf(storage, alice), [1, 3, 4]);
      assert.deepEqual(await uidsOf(storage, exampleCom), [1, 3, 4]);
      assert.deepEqual((await changesSince(storage, exampleCom, 'caught', modseq)).gone, [2]);
    }),
  );

  test(
    "a message that one login hides keeps its UID in the others' mailboxes",
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage);
      await change(storage, id, hiddenFrom('user'));
      assert.deepEqual(await uidsOf(storage, alice), []);
      assert.deepEqual(await uidsOf(storage, exampleCom), [1]);
      assert.deepEqual(await uidsOf(storage, global), [1]);
    }),
  );

  test(
    'the first unread message is the first without \\Seen for that login',
    withStore(open, async ({ storage }) => {
      const messages = [await insertMessage(storage), await insertMessage(storage), await insertMessage(storage)];
      await change(storage, messages[0]?.id ?? '', flagged('user', '\\Seen', '\\Flagged'));
      await change(storage, messages[1]?.id ?? '', flagged('global', '\\Seen'));
      const firstUnseen = async (scope: Scope) => (await openedMailbox(storage, scope, 'caught')).firstUnseenUid;
      assert.deepEqual([await firstUnseen(alice), await firstUnseen(exampleCom), await firstUnseen(global)], [2, 1, 1]);
      assert.equal((await storage.mailboxStatus(alice, 'caught')).unseen, 2);
      assert.equal((await storage.mailboxStatus(exampleCom, 'caught')).unseen, 3);
    }),
  );

  dropUidContract(open);
  uidValidityContract(open);
}

function dropUidContract(open: OpenStore): void {
  test(
    'a drop folder hands out ascending UIDs of its own and stays empty',
    withStore(open, async ({ storage, reopen }) => {
      const fresh = await storage.dropStatus(alice, 'Release');
      assert.equal(fresh.uidNext, 1);
      assert.ok(fresh.uidValidity > 0);
      const take = async (scope: Scope, mailbox: string, count: number, on = storage) =>
        (await on.commit([], { scope, mailbox, count })).drop;
      const { uidValidity } = fresh;
      assert.deepEqual(await take(alice, 'Release', 3), { uidValidity, firstUid: 1 });
      assert.deepEqual(await take(alice, 'Release', 1), { uidValidity, firstUid: 4 });
      const others = [
        await take(alice, 'Spam', 1),
        await take(exampleCom, 'Release', 1),
        await take(global, 'Release', 1),
      ];
      assert.deepEqual(
        others.map((drop) => drop?.firstUid),
        [1, 1, 1],
      );
      await storage.close();
      const again = await reopen();
      const after = await again.dropStatus(alice, 'Release');
      assert.deepEqual([after.uidNext, after.uidValidity], [5, uidValidity]);
      assert.deepEqual(await take(alice, 'Release', 1, again), { uidValidity, firstUid: 5 });
    }),
  );

  test(
    'drops made at the same moment share no UID',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      const taken = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          (i % 2 ? storage : other).commit([], { scope: alice, mailbox: 'Release', count: 2 }),
        ),
      );
      const first = taken.map(({ drop }) => drop?.firstUid ?? 0).sort((a, b) => a - b);
      assert.deepEqual(
        first,
        Array.from({ length: 30 }, (_, i) => 2 * i + 1),
      );
    }),
  );
}

function uidValidityContract(open: OpenStore): void {
  const limited = { uidLimit: 20 };

  test(
    'before UIDs run out, what is shown is numbered anew under a higher UIDVALIDITY',
    withStore(
      open,
      async ({ storage, reopen }) => {
        const kept = [
          await insertMessage(storage),
          await insertMessage(storage, { owner: ownerOf('bob@example.com') }),
        ];
        const began = await openedMailbox(storage, exampleCom, 'caught');
        let validity = began.uidValidity;
        let changes = 0;
        for (let i = 0; i < 60; i++) {
          const message = await insertMessage(storage);
          const { uids, uidNext, uidValidity } = await openedMailbox(storage, exampleCom, 'caught');
          assert.ok(
            uids.every((uid) => uid >= 1 && uid <= 20),
            String(uids),
          );
          assert.equal(uidNext, (uids.at(-1) ?? 0) + 1);
          assert.ok(uidValidity >= validity);
          const other = await openedMailbox(storage, bob, 'caught');
          assert.equal(other.uidNext, (other.uids.at(-1) ?? 0) + 1, 'also where no mail arrived since');
          if (uidValidity > validity) {
            assert.deepEqual(uids.slice(0, 2), [1, 2], 'they begin at 1 again, in their order');
            changes++;
          }
          validity = uidValidity;
          const shown = await storage.messagesByUid(exampleCom, 'caught', uids);
          assert.deepEqual(
            shown.map((each) => each.message.id),
            [...kept, message].map(({ id }) => id),
          );
          await change(storage, message.id, removed());
        }
        assert.ok(changes >= 2);
        await storage.close();
        const again = await reopen();
        assert.equal((await openedMailbox(again, exampleCom, 'caught')).uidValidity, validity);
        assert.equal((await openedMailbox(again, alice, 'caught')).uidValidity, validity);
        assert.deepEqual((await openedMailbox(again, alice, 'caught')).uids.length, 1);
        const stale = await changesSince(again, exampleCom, 'caught', began.modseq);
        assert.equal(stale.uidValidity, validity);
        assert.ok(stale.gone.every((uid) => uid >= 1));
      },
      limited,
    ),
  );

  test(
    'numbering anew keeps every view in its order, and leaves the sequences of others alone',
    withStore(
      open,
      async ({ storage }) => {
        const caught = [await insertMessage(storage), await insertMessage(storage)];
        const training = [await insertMessage(storage, { view: 'training' })];
        caught.push(await insertMessage(storage));
        const org = await insertMessage(storage, { owner: ownerOf('carol@example.org') });
        const before = await openedMailbox(storage, exampleOrg, 'caught');
        const { uidValidity } = await openedMailbox(storage, exampleCom, 'caught');
        // example.com's sequence runs full by messages that leave again; those of global stay few enough in between.
        for (let i = 0; i < 20; i++) {
          const { id } = await insertMessage(storage, { visibleTo: ['domain', 'user'] });
          await change(storage, id, removed());
        }
        assert.ok((await openedMailbox(storage, exampleCom, 'caught')).uidValidity > uidValidity);
        const ids = async (scope: Scope, view: 'caught' | 'training') =>
          (await storage.list(scope, view, [{ from: 1, to: 100 }])).map(({ id }) => id);
        for (const scope of [exampleCom, alice]) {
          assert.deepEqual(
            await ids(scope, 'caught'),
            caught.map(({ id }) => id),
          );
          assert.deepEqual(
            await ids(scope, 'training'),
            training.map(({ id }) => id),
          );
        }
        assert.deepEqual(await ids(exampleOrg, 'caught'), [org.id]);
        assert.deepEqual(await openedMailbox(storage, exampleOrg, 'caught'), before);
        assert.equal((await openedMailbox(storage, global, 'caught')).uidValidity, uidValidity);
      },
      limited,
    ),
  );

  test(
    'a message changed by the very commit that numbers anew is still shown, and one that comes back is the last',
    withStore(
      open,
      async ({ storage }) => {
        const first = await insertMessage(storage);
        const second = await insertMessage(storage);
        const { uidValidity } = await openedMailbox(storage, alice, 'caught');
        let current = first;
        for (let i = 0; i < 40; i++) {
          const other = await storage.worker.get(second.id);
          assert.ok(other);
          const returning = { before: current, after: back()(current) };
          const flagging = { before: other, after: flagged('user', i % 2 ? '\\Seen' : '\\Flagged')(other) };
          // 7 commits fill the UIDs up, so that both orders meet the moment.
          const { messages } = await storage.commit(i % 4 < 2 ? [returning, flagging] : [flagging, returning]);
          const returned = messages.find(({ id }) => id === first.id);
          assert.ok(returned);
          current = returned;
          const { gone, shown } = await changesSince(storage, alice, 'caught', 0);
          assert.ok([...gone, ...shown.map(({ uid }) => uid)].every((uid) => uid >= 1 && uid <= 20));
          const listed = await storage.list(alice, 'caught', [{ from: 1, to: 20 }]);
          assert.deepEqual(
            listed.map(({ id }) => id),
            [second.id, first.id],
          );
        }
        assert.ok((await openedMailbox(storage, alice, 'caught')).uidValidity > uidValidity);
      },
      limited,
    ),
  );

  test(
    'a drop folder whose UIDs run out begins anew under a higher UIDVALIDITY',
    withStore(
      open,
      async ({ storage }) => {
        const order = { scope: alice, mailbox: 'Release', count: 8 };
        const taken = [];
        for (let i = 0; i < 5; i++) taken.push((await storage.commit([], order)).drop);
        const [a, b, c, d, e] = taken;
        assert.ok(a && b && c && d && e);
        assert.deepEqual([a.firstUid, b.firstUid, c.firstUid, d.firstUid, e.firstUid], [1, 9, 1, 9, 1]);
        assert.ok(a.uidValidity === b.uidValidity && c.uidValidity > b.uidValidity && e.uidValidity > d.uidValidity);
      },
      limited,
    ),
  );
}
