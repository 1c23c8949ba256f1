// Contract: whoever listens hears of every commit, once it is durable, whoever made it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Storage } from '../../../src/quarantine/ports.ts';
import { openedMailbox } from '../../helpers/mailbox.ts';
import { insertMessage, ownerOf } from '../../helpers/messages.ts';
import { change, flagged } from './changes.ts';
import { alice, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

type Keys = ReadonlySet<string> | 'all';

/** Resolves with the first call that `isMeant` accepts; it is there from the start, so nothing is missed before it is awaited. */
function heard(storage: Storage, isMeant: (keys: Keys) => boolean | Promise<boolean> = () => true): Promise<Keys> {
  return new Promise((resolve, reject) => {
    const stop = storage.watch((keys) => {
      Promise.resolve(isMeant(keys)).then((meant) => {
        if (!meant) return;
        stop();
        resolve(keys);
      }, reject);
    });
  });
}

const concerns =
  (...wanted: string[]) =>
  (keys: Keys): boolean =>
    keys === 'all' || wanted.every((key) => keys.has(key));

export function watchContract(open: OpenStore): void {
  test(
    'a commit is told at once, with the sequences that it changed',
    withStore(open, async ({ storage }) => {
      const arrival = heard(storage, concerns('', 'example.com'));
      const { id } = await insertMessage(storage);
      assert.notEqual(await arrival, null);
      const flags = heard(storage, concerns('example.com'));
      await change(storage, id, flagged('user', '\\Seen'));
      await flags;
      const nobodys = heard(storage, concerns(''));
      await insertMessage(storage, { owner: ownerOf('global') });
      await nobodys;
    }),
  );

  test(
    'when a listener is told, the change can be read',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      let announced = 0;
      const checks: Promise<void>[] = [];
      const stop = storage.watch(() => {
        announced++;
        checks.push(openedMailbox(storage, alice, 'caught').then(({ uids }) => assert.ok(uids.length >= 1)));
      });
      const seenByOther = heard(other, async () => (await openedMailbox(other, alice, 'caught')).uids.length === 1);
      await insertMessage(storage);
      await seenByOther;
      assert.ok(announced >= 1);
      await Promise.all(checks);
      stop();
    }),
  );

  test(
    'a commit of another process is noticed, also of one that came while nobody listened',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      await insertMessage(other);
      await heard(storage);
      const again = heard(storage, async () => (await openedMailbox(storage, alice, 'caught')).uids.length === 2);
      await insertMessage(other);
      await again;
      const domains = heard(storage, async () => (await storage.domains.list()).length === 1);
      await other.domains.put({
        name: 'example.com',
        aliases: [],
        deliverTo: 'mx',
        subaddress: '',
        recipients: null,
        retentionMs: null,
        quarantine: true,
        quarantineOff: [],
      });
      await domains;
    }),
  );

  test(
    'a lease that another process took or gave back is told, although no mailbox changes',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      const due = { state: 'due' as const, attempts: 0, nextAttemptAt: 0, lastDelayMs: 0, lease: null };
      const order = { holding: 1, orderedAt: 0, orderedBy: 'cli', cause: 'CLI' as const, recipients: [] };
      const delivery = { ...due, ...order };
      const { id } = await insertMessage(storage, { delivery });
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      const isLeased = async (): Promise<boolean> => (await storage.worker.get(id))?.delivery?.lease !== null;
      for (const lease of [{ token: 't', until: 1 }, null]) {
        const told = heard(storage, async () => (await isLeased()) === (lease !== null));
        await change(other, id, (message) => ({ ...message, delivery: { ...delivery, lease } }));
        await told;
      }
      assert.equal((await openedMailbox(storage, alice, 'caught')).modseq, modseq);
    }),
  );

  test(
    'who stopped listening hears no more, and a listener that fails keeps nobody else from hearing',
    withStore(open, async ({ storage }) => {
      let calls = 0;
      const listener = (): void => {
        calls++;
      };
      const stops = [storage.watch(listener), storage.watch(listener)];
      const stopFailing = storage.watch(() => {
        throw new Error('a mistake of the listener');
      });
      const other = heard(storage);
      await insertMessage(storage);
      await other;
      const before = calls;
      assert.ok(before >= 2, 'a function that listens twice is called twice');
      stops[0]?.();
      stops[0]?.();
      const next = heard(storage);
      await insertMessage(storage);
      await next;
      assert.ok(calls > before, 'the second one still listens');
      stops[1]?.();
      const after = calls;
      const last = heard(storage);
      await insertMessage(storage);
      await last;
      assert.equal(calls, after);
      stopFailing();
    }),
  );
}
