// What the log and the meter are told by the domain: once for each thing that happened, however often it was tried to write it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claimDue } from '../../src/quarantine/claims.ts';
import { StaleError } from '../../src/quarantine/errors.ts';
import type { Meter } from '../../src/quarantine/meter.ts';
import { releaseByOperator } from '../../src/quarantine/operator.ts';
import { recordDelivery } from '../../src/quarantine/outcomes.ts';
import type { RecipientOutcome } from '../../src/quarantine/target.ts';
import { sweep } from '../../src/quarantine/retention.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;

function countingMeter(): { meter: Meter; counted: string[] } {
  const counted: string[] = [];
  return {
    counted,
    meter: {
      count: (counter, labels, by = 1) => void counted.push(`${counter} ${Object.values(labels).join(' ')} ${by}`),
      time: () => undefined,
      set: () => undefined,
    },
  };
}

describe('the outcome of a delivery', () => {
  const rows: [outcome: RecipientOutcome['outcome'], told: string][] = [
    ['accepted', 'done'],
    ['temporary', 'deferred'],
    ['permanent', 'failed'],
  ];
  for (const [outcome, told] of rows) {
    test(`${outcome} is told once as ${told}, although the message was changed in between`, async () => {
      let stale = 0;
      await using test = await openTestQuarantine({
        wrapStorage: (storage) => ({
          ...storage,
          commit: (...given) => (stale-- > 0 ? Promise.reject(new StaleError()) : storage.commit(...given)),
        }),
      });
      const { meter, counted } = countingMeter();
      const quarantine = { ...test.quarantine, meter };
      const { id, envelope } = await insertMessage(test.storage);
      await releaseByOperator(quarantine, id, { again: false });
      const [claim] = await claimDue(quarantine, {
        limit: 1,
        leaseMs: 10_000,
        exceptDomains: [],
        isWanted: () => true,
      });
      assert.ok(claim);
      stale = 2;
      const outcomes = envelope.recipients.map((address) => ({ address, outcome, reply: 'so be it' }));
      assert.equal(await recordDelivery(quarantine, claim, outcomes), true);
      assert.equal(stale, -1, 'written at the third attempt');
      const lines = test.logged.filter(({ fields }) => fields['event'] === 'delivery');
      assert.deepEqual(
        lines.map(({ level, fields }) => [level, fields['message'], fields['outcome'], fields['reply']]),
        [['info', id, told, 'so be it']],
      );
      assert.deepEqual(counted, [`deliveries smtp ${told} 1`]);
    });
  }

  test('is not told when the lease was lost, because it counts for nothing', async () => {
    await using test = await openTestQuarantine();
    const { meter, counted } = countingMeter();
    const quarantine = { ...test.quarantine, meter };
    const { id, envelope } = await insertMessage(test.storage);
    await releaseByOperator(quarantine, id, { again: false });
    const order = { limit: 1, leaseMs: 10_000, exceptDomains: [], isWanted: () => true };
    const [lost] = await claimDue(quarantine, order);
    test.clock.advance(dayMs);
    assert.equal((await claimDue(quarantine, order)).length, 1);
    assert.ok(lost);
    const outcomes = envelope.recipients.map((address) => ({ address, outcome: 'accepted' as const, reply: '250' }));
    assert.equal(await recordDelivery(quarantine, lost, outcomes), false);
    assert.deepEqual(
      test.logged.filter(({ fields }) => fields['event'] === 'delivery'),
      [],
    );
    assert.deepEqual(counted, []);
  });
});

test('a sweep that took something away is told, one that did not only to those who look for it', async () => {
  await using test = await openTestQuarantine();
  await insertMessage(test.storage);
  const told = () =>
    test.logged
      .filter(({ fields }) => fields['event'] === 'sweep')
      .map(({ level, fields }) => `${level} ${String(fields['expired'])}`);
  await sweep(test.quarantine);
  assert.deepEqual(told(), ['debug 0']);
  test.clock.advance(15 * dayMs);
  await sweep(test.quarantine);
  await sweep(test.quarantine);
  assert.deepEqual(told(), ['debug 0', 'info 1', 'debug 0']);
});
