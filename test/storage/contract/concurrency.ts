// Contract: several processes, many writers. Nothing is lost, nothing is numbered out of order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StaleError } from '../../../src/quarantine/errors.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { openedMailbox } from '../../helpers/mailbox.ts';
import { insertMessage, ownerOf } from '../../helpers/messages.ts';
import { back, change } from './changes.ts';
import { alice, bob, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

export function concurrencyContract(open: OpenStore): void {
  test(
    'everything that many deliver at once is there, each message once and under a number of its own',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      const logins = ['alice@example.com', 'bob@example.com'];
      const stored = await Promise.all(
        Array.from({ length: 300 }, (_, i) =>
          insertMessage(i % 3 ? storage : other, { owner: ownerOf(logins[i % 2] ?? '') }),
        ),
      );
      for (const each of [storage, other]) {
        const { uids, uidNext } = await openedMailbox(each, exampleCom, 'caught');
        assert.deepEqual(
          uids,
          Array.from({ length: 300 }, (_, i) => i + 1),
        );
        assert.equal(uidNext, 301);
        const listed = await each.list(exampleCom, 'caught', [{ from: 1, to: 300 }]);
        assert.deepEqual(listed.map(({ id }) => id).sort(), stored.map(({ id }) => id).sort());
        assert.equal((await openedMailbox(each, alice, 'caught')).uids.length, 150);
      }
    }),
  );

  test(
    'a write that was answered is seen by every later read, in the other process, too',
    withStore(open, async ({ storage, reopen }) => {
      const storages = [storage, await reopen()];
      for (let i = 0; i < 40; i++) {
        const [writing, reading] = i % 2 ? storages : [...storages].reverse();
        assert.ok(writing && reading);
        const { id } = await insertMessage(writing);
        // Several reads at once, so that every reader of a driver is asked.
        for (const found of await Promise.all([reading.worker.get(id), reading.worker.get(id), writing.worker.get(id)]))
          assert.equal(found?.id, id);
        assert.equal((await openedMailbox(reading, alice, 'caught')).uids.length, i + 1);
        const changed = await change(writing, id, (message) => ({ ...message, category: 'virus' }));
        assert.deepEqual(await Promise.all([reading.worker.get(id), writing.worker.get(id)]), [changed, changed]);
      }
    }),
  );

  test(
    'many who change the same messages lose none of the changes',
    withStore(open, async ({ storage, reopen }) => {
      const storages = [storage, await reopen()];
      const { id } = await insertMessage(storage);
      const addMark = async (i: number): Promise<void> => {
        for (;;) {
          try {
            await change(storages[i % 2] ?? storage, id, (message) => ({
              ...message,
              flags: { ...message.flags, user: [...message.flags.user, `k${i}`] },
            }));
            return;
          } catch (error) {
            if (!(error instanceof StaleError)) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, i) => addMark(i)));
      const message = await storage.worker.get(id);
      assert.equal(new Set(message?.flags.user).size, 16);
      assert.equal(message?.revision, 16);
    }),
  );

  test(
    'while many write, nothing appears below what a reader has seen, neither a UID nor a modseq',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      const third = await reopen();
      let writing = true;
      const readers = [global, exampleCom, alice, bob].map((scope, i) =>
        readWhile(() => writing, i % 2 ? storage : third, scope),
      );
      const write = async (on: Storage, login: string): Promise<void> => {
        for (let i = 0; i < 40; i++) {
          const { id } = await insertMessage(on, { owner: ownerOf(login) });
          if (i % 4 === 0) await change(on, id, back());
        }
      };
      await Promise.all([
        write(storage, 'alice@example.com'),
        write(storage, 'bob@example.com'),
        write(other, 'alice@example.com'),
        write(other, 'bob@example.com'),
      ]);
      writing = false;
      for (const rounds of await Promise.all(readers)) assert.ok(rounds > 1);
    }),
  );
}

/** Looks at a mailbox again and again; answers how often. */
async function readWhile(goOn: () => boolean, storage: Storage, scope: Scope): Promise<number> {
  let known = new Set<number>();
  let highest = 0;
  let modseq = 0;
  let rounds = 0;
  for (let last = false; !last; rounds++) {
    last = !goOn();
    const snapshot = await openedMailbox(storage, scope, 'caught');
    assert.ok(snapshot.modseq >= modseq);
    if (snapshot.modseq === modseq) assert.deepEqual(new Set(snapshot.uids), known, 'nothing changed without a modseq');
    for (const uid of snapshot.uids) if (!known.has(uid)) assert.ok(uid > highest, `${uid} appeared below ${highest}`);
    assert.ok((snapshot.uids.at(-1) ?? 0) < snapshot.uidNext);
    known = new Set(snapshot.uids);
    highest = Math.max(highest, snapshot.uidNext - 1);
    modseq = snapshot.modseq;
  }
  return rounds;
}
