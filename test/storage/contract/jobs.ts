// Contract: what workers and sweeps find. Nothing that is due is overlooked, nothing that still has work is forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery, Report } from '../../../src/quarantine/job.ts';
import type { Message } from '../../../src/quarantine/message.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage, ownerOf } from '../../helpers/messages.ts';
import { buried, change, removed } from './changes.ts';
import { alice, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const minute = 60_000;

function delivery(more: Partial<Delivery> = {}): Delivery {
  return {
    holding: 1,
    orderedAt: arrivedAt,
    orderedBy: 'cli',
    cause: 'CLI',
    state: 'due',
    recipients: [{ address: 'alice@example.com', state: 'pending' }],
    attempts: 0,
    nextAttemptAt: arrivedAt,
    lastDelayMs: 0,
    lease: null,
    ...more,
  };
}

function report(nextAttemptAt: number, orderedAt = arrivedAt): Report {
  const due = { state: 'due' as const, attempts: 0, nextAttemptAt, lastDelayMs: 0, lease: null };
  return {
    verdict: 'ham',
    orderedAt,
    orderedBy: 'cli',
    cause: 'CLI',
    targets: { a: due, b: { ...due, nextAttemptAt: nextAttemptAt + minute } },
  };
}

const idsOf = (messages: readonly Message[]): string[] => messages.map(({ id }) => id);
const dueIds = async (storage: Storage, now: number, limit = 100, except?: string[]): Promise<string[]> =>
  idsOf(await storage.worker.due(now, limit, except));

export function jobContract(open: OpenStore): void {
  test(
    'a job is due when its time has come, the earliest first',
    withStore(open, async ({ storage }) => {
      assert.equal(await storage.worker.nextDueAt(), null);
      assert.deepEqual(await storage.worker.due(arrivedAt, 10), []);
      await insertMessage(storage);
      const later = await insertMessage(storage, { delivery: delivery({ nextAttemptAt: arrivedAt + 2 * minute }) });
      const sooner = await insertMessage(storage, { report: report(arrivedAt + minute) });
      assert.equal(await storage.worker.nextDueAt(), arrivedAt + minute);
      assert.deepEqual(await dueIds(storage, arrivedAt + minute - 1), []);
      assert.deepEqual(await dueIds(storage, arrivedAt + minute), [sooner.id]);
      assert.deepEqual(await dueIds(storage, arrivedAt + 5 * minute), [sooner.id, later.id]);
      assert.deepEqual(await dueIds(storage, arrivedAt + 5 * minute, 1), [sooner.id]);
      assert.deepEqual(await storage.worker.due(arrivedAt + minute, 1), [sooner]);
    }),
  );

  test(
    'a leased job is due again only when the lease ran out, and its other jobs are not held up',
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage, { delivery: delivery(), report: report(arrivedAt + minute) });
      const until = arrivedAt + 10 * minute;
      await change(storage, id, (message) => ({ ...message, delivery: delivery({ lease: { token: 't', until } }) }));
      assert.deepEqual(await dueIds(storage, arrivedAt), []);
      assert.equal(await storage.worker.nextDueAt(), arrivedAt + minute, 'the report');
      await change(storage, id, (message) => ({ ...message, report: null }));
      assert.equal(await storage.worker.nextDueAt(), until);
      assert.deepEqual(await dueIds(storage, until - 1), []);
      assert.deepEqual(await dueIds(storage, until), [id]);
      await change(storage, id, (message) => ({ ...message, delivery: delivery({ state: 'done', endedAt: until }) }));
      assert.deepEqual(await dueIds(storage, until), []);
      assert.equal(await storage.worker.nextDueAt(), null);
    }),
  );

  test(
    'what anybody is working on is found as long as the lease lasts, whichever of the jobs it is for',
    withStore(open, async ({ storage, reopen }) => {
      const until = arrivedAt + 10 * minute;
      const lease = { token: 't', until };
      const state = { state: 'due' as const, attempts: 0, nextAttemptAt: arrivedAt, lastDelayMs: 0, lease: null };
      const free = await insertMessage(storage, { delivery: delivery(), report: report(arrivedAt) });
      const delivered = await insertMessage(storage, { delivery: delivery({ lease }), report: report(arrivedAt) });
      const longer = { ...state, lease: { token: 'u', until: until + 1.5 } };
      const reported = await insertMessage(storage, {
        delivery: delivery({ lease: { token: 's', until: arrivedAt + 1 } }),
        report: { ...report(arrivedAt), targets: { a: state, b: longer } },
      });
      // The attempt at a job that was cancelled ends by itself; it keeps no place.
      await insertMessage(storage, { delivery: delivery({ state: 'cancelled', endedAt: arrivedAt, lease }) });
      const other = await reopen();
      const leased = async (now: number, limit = 10): Promise<string[]> =>
        idsOf(await other.worker.leased(now, limit)).sort();
      assert.deepEqual(await leased(arrivedAt), [delivered.id, reported.id]);
      assert.deepEqual(await leased(until - 1), [delivered.id, reported.id]);
      assert.deepEqual(await leased(until), [reported.id], 'the last moment of a lease is the one before its end');
      assert.deepEqual(await leased(until + 2), []);
      assert.deepEqual(await leased(arrivedAt, 1), [reported.id], 'the longest lease first');
      assert.deepEqual(await other.worker.leased(until, 1), [reported]);
      await change(storage, reported.id, (message) => ({ ...message, report: null }));
      await change(storage, free.id, (message) => ({ ...message, delivery: delivery({ lease }) }));
      assert.deepEqual(await leased(arrivedAt + 1), [free.id, delivered.id]);
      await change(storage, delivered.id, (message) => ({
        ...message,
        delivery: delivery({ state: 'done', endedAt: until }),
      }));
      assert.deepEqual(await leased(arrivedAt + 1), [free.id]);
    }),
  );

  test(
    'a delay that grew to a fraction of a millisecond never makes a job due too early, nor forgets it',
    withStore(open, async ({ storage }) => {
      const nextAttemptAt = arrivedAt + 10_251_562.5;
      const { id } = await insertMessage(storage, { delivery: delivery({ nextAttemptAt }) });
      assert.deepEqual(await dueIds(storage, Math.floor(nextAttemptAt)), []);
      assert.deepEqual(await dueIds(storage, Math.ceil(nextAttemptAt)), [id]);
      const next = await storage.worker.nextDueAt();
      assert.ok(next !== null && next >= nextAttemptAt && next <= Math.ceil(nextAttemptAt));
    }),
  );

  test(
    "a busy destination never hides the others' mail",
    withStore(open, async ({ storage }) => {
      for (let i = 0; i < 30; i++) await insertMessage(storage, { delivery: delivery() });
      const other = await insertMessage(storage, {
        owner: ownerOf('carol@example.org'),
        delivery: delivery({ nextAttemptAt: arrivedAt + 1 }),
      });
      const nobodys = await insertMessage(storage, {
        owner: ownerOf('global'),
        delivery: delivery({ nextAttemptAt: arrivedAt + 2 }),
      });
      assert.deepEqual(await dueIds(storage, arrivedAt + minute, 10, ['example.com', 'example.net']), [
        other.id,
        nobodys.id,
      ]);
      assert.equal((await dueIds(storage, arrivedAt + minute, 100, [])).length, 32);
    }),
  );

  test(
    'a training target that does not answer never hides deliveries, nor reports to others',
    withStore(open, async ({ storage }) => {
      const state = { state: 'due' as const, attempts: 0, nextAttemptAt: arrivedAt, lastDelayMs: 0, lease: null };
      const to = (...targets: string[]): Report => ({
        ...report(arrivedAt),
        targets: Object.fromEntries(targets.map((name) => [name, state])),
      });
      const leased = { ...state, lease: { token: 't', until: arrivedAt + 9 * minute } };
      for (let i = 0; i < 30; i++) await insertMessage(storage, { report: to('slow') });
      await insertMessage(storage, {
        report: to('slow'),
        delivery: delivery({ nextAttemptAt: arrivedAt + 9 * minute, lease: null }),
      });
      await insertMessage(storage, { report: { ...to('slow'), targets: { slow: state, b: leased } } });
      const both = await insertMessage(storage, { report: to('slow', 'quick') });
      const released = await insertMessage(storage, { delivery: delivery({ nextAttemptAt: arrivedAt + 1 }) });
      const due = async (now: number, ...targets: string[]): Promise<string[]> =>
        idsOf(await storage.worker.due(now, 10, [], targets));
      assert.deepEqual(await due(arrivedAt + minute, 'slow'), [both.id, released.id]);
      assert.deepEqual(await due(arrivedAt, 'slow'), [both.id]);
      assert.deepEqual(await due(arrivedAt + minute, 'slow', 'quick'), [released.id]);
      assert.equal((await due(arrivedAt + minute)).length, 10);
    }),
  );

  test(
    'jobs are listed by their orders, the newest first; ended ones only when asked for',
    withStore(open, async ({ storage }) => {
      await insertMessage(storage);
      const lease = { token: 't', until: arrivedAt + minute };
      const leased = await insertMessage(storage, { delivery: delivery({ orderedAt: arrivedAt + 1, lease }) });
      const ended = await insertMessage(storage, {
        delivery: delivery({ orderedAt: arrivedAt + 3, state: 'cancelled', endedAt: arrivedAt + 4 }),
      });
      const deferred = await insertMessage(storage, { report: report(arrivedAt + 99 * minute, arrivedAt + 2) });
      const jobs = async (query: { ended: boolean; limit: number }): Promise<string[]> =>
        idsOf(await storage.worker.withJobs(query));
      assert.deepEqual(await jobs({ ended: false, limit: 10 }), [deferred.id, leased.id]);
      assert.deepEqual(await jobs({ ended: true, limit: 10 }), [ended.id, deferred.id, leased.id]);
      assert.deepEqual(await jobs({ ended: true, limit: 1 }), [ended.id]);
      assert.deepEqual(await jobs({ ended: false, limit: Infinity }), [deferred.id, leased.id]);
    }),
  );

  test(
    'a parked job is listed and claimed by nobody; what else is due for the message goes on',
    withStore(open, async ({ storage }) => {
      const parkedAt = arrivedAt;
      const parked = await insertMessage(storage, { delivery: delivery({ orderedAt: arrivedAt + 1, parkedAt }) });
      const half = await insertMessage(storage, {
        delivery: delivery({ orderedAt: arrivedAt + 2, parkedAt }),
        report: report(arrivedAt + 5 * minute),
      });
      const due = async (...targets: string[]): Promise<string[]> =>
        idsOf(await storage.worker.due(Number.MAX_SAFE_INTEGER, 10, [], targets));
      assert.deepEqual(await due(), [half.id]);
      assert.deepEqual(await due('a', 'b'), []);
      assert.equal(await storage.worker.nextDueAt(), arrivedAt + 5 * minute);
      assert.deepEqual(idsOf(await storage.worker.withJobs({ ended: false, limit: 10 })), [half.id, parked.id]);
      await change(storage, parked.id, removed());
      assert.deepEqual(await storage.worker.endedBefore({ before: Infinity, tombstones: false, limit: 10 }), []);
      await change(storage, parked.id, (message) => ({ ...message, delivery: delivery({ orderedAt: arrivedAt + 1 }) }));
      assert.deepEqual(await due(), [parked.id, half.id]);
      assert.equal((await storage.worker.get(parked.id))?.delivery?.parkedAt, undefined);
    }),
  );

  test(
    'retention finds what is held too long, per domain, with the others passed over',
    withStore(open, async ({ storage }) => {
      const held = async (login: string, heldSince: number, view: 'caught' | 'training' = 'caught'): Promise<string> =>
        (await insertMessage(storage, { owner: ownerOf(login), view, heldSince })).id;
      const old = await held('alice@example.com', 100);
      const older = await held('bob@example.com', 50);
      const org = await held('carol@example.org', 10);
      const nobodys = await held('global', 60);
      const net = await held('example.net', 70);
      await held('alice@example.com', 10, 'training');
      await held('alice@example.com', 200);
      const gone = await held('alice@example.com', 10);
      await change(storage, gone, removed());
      const query = { view: 'caught' as const, before: 200, limit: 100 };
      const before = async (more: object): Promise<string[]> =>
        idsOf(await storage.worker.heldBefore({ ...query, ...more })).sort();
      assert.deepEqual(await before({ domain: 'example.com' }), [old, older].sort());
      assert.deepEqual(await before({ domain: 'example.com', before: 100 }), [older]);
      assert.deepEqual(await before({ domain: '' }), [nobodys]);
      assert.deepEqual(await before({}), [old, older, org, nobodys, net].sort());
      assert.deepEqual(await before({ exceptDomains: ['example.com', 'example.net'] }), [org, nobodys].sort());
      assert.equal((await before({ limit: 2 })).length, 2);
      assert.deepEqual(idsOf(await storage.worker.heldBefore({ ...query, domain: 'example.com', limit: 1 })), [older]);
      assert.deepEqual(await before({ view: 'outgoing' }), []);
    }),
  );

  test(
    'a message still held by one login only is held; one that came back is held anew',
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage, { heldSince: 10, visibleTo: ['global'] });
      const query = { view: 'caught' as const, before: 100, limit: 10 };
      assert.deepEqual(idsOf(await storage.worker.heldBefore(query)), [id]);
      await change(storage, id, (message) => ({ ...message, holding: 2, heldSince: 100 }));
      assert.deepEqual(await storage.worker.heldBefore(query), []);
    }),
  );

  test(
    'what left its view has ended when its last job has; until then neither content nor name is given up',
    withStore(open, async ({ storage }) => {
      const ended = async (tombstones: boolean, before = arrivedAt + 1000): Promise<string[]> =>
        idsOf(await storage.worker.endedBefore({ before, tombstones, limit: 10 }));
      const { id } = await insertMessage(storage, { delivery: delivery() });
      const later = await insertMessage(storage);
      assert.deepEqual(await ended(false), []);
      await change(storage, id, removed(arrivedAt + 10));
      await change(storage, later.id, removed(arrivedAt + 600));
      assert.deepEqual(await ended(false), [later.id], 'the delivery is due');
      await change(storage, id, (message) => ({
        ...message,
        delivery: delivery({ state: 'done', endedAt: arrivedAt + 500 }),
      }));
      assert.deepEqual(await ended(false), [id, later.id]);
      assert.deepEqual(await ended(false, arrivedAt + 600), [id]);
      assert.deepEqual(await ended(false, arrivedAt + 500), []);
      assert.deepEqual(await ended(true), []);
      await change(storage, id, buried);
      assert.deepEqual(await ended(false), [later.id]);
      assert.deepEqual(await ended(true), [id]);
      assert.deepEqual(await ended(true, arrivedAt + 500), []);
    }),
  );

  test(
    'a tombstone is forgotten for good, unless it changed meanwhile or is none',
    withStore(open, async ({ storage, reopen }) => {
      const held = await insertMessage(storage);
      const { id } = await insertMessage(storage);
      const left = await change(storage, id, removed());
      const tombstone = await change(storage, id, buried);
      const { modseq } = await openedMailbox(storage, alice, 'caught');
      assert.equal(await storage.worker.forget([held, left, { ...held, id: 'unknown' }]), 0);
      assert.deepEqual(await storage.worker.get(id), tombstone);
      assert.equal(await storage.worker.forget([tombstone]), 1);
      assert.equal(await storage.worker.forget([tombstone]), 0);
      const again = await reopen();
      assert.equal(await again.worker.get(id), null);
      assert.deepEqual(await again.worker.get(held.id), held);
      assert.deepEqual(await again.find(alice, { digests: [tombstone.digest], which: 'all' }), []);
      assert.deepEqual(
        (await changesSince(again, alice, 'caught', modseq - 1)).gone,
        [2],
        'a late session is still told',
      );
      const next = await insertMessage(again);
      assert.deepEqual(
        (await again.messagesByUid(alice, 'caught', [3]))[0]?.message.id,
        next.id,
        'its UID is never used again',
      );
    }),
  );
}
