// The back-off of deliveries and reports, and when a job may be claimed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jobsEndedAt, nextClaimAt, retryDelayMs } from '../../src/quarantine/job.ts';
import type { Delivery } from '../../src/quarantine/job.ts';
import { orderDelivery, orderReport } from '../../src/quarantine/orders.ts';
import { bareMessage } from '../helpers/bare-message.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe('the delay before the next attempt', () => {
  it('is 15 minutes for 2 hours, then grows by half until 16 hours, then is 6 hours', () => {
    const attempts: number[] = [];
    let elapsedMs = 0;
    let delayMs = 0;
    while (elapsedMs < 4 * 24 * hourMs) {
      delayMs = retryDelayMs(elapsedMs, delayMs);
      elapsedMs += delayMs;
      attempts.push(Math.round(elapsedMs / minuteMs));
    }
    // Minutes since the order: eight times 15, then each gap half as long again, then every 360.
    assert.deepEqual(attempts.slice(0, 15), [15, 30, 45, 60, 75, 90, 105, 120, 143, 176, 227, 303, 417, 588, 844]);
    assert.deepEqual(attempts.slice(15, 18), [1204, 1564, 1924]);
    assert.ok(Math.abs((attempts.at(-1) ?? 0) - 4 * 24 * 60) <= 360);
  });

  it('is a whole number of milliseconds', () => {
    for (let delayMs = 900_000, i = 0; i < 10; i++) {
      delayMs = retryDelayMs(3 * hourMs, delayMs);
      assert.ok(Number.isInteger(delayMs));
    }
  });
});

describe('when a job may be claimed', () => {
  const origin = { by: 'global', cause: 'MOVE' as const, now: 1000 };
  const message = orderReport(orderDelivery(bareMessage(), origin), 'ham', ['one', 'two'], origin);

  it('is at once when it was just ordered, and never when there is none', () => {
    assert.equal(nextClaimAt(message.delivery, message.report), 1000);
    assert.equal(nextClaimAt(null, null), null);
    assert.equal(jobsEndedAt(null, null), 0);
  });

  it('is when the lease of another worker has run out', () => {
    const leased: Delivery = { ...(message.delivery as Delivery), lease: { token: 'x', until: 5000 } };
    assert.equal(nextClaimAt(leased, null), 5000);
    assert.equal(nextClaimAt({ ...leased, state: 'done' }, null), null);
  });

  it('the jobs have ended only when the last of them has', () => {
    const done: Delivery = { ...(message.delivery as Delivery), state: 'done', endedAt: 3000 };
    assert.equal(jobsEndedAt(done, message.report), null);
    assert.equal(jobsEndedAt(done, null), 3000);
  });
});
