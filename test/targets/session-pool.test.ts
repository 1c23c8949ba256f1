// Connections are shared, bounded and closed, and a dead one costs nobody a message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFarEnd, type Step } from '../helpers/far-end.ts';
import { attemptTo, brief, newFarEnd, newTarget } from './delivery.ts';

test('messages to one far end share a connection, and close() says goodbye', { timeout: 10_000 }, async (t) => {
  const farEnd = await newFarEnd(t);
  const target = newTarget(t, { idleMs: 3_600_000 });
  for (let index = 0; index < 3; index += 1) {
    const [outcome] = await target.deliver(attemptTo(farEnd.url));
    assert.equal(outcome?.outcome, 'accepted');
  }
  assert.equal(farEnd.sessions.length, 1);
  await target.close();
  await farEnd.sessions[0]?.ended;
  assert.equal(farEnd.sessions[0]?.lines.at(-1), 'QUIT');
  const [late] = await target.deliver(attemptTo(farEnd.url));
  assert.equal(late?.outcome, 'temporary');
  assert.equal(farEnd.sessions.length, 1);
});

test('a connection that nobody needs is closed', async (t) => {
  const farEnd = await newFarEnd(t);
  await newTarget(t, { idleMs: 1 }).deliver(attemptTo(farEnd.url));
  await farEnd.sessions[0]?.ended;
  assert.equal(farEnd.sessions[0]?.lines.at(-1), 'QUIT');
});

test('an idle connection that the far end closed meanwhile, or closes with 421, costs nothing', async (t) => {
  const restarted = await startFarEnd();
  const target = newTarget(t);
  await target.deliver(attemptTo(restarted.url));
  await restarted.close();
  const again = await newFarEnd(t, { port: restarted.port });
  assert.equal((await target.deliver(attemptTo(again.url)))[0]?.outcome, 'accepted');

  for (const mail of ['421 4.4.2 idle for too long', 'drop', 'reset']) {
    const farEnd = await newFarEnd(t, { script: [{}, { mail }] });
    assert.equal((await target.deliver(attemptTo(farEnd.url)))[0]?.outcome, 'accepted');
    assert.equal((await target.deliver(attemptTo(farEnd.url)))[0]?.outcome, 'accepted', mail);
    assert.equal(farEnd.sessions.length, 2);
    assert.equal(farEnd.received.length, 2);
  }
});

test('a message lost after the final dot is not sent again in the same attempt, over a used connection either', async (t) => {
  const farEnd = await newFarEnd(t, { script: [{}, { end: 'drop' }] });
  const target = newTarget(t);
  await target.deliver(attemptTo(farEnd.url));
  assert.equal((await target.deliver(attemptTo(farEnd.url)))[0]?.outcome, 'temporary');
  assert.equal(farEnd.received.length, 2);
});

test('there are never more connections than allowed, and everybody has a turn', async (t) => {
  const gate = Promise.withResolvers<string>();
  const step: Step = { end: () => gate.promise };
  const farEnd = await newFarEnd(t, { script: [step, step] });
  const target = newTarget(t, { maxConnections: 2 });
  const deliveries = Array.from({ length: 6 }, () => target.deliver(attemptTo(farEnd.url)));
  await farEnd.nextReceived();
  await farEnd.nextReceived();
  const impatient = new AbortController();
  const waiting = target.deliver(attemptTo(farEnd.url, { signal: impatient.signal }));
  impatient.abort();
  assert.equal((await waiting)[0]?.outcome, 'temporary', 'who waits for a connection can be stopped');
  gate.resolve('250 2.0.0 finally');
  for (const delivery of deliveries) assert.equal((await delivery)[0]?.outcome, 'accepted');
  assert.equal(farEnd.sessions.length, 2);
  assert.equal(farEnd.received.length, 6);
});

test('close() ends an attempt that is under way as temporary', async (t) => {
  const never = new Promise<string>(() => undefined);
  const farEnd = await newFarEnd(t, { script: [{ end: () => never }] });
  const target = newTarget(t);
  const delivery = target.deliver(attemptTo(farEnd.url));
  await farEnd.nextReceived();
  await target.close();
  assert.deepEqual(brief(await delivery), ['temporary the attempt was stopped before the server had answered']);
});
