// Large contents whose process dies, or stands still, while their file comes or goes: nothing of it is left behind, and nothing that is needed
// is lost. Run by `npm run test:mongodb`.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { keepContent, readBytes } from '../../src/storage/mongodb/contents.ts';
import type { Connection } from '../../src/storage/mongodb/connection.ts';
import { connect } from '../../src/storage/mongodb/open.ts';
import { purgeContents } from '../../src/storage/mongodb/purge.ts';
import { newContent } from '../../test/helpers/messages.ts';
import { testDatabase } from './test-database.ts';

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const hour = 3_600_000;

describe('a large content', () => {
  let store: Connection;
  let drop: () => Promise<void>;
  beforeEach(async () => {
    const database = testDatabase();
    drop = database.drop;
    store = await connect(database.url, { log });
  });
  afterEach(async () => {
    await store.client.close();
    await drop();
  });

  /** Three chunks. */
  const content = newContent(randomBytes(600_000));
  const { digest, bytes } = content;

  async function counts(): Promise<object> {
    const { contents, files, chunks, unsettled } = store;
    const [ofContents, ofFiles, ofChunks, ofNotes] = await Promise.all([
      contents.countDocuments(),
      files.countDocuments(),
      chunks.countDocuments(),
      unsettled.countDocuments(),
    ]);
    return { contents: ofContents, files: ofFiles, chunks: ofChunks, notes: ofNotes };
  }

  const nothing = { contents: 0, files: 0, chunks: 0, notes: 0 };
  const whole = { contents: 1, files: 1, chunks: 3, notes: 0 };

  /** A purge on a machine whose clock is so far ahead. */
  async function purge(context: TestContext, hours: number, connection = store): Promise<void> {
    const now = Date.now() + hours * hour;
    const clock = context.mock.method(Date, 'now', () => now);
    try {
      await purgeContents(connection, { now, graceMs: 0, signal: undefined });
    } finally {
      clock.mock.restore();
    }
  }

  /** A process that never gets past its first operation of this name; `stopped` resolves when it is there. */
  function dyingAt<Name extends 'contents' | 'files' | 'chunks' | 'unsettled'>(
    name: Name,
    method: keyof Connection[Name],
  ): { connection: Connection; stopped: Promise<void> } {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const collection: object = new Proxy(store[name], {
      get: (target, member): unknown => {
        if (member !== method) return Reflect.get(target, member);
        return () => (resolve(), new Promise(() => undefined));
      },
    });
    return { connection: { ...store, [name]: collection }, stopped };
  }

  /** A process that stands still when two of three chunks are stored; `goOn` lets it store the rest. */
  function slowUploader(): { connection: Connection; stopped: Promise<void>; goOn: () => void } {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const { promise: waiting, resolve: goOn } = Promise.withResolvers<void>();
    let isFirst = true;
    const bucket = Object.create(store.bucket) as Connection['bucket'];
    bucket.openUploadStreamWithId = (...given) => {
      const stream = store.bucket.openUploadStreamWithId(...given);
      if (!isFirst) return stream;
      isFirst = false;
      const end = stream.end.bind(stream);
      stream.end = () => {
        stream.write(bytes.subarray(0, 550_000), () => resolve());
        void waiting.then(() => end(bytes.subarray(550_000)));
        return stream;
      };
      return stream;
    };
    return { connection: { ...store, bucket }, stopped, goOn };
  }

  test('is all gone an hour after a process died in the middle of its upload', async (t) => {
    const { connection, stopped } = slowUploader();
    void keepContent(connection, content, Date.now());
    await stopped;
    const torn = { contents: 0, files: 0, chunks: 2, notes: 1 };
    assert.deepEqual(await counts(), torn);
    await purge(t, 0.9);
    assert.deepEqual(await counts(), torn, 'it may be under way still');
    await purge(t, 1.1);
    assert.deepEqual(await counts(), nothing);
  });

  test('that comes again is stored whole beside what a torn upload has left', async (t) => {
    const { connection, stopped } = slowUploader();
    void keepContent(connection, content, Date.now());
    await stopped;
    await keepContent(store, content, Date.now());
    assert.deepEqual(await counts(), { contents: 1, files: 1, chunks: 5, notes: 1 });
    await store.contents.updateOne({ _id: digest }, { $set: { unchecked: false } });
    await purge(t, 1.1);
    assert.deepEqual(await counts(), whole);
    assert.deepEqual(await readBytes(store, digest), bytes);
  });

  test('is there although the process that stores it stood still for so long that its upload was given up', async (t) => {
    const { connection, stopped, goOn } = slowUploader();
    const kept = keepContent(connection, content, Date.now());
    await stopped;
    await purge(t, 1.1);
    assert.deepEqual(await counts(), nothing);
    goOn();
    await kept;
    assert.deepEqual(await readBytes(store, digest), bytes);
    assert.deepEqual(await counts(), whole);
  });

  test('stays when a process died after it stored it', async (t) => {
    const { connection, stopped } = dyingAt('unsettled', 'deleteOne');
    void keepContent(connection, content, Date.now());
    await stopped;
    assert.deepEqual(await counts(), { ...whole, notes: 1 });
    await store.contents.updateOne({ _id: digest }, { $set: { unchecked: false } });
    await purge(t, 1.1);
    assert.deepEqual(await counts(), whole);
    assert.deepEqual(await readBytes(store, digest), bytes);
  });

  test('that two store at once is stored once', async () => {
    const first = slowUploader();
    const kept = keepContent(first.connection, content, Date.now());
    await first.stopped;
    await keepContent(store, content, Date.now());
    first.goOn();
    await kept;
    assert.deepEqual(await counts(), whole);
  });

  for (const [name, what] of [
    ['contents', 'it was about to delete it'],
    ['files', 'nothing named its file any more'],
    ['chunks', 'its file was deleted'],
  ] as const)
    test(`that nobody needs goes although a purge died when ${what}`, async (t) => {
      await keepContent(store, content, Date.now());
      await purge(t, 1.1);
      const { connection, stopped } = dyingAt(name, name === 'chunks' ? 'deleteMany' : 'deleteOne');
      void purgeContents(connection, { now: Date.now() + 3 * hour, graceMs: hour, signal: undefined });
      await stopped;
      // What it would do next is the purge of another process now.
      await purge(t, 5);
      assert.deepEqual(await counts(), nothing);
    });
});
