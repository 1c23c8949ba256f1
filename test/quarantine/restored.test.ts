// What happens to a store that was put back from a backup before it is served, and how its jobs are let go again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimDue } from '../../src/quarantine/claims.ts';
import { StaleError, TemporaryError } from '../../src/quarantine/errors.ts';
import { cancelJob, listJobs, retryJobs } from '../../src/quarantine/jobs.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { releaseByOperator, reportByOperator, restoreMessage } from '../../src/quarantine/operator.ts';
import { removeForAll } from '../../src/quarantine/orders.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { settleRestore } from '../../src/quarantine/restored.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine, TestQuarantineOptions } from '../helpers/quarantine.ts';

const alice = scopeOfLogin('alice@example.com');
const once = { again: false };

interface Restored extends TestQuarantine {
  /** One delivery and one report each of two messages, one delivery deferred. */
  ids: [string, string];
}

/** A quarantine whose store says that it was restored while four jobs were due. */
async function openRestored(options: TestQuarantineOptions = {}): Promise<Restored> {
  const test = await openTestQuarantine(options);
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { id } = await insertMessage(test.storage);
    await releaseByOperator(test.quarantine, id, once);
    await reportByOperator(test.quarantine, id, 'ham');
    ids.push(id);
  }
  await insertMessage(test.storage);
  const [one = '', two = ''] = ids;
  await change(test, two, (message) => ({
    ...message,
    delivery: message.delivery && { ...message.delivery, attempts: 3, nextAttemptAt: test.clock.now() + 900_000 },
  }));
  await test.storage.upkeep.markRestored();
  return { ...test, ids: [one, two] };
}

async function change({ storage }: TestQuarantine, id: string, to: (message: Message) => Message): Promise<void> {
  const before = await storage.worker.get(id);
  assert.ok(before);
  await storage.commit([{ before, after: to(before) }]);
}

async function states({ quarantine }: TestQuarantine): Promise<string[]> {
  return (await listJobs(quarantine, { ended: false, limit: 100 })).map(({ state }) => state);
}

async function claimable({ quarantine, clock }: TestQuarantine): Promise<number> {
  clock.advance(86_400_000);
  const order = { limit: 100, leaseMs: 1000, exceptDomains: [], isWanted: () => true };
  return (await claimDue(quarantine, order)).length;
}

describe('a store that was put back from a backup', () => {
  it('gets a new UIDVALIDITY and parks every job before it is served, once, and says so', async () => {
    await using test = await openRestored();
    const { uidValidity } = await openedMailbox(test.storage, alice, 'caught');
    await settleRestore(test.quarantine);
    const raised = await openedMailbox(test.storage, alice, 'caught');
    assert.ok(raised.uidValidity > uidValidity);
    assert.equal(raised.uids.length, 3, 'the mail is all there');
    assert.deepEqual(await states(test), ['parked', 'parked', 'parked', 'parked']);
    assert.equal(await test.storage.worker.nextDueAt(), null);
    assert.equal(await claimable(test), 0);
    const warnings = test.logged.filter(({ level }) => level === 'warn');
    assert.deepEqual(
      warnings.map(({ fields }) => fields),
      [{ event: 'restored', parked: 4 }],
    );
    await settleRestore(test.quarantine);
    const again = await openedMailbox(test.storage, alice, 'caught');
    assert.equal(again.uidValidity, raised.uidValidity, 'settled once and for all');
  });

  it('that was not restored is left alone', async () => {
    await using test = await openRestored();
    await test.storage.upkeep.settled();
    const before = await openedMailbox(test.storage, alice, 'caught');
    await settleRestore(test.quarantine);
    assert.deepEqual(await openedMailbox(test.storage, alice, 'caught'), before);
    assert.deepEqual(await states(test), ['due', 'due', 'due', 'due']);
  });

  for (const step of ['raiseUidValidity', 'commit', 'settled'] as const) {
    for (const moment of ['before', 'after'] as const) {
      it(`is settled by the next start when the first one ends ${moment} ${step}`, async () => {
        const trouble = { on: false };
        await using test = await openRestored({ wrapStorage: (storage) => failing(storage, step, moment, trouble) });
        const { uidValidity } = await openedMailbox(test.storage, alice, 'caught');
        trouble.on = true;
        await assert.rejects(settleRestore(test.quarantine), TemporaryError);
        trouble.on = false;
        await settleRestore(test.quarantine);
        assert.equal(await test.storage.upkeep.isRestored(), false);
        assert.ok((await openedMailbox(test.storage, alice, 'caught')).uidValidity > uidValidity);
        assert.deepEqual(await states(test), ['parked', 'parked', 'parked', 'parked']);
      });
    }
  }

  it('is settled by two processes that start at the same moment as by one', async () => {
    await using test = await openRestored();
    const storage = await openStorage(test.storeUrl, { log: test.quarantine.log });
    try {
      const { uidValidity } = await openedMailbox(storage, alice, 'caught');
      await Promise.all([settleRestore(test.quarantine), settleRestore({ ...test.quarantine, storage })]);
      assert.equal(await storage.upkeep.isRestored(), false);
      assert.ok((await openedMailbox(storage, alice, 'caught')).uidValidity > uidValidity);
      assert.deepEqual(await states(test), ['parked', 'parked', 'parked', 'parked']);
      const told = test.logged.filter(({ level }) => level === 'warn').map(({ fields }) => Number(fields.parked));
      assert.equal(
        told.reduce((sum, parked) => sum + parked, 0),
        4,
      );
    } finally {
      await storage.close();
    }
  });

  it('is settled although others change its messages meanwhile', async () => {
    let left = 3;
    await using test = await openRestored({
      wrapStorage: (storage) => ({
        ...storage,
        commit: (changes, drop) =>
          changes.some(({ after }) => after.delivery?.parkedAt !== undefined) && left-- > 0
            ? Promise.reject(new StaleError())
            : storage.commit(changes, drop),
      }),
    });
    await settleRestore(test.quarantine);
    assert.ok(left < 1);
    assert.deepEqual(await states(test), ['parked', 'parked', 'parked', 'parked']);
  });

  it('parks more jobs than fit into one commit', async () => {
    await using test = await openTestQuarantine();
    for (let i = 0; i < 450; i++) {
      const { id } = await insertMessage(test.storage);
      await releaseByOperator(test.quarantine, id, once);
    }
    await test.storage.upkeep.markRestored();
    await settleRestore(test.quarantine);
    assert.equal(test.logged.find(({ level }) => level === 'warn')?.fields.parked, 450);
    assert.equal(await test.storage.worker.nextDueAt(), null);
  });
});

