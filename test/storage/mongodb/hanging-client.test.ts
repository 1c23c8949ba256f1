// A client that hangs: nobody waits for it for ever, and it is noticed.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import { createGate } from '../../../src/storage/mongodb/gate.ts';
import { watchHeartbeats } from '../../../src/storage/mongodb/heartbeats.ts';

const never = (): Promise<string> => new Promise(() => undefined);
const minute = 60_000;

test('a call that is never answered is told to try again, and does not keep the storage from closing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gate = createGate(5_000);
  const { hang, work } = gate.behind({ hang: never, work: () => Promise.resolve('done') });
  assert.equal(await work(), 'done');
  const hanging = assert.rejects(hang(), TemporaryError);
  const closed = gate.close();
  t.mock.timers.tick(5_001);
  await hanging;
  await closed;
});

test('what may take as long as it likes is not given up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let finish: (text: string) => void = () => undefined;
  const purge = (): Promise<string> => new Promise((resolve) => (finish = resolve));
  const long = createGate(5_000).behind({ purge }, ['purge']).purge();
  t.mock.timers.tick(minute);
  finish('purged');
  assert.equal(await long, 'purged');
});

test('a server that was asked for its heartbeat and neither answered nor failed for a minute is named', () => {
  const client = new EventEmitter();
  const heartbeats = watchHeartbeats(client as unknown as MongoClient);
  const later = Date.now() + 2 * minute;
  assert.equal(heartbeats.stuck(later), null, 'nobody was asked');
  client.emit('serverHeartbeatStarted', { connectionId: 'a:1' });
  client.emit('serverHeartbeatStarted', { connectionId: 'b:1' });
  assert.equal(heartbeats.stuck(), null);
  assert.equal(heartbeats.stuck(later), 'a:1');
  client.emit('serverHeartbeatSucceeded', { connectionId: 'a:1' });
  assert.equal(heartbeats.stuck(later), 'b:1');
  client.emit('serverHeartbeatFailed', { connectionId: 'b:1' });
  assert.equal(heartbeats.stuck(later), null);
  client.emit('serverHeartbeatStarted', { connectionId: 'c:1' });
  client.emit('serverClosed', { address: 'c:1' });
  assert.equal(heartbeats.stuck(later), null, 'it does not belong to the deployment any more');
});
