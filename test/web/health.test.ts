// What /readyz is made of: each check by itself, and what they make together.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import type { MailboxState } from '../../src/quarantine/ports.ts';
import { certificateCheck, storeCheck, workerCheck } from '../../src/web/checks.ts';
import type { Validity } from '../../src/web/checks.ts';
import { createHealth, reportText } from '../../src/web/health.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;
const now = Date.UTC(2026, 0, 5);

describe('a process', () => {
  test('is ready between its start and its end, and says why not before and after', async () => {
    const health = createHealth();
    const said = async () => reportText(await health.report());
    assert.equal(await said(), 'not ready\nfail serving: the server is starting\n');
    health.started();
    assert.equal(await said(), 'ready\nok   serving: the server takes new work\n');
    health.stopping();
    assert.match(await said(), /^not ready\nfail serving: the server is stopping/);
    // A start that ends while it is being stopped.
    health.started();
    assert.equal((await health.report()).ready, false);
  });

  test('is not ready when one check fails, and is when one only warns', async () => {
    const health = createHealth();
    health.started();
    health.add({ name: 'a', look: () => ({ state: 'warn', text: 'soon' }) });
    assert.equal((await health.report()).ready, true);
    health.add({ name: 'b', look: () => Promise.resolve({ state: 'fail', text: 'gone' }) });
    assert.equal((await health.report()).ready, false);
  });

  test('counts a check that throws as failed, without telling what it threw', async () => {
    const health = createHealth();
    health.started();
    health.add({ name: 'a', look: () => Promise.reject(new Error('/srv/secret.ts')) });
    const { ready, checks } = await health.report();
    assert.equal(ready, false);
    assert.deepEqual(checks[1], { name: 'a', state: 'fail', text: 'could not be checked' });
  });
});

describe('the store', () => {
  test('is reachable when it answers', async () => {
    await using test = await openTestQuarantine();
    const finding = await storeCheck(test.quarantine).look();
    assert.equal(finding.state, 'ok');
    assert.match(finding.text, /^the store answered in \d+ ms$/);
  });

  test('is not when it refuses, and is again as soon as it answers again', async () => {
    let isDown = true;
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        dropStatus: (...asked) =>
          isDown ? Promise.reject(new TemporaryError('locked')) : storage.dropStatus(...asked),
      }),
    });
    const check = storeCheck(test.quarantine);
    assert.equal((await check.look()).state, 'fail');
    isDown = false;
    assert.equal((await check.look()).state, 'ok');
  });

  test('is not when it does not answer in time, and is not asked again before it does', async () => {
    const { promise: answer, resolve } = Promise.withResolvers<MailboxState>();
    let asked = 0;
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        dropStatus: () => {
          asked++;
          return answer;
        },
      }),
    });
    const check = storeCheck(test.quarantine, 5);
    for (let i = 0; i < 3; i++)
      assert.deepEqual(await check.look(), {
        state: 'fail',
        text: 'the store did not answer within 0.005 s, or not with success',
      });
    assert.equal(asked, 1);
    resolve({ uidValidity: 1, uidNext: 1, modseq: 1 });
    await answer;
    assert.equal((await check.look()).state, 'ok');
  });
});

test('a worker that has not looked for a minute is stuck', () => {
  assert.deepEqual(workerCheck(() => 31_000).look(), {
    state: 'ok',
    text: 'the worker looked for due jobs 31 s ago',
  });
  assert.deepEqual(workerCheck(() => 60_000).look(), {
    state: 'fail',
    text: 'the worker looked for due jobs 60 s ago and is stuck',
  });
});

describe('a certificate', () => {
  const one = (state: Validity['state'], validTo: number, isOwn = false): Validity => ({ state, validTo, isOwn });
  const rows: [what: string, served: Validity[], state: string, text: string][] = [
    ['that is valid', [one('valid', now + 90 * dayMs)], 'ok', 'the certificates are valid until 2026-04-05 or longer'],
    ['that ends soon', [one('ends soon', now + 10 * dayMs)], 'warn', 'a certificate expires on 2026-01-15, in 10 days'],
    [
      'that ends tomorrow',
      [one('ends soon', now + 1.5 * dayMs)],
      'warn',
      'a certificate expires on 2026-01-06, in 1 day',
    ],
    ['that has expired', [one('expired', now - dayMs)], 'fail', 'a certificate expired on 2026-01-04'],
    ['of next month', [one('not yet valid', now + 90 * dayMs)], 'fail', 'a certificate is not valid yet'],
    [
      'of our own that ends soon',
      [one('ends soon', now + 3 * dayMs, true)],
      'ok',
      'the self-signed certificate is renewed by this server on 2026-01-08',
    ],
    [
      'of our own that could not be renewed',
      [one('expired', now - dayMs, true)],
      'fail',
      'a certificate expired on 2026-01-04',
    ],
    [
      'among others, the worst of which counts',
      [one('valid', now + 90 * dayMs), one('expired', now - dayMs), one('ends soon', now + dayMs)],
      'fail',
      'a certificate expired on 2026-01-04',
    ],
    ['that is not there', [], 'fail', 'there is no certificate'],
  ];
  for (const [what, served, state, text] of rows) {
    test(`${what}: ${state}`, () => {
      const check = certificateCheck(
        () => served,
        () => now,
      );
      assert.deepEqual(check.look(), { state, text });
    });
  }
});