describe('a parked job', () => {
  it('is left alone by a retry of all, which says how many there are', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    assert.deepEqual(await retryJobs(test.quarantine, 'deferred'), { retried: 0, parked: 4 });
    assert.equal(await claimable(test), 0);
  });

  it('is let go by its message, without the others', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    assert.deepEqual(await retryJobs(test.quarantine, [test.ids[1]]), { retried: 2, parked: 0 });
    assert.equal(await claimable(test), 2);
    assert.deepEqual((await states(test)).sort(), ['due', 'due', 'parked', 'parked']);
  });

  it('is let go with all that are parked, and what is deferred for other reasons waits on', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    const { id } = await insertMessage(test.storage);
    await releaseByOperator(test.quarantine, id, once);
    const later = test.clock.now() + 900_000;
    await change(test, id, (message) => ({
      ...message,
      delivery: message.delivery && { ...message.delivery, nextAttemptAt: later },
    }));
    assert.deepEqual(await retryJobs(test.quarantine, 'parked'), { retried: 4, parked: 0 });
    assert.equal((await test.storage.worker.get(id))?.delivery?.nextAttemptAt, later);
    assert.deepEqual(await retryJobs(test.quarantine, 'parked'), { retried: 0, parked: 0 });
    assert.equal(await claimable(test), 5);
  });

  it('can be cancelled, and the message takes a new order, which is not parked', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    const [id] = test.ids;
    assert.equal((await cancelJob(test.quarantine, id, 'cli')).delivery?.state, 'cancelled');
    await releaseByOperator(test.quarantine, id, once);
    assert.equal(await claimable(test), 1);
  });

  it('is not let go by a repeated release, only by one with --again; the refusal says what to do', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    const [id] = test.ids;
    await assert.rejects(releaseByOperator(test.quarantine, id, once), {
      code: 'CANNOT',
      message: new RegExp(`parked.*may have been made before.*jobs retry ${id}.*jobs cancel ${id}`),
    });
    assert.equal(await claimable(test), 0);
    const again = await releaseByOperator(test.quarantine, id, { again: true });
    assert.equal(again.delivery?.parkedAt, undefined);
    assert.equal(await claimable(test), 1);
  });

  it('holds the content, and keeps the message from being restored', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    const [id] = test.ids;
    await change(test, id, (message) => removeForAll(message, 'deleted', 'global', test.clock.now()));
    assert.deepEqual(
      await test.storage.worker.endedBefore({ before: Number.MAX_SAFE_INTEGER, tombstones: false, limit: 9 }),
      [],
    );
    await assert.rejects(restoreMessage(test.quarantine, id), { code: 'CANNOT', message: /parked/ });
  });

  it('is superseded by the opposite verdict of a person', async () => {
    await using test = await openRestored();
    await settleRestore(test.quarantine);
    await reportByOperator(test.quarantine, test.ids[0], 'spam');
    assert.equal(await claimable(test), 1);
  });
});

/** The storage, with one call ending in an error before or after it did its work. */
function failing(
  storage: Storage,
  step: 'raiseUidValidity' | 'commit' | 'settled',
  moment: 'before' | 'after',
  trouble: { on: boolean },
): Storage {
  const fail = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!trouble.on) return work();
    if (moment === 'after') await work();
    throw new TemporaryError('The store is out of reach.');
  };
  const { upkeep } = storage;
  if (step === 'commit') return { ...storage, commit: (changes, drop) => fail(() => storage.commit(changes, drop)) };
  return { ...storage, upkeep: { ...upkeep, [step]: () => fail(() => upkeep[step]()) } };
}
