// Time passes: what expires when, what can still be brought back, what is remembered, and what is never deleted while it is needed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimDue } from '../../src/quarantine/claims.ts';
import type { Message, View } from '../../src/quarantine/message.ts';
import {
  deleteByOperator,
  releaseByOperator,
  reportByOperator,
  restoreMessage,
} from '../../src/quarantine/operator.ts';
import { recordDelivery, recordReport } from '../../src/quarantine/outcomes.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { expiresAt, sweep } from '../../src/quarantine/retention.ts';
import { insertMessage, newContent, newMessage, ownerOf } from '../helpers/messages.ts';
import type { MessageOverrides } from '../helpers/messages.ts';
import { openTestQuarantine, testDomain, testNow } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function arrive({ storage }: TestQuarantine, overrides: MessageOverrides = {}): Promise<string> {
  return (await insertMessage(storage, overrides)).id;
}

async function get({ storage }: TestQuarantine, id: string): Promise<Message> {
  const message = await storage.worker.get(id);
  assert.ok(message);
  return message;
}

async function isHeld(test: TestQuarantine, id: string): Promise<boolean> {
  return (await get(test, id)).visibleTo.length > 0;
}

/** Moves the clock and sweeps. */
async function pass({ quarantine, clock }: TestQuarantine, ms: number): ReturnType<typeof sweep> {
  clock.advance(ms);
  return sweep(quarantine);
}

/** Does the deliveries and reports that are due, as the worker would. */
async function work(quarantine: Quarantine, outcome: 'accepted' | 'permanent' | 'temporary'): Promise<void> {
  const everything = { limit: 100, leaseMs: 1000, exceptDomains: [], isWanted: () => true };
  for (const claim of await claimDue(quarantine, everything)) {
    const addresses = claim.message.delivery?.recipients.map(({ address }) => address) ?? [];
    const outcomes = addresses.map((address) => ({ address, outcome, reply: 'words' }));
    if (claim.job.kind === 'delivery') await recordDelivery(quarantine, claim, outcomes);
    else await recordReport(quarantine, claim, { outcome: outcome === 'accepted' ? 'done' : 'temporary', reply: '' });
  }
}

