// LMTP: each recipient has an answer of its own after the final dot, and each one counts by itself.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Step } from '../helpers/far-end.ts';
import { attemptTo, brief, newTarget, outcomesWith, sampleContent, traceLine } from './delivery.ts';

test('over LMTP each recipient has its own answer after the final dot', async (t) => {
  const recipients = ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com', 'e@example.com'];
  const step: Step = {
    rcpt: { 'b@example.com': '550 5.1.1 no' },
    end: {
      'a@example.com': '250 2.0.0 a stored',
      'c@example.com': '452 4.2.2 c is full',
      'd@example.com': '550 5.7.1 d refuses',
    },
  };
  for (const extensions of [['PIPELINING'], []]) {
    const { outcomes, farEnd } = await outcomesWith(t, step, { recipients, farEnd: { protocol: 'lmtp', extensions } });
    assert.deepEqual(brief(outcomes), [
      'accepted 250 2.0.0 a stored',
      'permanent 550 5.1.1 no',
      'temporary 452 4.2.2 c is full',
      'permanent 550 5.7.1 d refuses',
      'accepted 250 2.0.0 accepted',
    ]);
    assert.match(farEnd.sessions[0]?.lines[0] ?? '', /^LHLO quarantine\.example\.net$/);
  }
});

for (const misbehaviour of ['drop', 'silence', '421 4.3.2 closing']) {
  test(`over LMTP, who was confirmed before "${misbehaviour}" stays confirmed`, async (t) => {
    const recipients = ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com'];
    const { outcomes } = await outcomesWith(
      t,
      { end: { 'b@example.com': '550 5.7.1 no', 'c@example.com': misbehaviour } },
      { recipients, farEnd: { protocol: 'lmtp' }, target: { timeouts: { replyMs: 1_000 } } },
    );
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['accepted', 'permanent', 'temporary', misbehaviour.startsWith('421') ? 'accepted' : 'temporary'],
    );
  });
}

test('over LMTP, answers that come in one piece with the end of the connection all count', async (t) => {
  const recipients = Array.from({ length: 30 }, (_, index) => `user${index}@example.com`);
  // All thirty replies in the place of the first, then the connection ends.
  const all = recipients.map((_, index) => `250 2.0.0 number ${index}`).join('\r\n');
  const { outcomes } = await outcomesWith(
    t,
    { end: { 'user0@example.com': all, 'user1@example.com': 'drop' } },
    { recipients, farEnd: { protocol: 'lmtp' } },
  );
  assert.deepEqual(
    brief(outcomes),
    recipients.map((_, index) => `accepted 250 2.0.0 number ${index}`),
  );
});

test('LMTP to a Unix socket', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-lmtp-'));
  t.after(() => rm(directory, { recursive: true }));
  const { outcomes, farEnd } = await outcomesWith(
    t,
    {},
    { farEnd: { protocol: 'lmtp', path: join(directory, 'lmtp') } },
  );
  assert.equal(outcomes[0]?.outcome, 'accepted');
  assert.deepEqual((await farEnd.nextReceived()).content, Buffer.concat([traceLine, sampleContent]));
  const missing = await newTarget(t).deliver(attemptTo(`lmtp:${join(directory, 'nothing')}`));
  assert.deepEqual(brief(missing), ['temporary no connection: the socket does not exist (ENOENT)']);
});
