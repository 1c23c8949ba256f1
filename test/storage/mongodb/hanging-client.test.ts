// A client that hangs: no operation waits for it for ever, and it is noticed.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { Collection, Document, MongoClient } from 'mongodb';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Log } from '../../../src/quarantine/ports.ts';
import { inTimeCollection } from '../../../src/storage/mongodb/deadline.ts';
import { watchHeartbeats } from '../../../src/storage/mongodb/heartbeats.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('an operation that is never answered is told to try again, whether awaited at once or step by step', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const hanging = inTimeCollection(hangingCollection(), 5_000);
  const waiting = [
    hanging.findOne({}),
    hanging.find().sort({ _id: 1 }).limit(1).toArray(),
    (async () => {
      for await (const document of hanging.find()) assert.fail(JSON.stringify(document));
    })(),
  ].map((each) => assert.rejects(each, TemporaryError));
  // Until the loop has asked for its first document.
  await Promise.resolve();
  t.mock.timers.tick(5_001);
  await Promise.all(waiting);
});

test('an operation that is answered is what it was', async () => {
  const found = [{ _id: 1 }, { _id: 2 }];
  const collection = inTimeCollection(answeringCollection(found));
  assert.deepEqual(await collection.findOne({}), found[0]);
  assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), found);
  const seen: unknown[] = [];
  for await (const document of collection.find().batchSize(1)) seen.push(document);
  assert.deepEqual(seen, found);
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

/** As far as these tests ask it. */
function hangingCollection(): Collection<Document> {
  const cursor = {
    sort: () => cursor,
    limit: () => cursor,
    toArray: never,
    next: never,
    close: () => Promise.resolve(),
  };
  return { findOne: never, find: () => Object.assign(cursor, iterable) } as unknown as Collection<Document>;
}

function answeringCollection(found: readonly Document[]): Collection<Document> {
  const find = (): object => {
    const left = [...found];
    const cursor = {
      sort: () => cursor,
      batchSize: () => cursor,
      toArray: () => Promise.resolve(left),
      next: () => Promise.resolve(left.shift() ?? null),
      close: () => Promise.resolve(),
    };
    return Object.assign(cursor, iterable);
  };
  return { findOne: () => Promise.resolve(found[0]), find } as unknown as Collection<Document>;
}

/** The driver's own iteration, which has no limit and must not be used. */
const iterable = { [Symbol.asyncIterator]: () => assert.fail('iterated without a limit') };

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