describe('expiry', () => {
  it('comes to each folder in its own time, counted from arrival here', async () => {
    await using test = await openTestQuarantine({
      policy: { retentionMs: { caught: 3 * dayMs, outgoing: 2 * dayMs, training: dayMs, notices: 4 * dayMs } },
    });
    const ids = new Map<View, string>();
    for (const view of ['caught', 'outgoing', 'training', 'notices'] as const)
      ids.set(view, await arrive(test, { view, internalDate: testNow - 99 * dayMs }));
    const held = async (): Promise<View[]> => {
      const views: View[] = [];
      for (const [view, id] of ids) if (await isHeld(test, id)) views.push(view);
      return views;
    };
    assert.equal((await pass(test, dayMs)).expired, 0, 'not before its time is over');
    assert.equal((await pass(test, 1)).expired, 1);
    assert.deepEqual(await held(), ['caught', 'outgoing', 'notices']);
    await pass(test, dayMs);
    assert.deepEqual(await held(), ['caught', 'notices']);
    await pass(test, dayMs);
    assert.deepEqual(await held(), ['notices']);
    await pass(test, dayMs);
    assert.deepEqual(await held(), []);
    const { removed } = await get(test, ids.get('caught') ?? '');
    assert.deepEqual(removed, { at: testNow + 3 * dayMs + 1, why: 'expired', by: 'retention' });
  });

  it('follows a domain’s own time, shorter or longer; others keep the default', async () => {
    await using test = await openTestQuarantine({
      domains: [
        { name: 'short.example', retentionMs: dayMs },
        { name: 'long.example', retentionMs: 30 * dayMs },
        { name: 'example.com' },
      ],
    });
    const owners = ['a@short.example', 'a@long.example', 'a@example.com', 'global', 'a@removed.example'];
    const ids = await Promise.all(owners.map((login) => arrive(test, { owner: ownerOf(login) })));
    const left = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const [i, id] of ids.entries()) if (await isHeld(test, id)) found.push(owners[i] ?? '');
      return found;
    };
    await pass(test, dayMs + 1);
    assert.deepEqual(await left(), owners.slice(1));
    await pass(test, 13 * dayMs);
    assert.deepEqual(await left(), ['a@long.example']);
    await pass(test, 16 * dayMs);
    assert.deepEqual(await left(), []);
  });

  it('begins again with each holding', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test);
    await deleteByOperator(test.quarantine, id);
    await pass(test, dayMs);
    await restoreMessage(test.quarantine, id);
    await pass(test, 14 * dayMs);
    assert.ok(await isHeld(test, id));
    await pass(test, 1);
    assert.ok(!(await isHeld(test, id)));
  });

  it('takes any number, and is done once by two processes at the same time', async () => {
    await using test = await openTestQuarantine();
    const content = newContent();
    const messages = Array.from({ length: 1100 }, () => newMessage({ content }));
    await test.storage.insert({ content, messages, skipKnown: false }, testNow);
    test.clock.advance(15 * dayMs);
    const results = await Promise.all([sweep(test.quarantine), sweep(test.quarantine)]);
    assert.equal(
      results.reduce((sum, { expired }) => sum + expired, 0),
      1100,
    );
    assert.deepEqual(await test.storage.find({ role: 'global' }, {}), []);
  });

  it('leaves a message that somebody changes at this moment to the next sweep', async () => {
    let changed: string | undefined;
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        async commit(changes, drop) {
          const [first] = changes;
          if (!changed && changes.length === 2 && first) {
            changed = first.before.id;
            await storage.commit([{ before: first.before, after: { ...first.before, marks: ['$Released'] } }]);
          }
          return storage.commit(changes, drop);
        },
      }),
    });
    const ids = [await arrive(test), await arrive(test)];
    assert.equal((await pass(test, 15 * dayMs)).expired, 2, 'a later round of the same sweep');
    for (const id of ids) assert.ok(!(await isHeld(test, id)));
    assert.deepEqual((await get(test, changed ?? '')).marks, ['$Released']);
  });

  it('ends when the server does', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test);
    test.clock.advance(15 * dayMs);
    await test.storage.keepContent(newContent(), testNow);
    const { purged } = await sweep(test.quarantine, AbortSignal.abort());
    assert.ok(await isHeld(test, id));
    assert.equal(purged.marked, 0);
  });
});

describe('what is due', () => {
  it('survives expiry, and its content with it, however long it takes', async () => {
    await using test = await openTestQuarantine({ policy: { retryForMs: 365 * dayMs } });
    const { quarantine, storage } = test;
    const id = await arrive(test);
    await releaseByOperator(quarantine, id, { again: false });
    for (let day = 0; day < 200; day += 10) await pass(test, 10 * dayMs);
    assert.ok(!(await isHeld(test, id)));
    assert.equal((await get(test, id)).delivery?.state, 'due');
    assert.ok(await storage.worker.contentOf(id));
    await work(quarantine, 'accepted');
    await pass(test, 2 * dayMs);
    assert.ok(!(await get(test, id)).contentReleased, 'undo counts from the end of the last job');
    await pass(test, 1);
    assert.ok((await get(test, id)).contentReleased);
  });

  it('keeps the content for the slower of its jobs', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const id = await arrive(test);
    await reportByOperator(quarantine, id, 'ham');
    await deleteByOperator(quarantine, id);
    await work(quarantine, 'temporary');
    await pass(test, 30 * dayMs);
    assert.ok(!(await get(test, id)).contentReleased);
    await work(quarantine, 'accepted');
    await pass(test, 2 * dayMs + 1);
    assert.ok((await get(test, id)).contentReleased);
  });

  it('and fails after expiry brings the message back, for its full time', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const id = await arrive(test);
    await releaseByOperator(quarantine, id, { again: false });
    await pass(test, 15 * dayMs);
    assert.ok(!(await isHeld(test, id)));
    await work(quarantine, 'permanent');
    assert.ok(await isHeld(test, id));
    await pass(test, 14 * dayMs);
    assert.ok(await isHeld(test, id));
  });
});

