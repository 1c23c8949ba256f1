// A client that hangs: nobody waits for it for ever, and it is noticed.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Log } from '../../../src/quarantine/ports.ts';
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

test('a server that was asked for its heartbeat and neither answered nor failed in time is named', () => {
  const client = fakeClient();
  const heartbeats = watchHeartbeats(client, recordingLog([]));
  const later = Date.now() + 20_000;
  assert.equal(heartbeats.stuck(later), null, 'nobody was asked');
  client.emit('serverHeartbeatStarted', { connectionId: 'a:1' });
  client.emit('serverHeartbeatStarted', { connectionId: 'b:1' });
  assert.equal(heartbeats.stuck(), null);
  assert.equal(heartbeats.stuck(later), 'a:1');
  client.emit('serverHeartbeatSucceeded', { connectionId: 'a:1' });
  assert.equal(heartbeats.stuck(later), 'b:1');
  client.emit('serverHeartbeatFailed', { connectionId: 'b:1', failure: new Error('gone') });
  assert.equal(heartbeats.stuck(later), null);
  client.emit('serverHeartbeatStarted', { connectionId: 'c:1' });
  client.emit('serverClosed', { address: 'c:1' });
  assert.equal(heartbeats.stuck(later), null, 'it does not belong to the deployment any more');
});

test('the log says once that a server is away, and once that it is back', () => {
  const client = fakeClient();
  const lines: string[] = [];
  watchHeartbeats(client, recordingLog(lines));
  client.emit('serverHeartbeatSucceeded', { connectionId: 'a:1' });
  for (let i = 0; i < 3; i++)
    client.emit('serverHeartbeatFailed', { connectionId: 'a:1', failure: new Error('ECONNREFUSED') });
  client.emit('serverHeartbeatSucceeded', { connectionId: 'a:1' });
  client.emit('serverHeartbeatSucceeded', { connectionId: 'a:1' });
  assert.deepEqual(lines, [
    'warn a:1 a server of the store does not answer',
    'info a:1 a server of the store answers again, after 0 s',
  ]);
});

type FakeClient = EventEmitter & Pick<MongoClient, 'on' | 'options'>;

function fakeClient(): FakeClient {
  const options = { connectTimeoutMS: 5_000, heartbeatFrequencyMS: 5_000 };
  return Object.assign(new EventEmitter(), { options }) as unknown as FakeClient;
}

function recordingLog(lines: string[]): Log {
  const write =
    (level: string): Log['info'] =>
    (fields, text) =>
      void lines.push(`${level} ${'server' in fields ? String(fields.server) : ''} ${text}`);
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
