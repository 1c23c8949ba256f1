// What several workers promise each other, whichever driver their one store has. Every process has a storage of its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimDue, returnClaim } from '../../src/quarantine/claims.ts';
import type { Claim } from '../../src/quarantine/claims.ts';
import { recordDelivery } from '../../src/quarantine/outcomes.ts';
import type { DeliveryAttempt, DeliveryTarget } from '../../src/quarantine/target.ts';
import type { OpenStore } from '../storage/contract/store.ts';
import { addresses, release, teach, until, withProcesses } from './processes.ts';
import type { Process, Scene } from './processes.ts';

/** Until a look for due jobs has ended that began after now: looks follow one another. */
async function looks({ line }: Process): Promise<void> {
  const before = line.leasedAsked;
  await until(() => line.leasedAsked >= before + 2);
}

/** Takes what is due and does nothing with it, as a process that is killed right afterwards. */
function takeAndDie({ quarantine }: Process, leaseMs: number): Promise<Claim[]> {
  return claimDue(quarantine, { limit: 100, leaseMs, exceptDomains: [], isWanted: () => true });
}

export function workersContract(name: string, open: OpenStore): void {
  const scene = (run: (scene: Scene) => Promise<void>) => () => withProcesses(open, run);

  describe(`${name}: workers on one store`, () => {
    it(
      'do each job once, whoever is fastest',
      scene(async ({ process, farEnd, filter, storage }) => {
        const all = addresses(60);
        const workers = [(await process()).work(), (await process()).work(), (await process()).work()];
        const ids = await Promise.all(all.map((address) => release(storage, address)));
        const taught = await Promise.all(all.map(() => teach(storage)));
        farEnd.answer();
        filter.answer();
        await until(() => farEnd.done.length === 60 && filter.done.length === 60);
        await Promise.all(workers.map((worker) => worker.idle()));
        assert.deepEqual(farEnd.begun.toSorted(), all.toSorted());
        assert.deepEqual(filter.begun.toSorted(), taught.toSorted());
        for (const id of ids) assert.equal((await storage.worker.get(id))?.delivery?.state, 'done');
        // Three look at once and take five each: the worst that capacity.ts admits.
        assert.ok(farEnd.most <= 15 && filter.most <= 15, `${farEnd.most} and ${filter.most} at once`);
      }),
    );

    it(
      'together make no more attempts at a destination than one may, and see what waits behind it',
      scene(async ({ process, farEnd, storage }) => {
        // Nobody wakes the others: what they find they find by their own first look.
        const [one, two, three] = [await process(), await process({ isDeaf: true }), await process({ isDeaf: true })];
        for (const address of addresses(120)) await release(storage, address);
        one.work({ maxAttempts: 5 });
        await until(() => farEnd.underWay.length === 5);
        // Behind more than one look at what is due.
        await release(storage, 'carol@example.org', Date.now() + 1);
        let looksBefore = 0;
        const delivery: DeliveryTarget = {
          deliver(attempt) {
            looksBefore ||= two.line.looks;
            return farEnd.deliver(attempt);
          },
          close: () => Promise.resolve(),
        };
        two.work({ targets: { delivery, reports: [], outgoing: '' } });
        await until(() => farEnd.to('example.org').length === 1);
        // One to see what the others do, one behind it, and perhaps the next one already.
        assert.ok(looksBefore <= 3, String(looksBefore));
        three.work();
        await Promise.all([looks(two), looks(three)]);
        assert.equal(farEnd.to('example.com').length, 5);
        assert.equal(farEnd.begun.length, 6);
        farEnd.answer();
        await until(() => farEnd.done.length === 121);
        assert.equal(new Set(farEnd.begun).size, 121);
        assert.equal(farEnd.begun.length, 121);
      }),
    );

    it(
      'together report no more to a target than one may, and see what waits behind it',
      scene(async ({ process, farEnd, filter, storage }) => {
        const [one, two] = [await process(), await process({ isDeaf: true })];
        for (let i = 0; i < 120; i++) await teach(storage);
        one.work({ maxAttempts: 5 });
        await until(() => filter.underWay.length === 5);
        await release(storage, 'alice@example.com', Date.now() + 1);
        two.work();
        await until(() => farEnd.underWay.length === 1);
        await looks(two);
        assert.equal(filter.begun.length, 5);
        farEnd.answer();
        filter.answer();
        await until(() => filter.done.length === 120);
        assert.equal(filter.begun.length, 120);
      }),
    );

    it(
      'ask for nothing more while nothing is due',
      scene(async ({ process, storage }) => {
        const one = await process();
        await release(storage, 'alice@example.com', Date.now() + 3_600_000);
        const worker = one.work();
        for (let i = 0; i < 5; i++) await worker.idle();
        assert.ok(one.line.looks >= 5);
        assert.equal(one.line.leasedAsked, 0);
      }),
    );
  });

  describe(`${name}: a worker whose fellow ends`, () => {
    it(
      'takes over what the other gives back when it is told to stop, and what that one had not begun',
      scene(async ({ process, farEnd, storage }) => {
        const [one, two] = [await process(), await process()];
        const all = addresses(12);
        const first = one.work();
        const ids = await Promise.all(all.map((address) => release(storage, address)));
        await until(() => farEnd.underWay.length === 5);
        const given = [...farEnd.underWay];
        two.work();
        await looks(two);
        await first.close(0);
        assert.deepEqual(farEnd.stopped.toSorted(), given.toSorted());
        farEnd.answer();
        await until(() => farEnd.done.length === 12);
        assert.deepEqual(farEnd.begun.toSorted(), [...all, ...given].toSorted());
        await until(async () => (await storage.worker.leased(Date.now(), 100)).length === 0);
        for (const id of ids) {
          const message = await storage.worker.get(id);
          assert.equal(message?.delivery?.state, 'done');
          assert.equal(message.delivery.attempts, 1, 'what was given back was not tried');
        }
      }),
    );

    it(
      'lets it finish what ends in time, and takes nothing of it twice',
      scene(async ({ process, farEnd, storage }) => {
        const [one, two] = [await process(), await process()];
        const first = one.work();
        await Promise.all(addresses(12).map((address) => release(storage, address)));
        await until(() => farEnd.underWay.length === 5);
        const closed = first.close(30_000);
        two.work();
        await looks(two);
        assert.equal(farEnd.begun.length, 5, 'who is closing keeps its places and claims nothing');
        farEnd.answer();
        await closed;
        await until(() => farEnd.done.length === 12);
        assert.equal(farEnd.begun.length, 12);
        assert.deepEqual(farEnd.stopped, []);
      }),
    );

    it(
      'has the places of a dead one when its leases have run out, and its late answer changes nothing',
      scene(async ({ process, farEnd, storage }) => {
        let now = Date.now();
        const clock = { now: () => now };
        const [dead, alive] = [await process({ clock }), await process({ clock })];
        await Promise.all(addresses(5).map((address) => release(storage, address, now)));
        const claims = await takeAndDie(dead, 10_000);
        assert.equal(claims.length, 5);
        await release(storage, 'dora@example.com', now);
        const worker = alive.work();
        await looks(alive);
        now += 9_999;
        await looks(alive);
        assert.deepEqual(farEnd.begun, []);
        now += 1;
        await until(() => farEnd.underWay.length === 5);
        const retaken = claims.filter(({ message }) => farEnd.underWay.includes(message.owner.address));
        assert.ok(retaken.length >= 4);
        for (const claim of retaken) {
          const late = { address: claim.message.owner.address, outcome: 'permanent' as const, reply: '550 too late' };
          assert.equal(await recordDelivery(dead.quarantine, claim, [late]), false);
        }
        farEnd.answer();
        await until(() => farEnd.done.length === 6);
        await worker.idle();
        assert.equal(farEnd.begun.length, 6);
      }),
    );

    it(
      'looks again by itself, should nobody tell it that a destination is free',
      scene(async ({ process, farEnd, storage }) => {
        const [one, deaf] = [await process(), await process({ isDeaf: true })];
        for (const address of addresses(5)) await release(storage, address);
        const claims = await takeAndDie(one, 600_000);
        await release(storage, 'dora@example.com');
        deaf.work();
        await looks(deaf);
        assert.deepEqual(farEnd.begun, []);
        for (const claim of claims) assert.ok(await returnClaim(one.quarantine, claim));
        await until(() => farEnd.underWay.length === 5);
      }),
    );
  });

  describe(`${name}: an owner that is cut off from the store`, () => {
    const leaseMs = 2_000;

    // The clock of the other process may be wrong by less than the part of a lease that its owner does not trust.
    for (const skewMs of [0, 500])
      it(
        `has stopped before another process claims its job, whose clock is ${skewMs} ms ahead`,
        scene(async ({ process, farEnd, storage }) => {
          const [owner, other] = [await process(), await process({ clock: { now: () => Date.now() + skewMs } })];
          const first = owner.work({ leaseMs });
          await release(storage, 'alice@example.com');
          await until(() => farEnd.underWay.length === 1);
          owner.line.isDown = true;
          other.work({ leaseMs });
          await until(() => farEnd.begun.length === 2);
          farEnd.answer();
          await until(() => farEnd.done.length === 1);
          const address = 'alice@example.com';
          assert.deepEqual(farEnd.events, [
            `${address} begins`,
            `${address} stopped`,
            `${address} begins`,
            `${address} done`,
          ]);
          owner.line.isDown = false;
          await first.idle();
          assert.ok(owner.logged.some(({ text }) => /lease was lost/.test(text)));
          assert.equal(farEnd.begun.length, 2);
        }),
      );

    it(
      'knows when it slept too long before any timer has run',
      scene(async ({ process, farEnd, storage }) => {
        const owner = await process();
        const answers: (boolean | undefined)[] = [];
        const sleeper = {
          deliver(attempt: DeliveryAttempt) {
            answers.push(attempt.mayStillSend?.());
            // Stands still as a whole, as a paused machine does.
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs * 0.75);
            answers.push(attempt.mayStillSend?.(), attempt.signal.aborted);
            farEnd.answer();
            return farEnd.deliver({ ...attempt, signal: AbortSignal.abort() });
          },
          close: () => Promise.resolve(),
        };
        const targets = { delivery: sleeper, reports: [], outgoing: '' };
        const worker = owner.work({ leaseMs, targets });
        const id = await release(storage, 'alice@example.com');
        await until(() => answers.length >= 3);
        await worker.close(0);
        assert.deepEqual(answers.slice(0, 3), [true, false, true]);
        assert.equal((await storage.worker.get(id))?.delivery?.attempts, 0, 'given back untried');
      }),
    );

    it(
      'goes on while the lease is good, and renews it when the store is back',
      scene(async ({ process, farEnd, storage }) => {
        const longLeaseMs = 3_000;
        const [owner, other] = [await process(), await process()];
        owner.work({ leaseMs: longLeaseMs });
        const id = await release(storage, 'alice@example.com');
        await until(() => farEnd.underWay.length === 1);
        const claimed = (await storage.worker.get(id))?.delivery?.lease?.until ?? Infinity;
        other.work({ leaseMs: longLeaseMs });
        owner.line.isDown = true;
        await until(() => owner.line.refused > 0);
        owner.line.isDown = false;
        await until(() => Date.now() > claimed);
        assert.deepEqual(farEnd.events, ['alice@example.com begins']);
        farEnd.answer();
        await until(async () => (await storage.worker.get(id))?.delivery?.state === 'done');
        assert.equal(farEnd.begun.length, 1);
      }),
    );

    it(
      'keeps the answer that it has got until the store takes it, and the others let it go first',
      scene(async ({ process, farEnd, storage }) => {
        const [owner, other] = [await process(), await process()];
        owner.work({ leaseMs });
        const id = await release(storage, 'alice@example.com');
        await until(() => farEnd.underWay.length === 1);
        const lease = (await storage.worker.get(id))?.delivery?.lease;
        other.work({ leaseMs });
        for (const { line } of [owner, other]) line.isDown = true;
        farEnd.answer();
        await until(() => farEnd.done.length === 1);
        const heldUntil = (await storage.worker.get(id))?.delivery?.lease?.until ?? 0;
        assert.ok(lease && heldUntil >= lease.until);
        // Long over for everybody; and both have asked in vain meanwhile.
        await until(() => Date.now() > heldUntil && owner.line.refused > 2 && other.line.refused > 2);
        other.line.isDown = false;
        await until(() => other.line.leasedAsked > 0);
        owner.line.isDown = false;
        await until(async () => (await storage.worker.get(id))?.delivery?.state === 'done');
        assert.equal(farEnd.begun.length, 1);
        assert.equal((await storage.worker.get(id))?.delivery?.attempts, 1);
      }),
    );

    it(
      'ends when it is told to, although nobody takes what became of an attempt that was stopped before',
      scene(async ({ process, farEnd, storage }) => {
        const owner = await process();
        const worker = owner.work({ leaseMs });
        const id = await release(storage, 'alice@example.com');
        await until(() => farEnd.underWay.length === 1);
        owner.line.isDown = true;
        await until(() => farEnd.stopped.length === 1);
        await worker.close(0);
        assert.equal((await storage.worker.get(id))?.delivery?.state, 'due');
      }),
    );
  });

  it(
    `${name}: an owner that reaches the store keeps its job although another clock is half a lease ahead`,
    scene(async ({ process, farEnd, storage }) => {
      const leaseMs = 3_000;
      const ahead = { now: () => Date.now() + leaseMs / 2 };
      const [owner, other] = [await process(), await process({ clock: ahead })];
      owner.work({ leaseMs });
      const id = await release(storage, 'alice@example.com');
      await until(() => farEnd.underWay.length === 1);
      const claimed = (await storage.worker.get(id))?.delivery?.lease?.until ?? Infinity;
      other.work({ leaseMs });
      await until(() => ahead.now() > claimed + leaseMs / 4);
      farEnd.answer();
      await until(async () => (await storage.worker.get(id))?.delivery?.state === 'done');
      assert.equal(farEnd.begun.length, 1);
    }),
  );
}