describe('what was removed', () => {
  it('can be restored within the undo period and not afterwards', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test);
    await pass(test, 14 * dayMs + 1);
    await pass(test, 2 * dayMs);
    await restoreMessage(test.quarantine, id);
    assert.ok(await test.storage.worker.contentOf(id));
    await deleteByOperator(test.quarantine, id);
    const { contentsReleased } = await pass(test, 2 * dayMs + 1);
    assert.equal(contentsReleased, 1);
    await assert.rejects(restoreMessage(test.quarantine, id), { code: 'CANNOT' });
  });

  it('is remembered for as long as history says, then forgotten', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const id = await arrive(test);
    await deleteByOperator(quarantine, id);
    await pass(test, 2 * dayMs + 1);
    assert.equal((await pass(test, 88 * dayMs - 1)).forgotten, 0);
    assert.equal((await get(test, id)).removed?.why, 'deleted');
    assert.equal((await pass(test, 1)).forgotten, 1);
    assert.equal(await storage.worker.get(id), null);
  });

  it('gives its bytes back an hour after they were marked, unless somebody needs them', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const [shared, own] = [newContent(), newContent()];
    const doomed = await arrive(test, { content: own });
    const first = await arrive(test, { content: shared });
    const second = await arrive(test, { content: shared });
    for (const id of [doomed, first]) await deleteByOperator(quarantine, id);
    const marking = await pass(test, 2 * dayMs + 1);
    assert.deepEqual([marking.contentsReleased, marking.purged.marked, marking.purged.deleted], [2, 1, 0]);
    assert.equal((await pass(test, hourMs)).purged.deleted, 0);
    assert.deepEqual((await pass(test, 1)).purged, { marked: 0, deleted: 1, bytes: own.bytes.length });
    assert.deepEqual(await storage.worker.contentOf(second), shared.bytes);
    // The same mail again: it has its bytes.
    const again = await arrive(test, { content: own });
    assert.deepEqual(await storage.worker.contentOf(again), own.bytes);
  });

  it('and arrives again after its bytes were marked, keeps them', async () => {
    await using test = await openTestQuarantine();
    const content = newContent();
    await deleteByOperator(test.quarantine, await arrive(test, { content }));
    assert.equal((await pass(test, 2 * dayMs + 1)).purged.marked, 1);
    const again = await arrive(test, { content, receivedAt: test.clock.now() });
    assert.equal((await pass(test, 2 * hourMs)).purged.deleted, 0);
    assert.deepEqual(await test.storage.worker.contentOf(again), content.bytes);
  });

  it('stays removed when the domain’s retention is made longer', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test);
    await pass(test, 14 * dayMs + 1);
    await test.storage.domains.put(testDomain({ retentionMs: 60 * dayMs }));
    await test.quarantine.domains.refresh();
    await pass(test, 1);
    assert.equal((await get(test, id)).removed?.why, 'expired');
  });
});

describe('the date on which a message expires', () => {
  it('is the one on which the sweep takes it away, by the domain’s own time where it has one', async () => {
    const domains = [{ name: 'example.com' }, { name: 'example.org', retentionMs: 3 * dayMs }];
    await using test = await openTestQuarantine({ domains });
    for (const login of ['alice@example.com', 'bob@example.org']) {
      const id = await arrive(test, { owner: ownerOf(login), heldSince: test.clock.now() });
      const expires = expiresAt(test.quarantine, await get(test, id));
      assert.ok(expires);
      await pass(test, expires - test.clock.now());
      assert.equal(await isHeld(test, id), true, login);
      await pass(test, 1);
      assert.equal(await isHeld(test, id), false, login);
      assert.equal(expiresAt(test.quarantine, await get(test, id)), null);
    }
  });
});
