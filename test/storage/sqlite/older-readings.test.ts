// A store of version 4 is listed rightly from the first moment, and fast once its readings were moved.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as breathe } from 'node:timers/promises';
import type { PackedQuery, Storage } from '../../../src/quarantine/ports.ts';
import type { Reading } from '../../../src/quarantine/reading/reading.ts';
import { openConnection } from '../../../src/storage/sqlite/connection.ts';
import type { Connection } from '../../../src/storage/sqlite/connection.ts';
import { largestUid } from '../../../src/storage/shown.ts';
import { migrate } from '../../../src/storage/sqlite/migrations.ts';
import { openMovableSqlite } from '../../../src/storage/sqlite/movable.ts';
import { moveOlderReadings } from '../../../src/storage/sqlite/older-readings.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { verifyStore } from '../../../src/storage/verify-store.ts';
import type { Fault } from '../../../src/storage/verify-store.ts';
import { arrivedAt, insertMessage, newContent, newMessage } from '../../helpers/messages.ts';
import { change, removed } from '../contract/changes.ts';
import { alice } from '../contract/store.ts';
import { copyIntoVersion } from './older-store.ts';
import { temporaryStore } from './temporary-store.ts';
import type { TemporaryStore } from './temporary-store.ts';

/** Not ASCII and not UTF-8, so that a byte that is lost on the way shows. */
const source = (i: number): Buffer => Buffer.from(`Subject: \xe4\0${i}\r\n\r\n`, 'latin1');

const query: PackedQuery = { values: ['envelope', 'bodyStructure', 'listHeader'], also: [], limit: 1000 };
const everything = [{ from: 1, to: 1000 }];
const count = 250;

/** Stores messages in `store` and copies them into `old` as version 4 had them; answers their readings in the order of their UIDs. */
async function olderStore(store: TemporaryStore, old: TemporaryStore): Promise<Reading[]> {
  const storage = await openSqlite(store.path, { log: store.log });
  const contents = Array.from({ length: count }, (_, i) => newContent(source(i)));
  const messages = await Promise.all(contents.map((content) => insertMessage(storage, { content })));
  const readings = await storage.readings(
    alice,
    messages.map(({ id }) => id),
  );
  await storage.close();
  copyIntoVersion(4, store.path, old.path);
  return readings.filter((reading) => reading !== null);
}

async function packedReadings(storage: Storage): Promise<(string | null)[][]> {
  const { uids, positions, bytes } = await storage.listPacked(alice, 'caught', everything, query);
  return Array.from(uids, (_, i) =>
    query.values.map((_, value) => {
      const [start = -1, end = -1] = positions.subarray((i * query.values.length + value) * 2);
      return start < 0 ? null : bytes.toString('latin1', start, end);
    }),
  );
}

const valuesOf = (reading: Reading): (string | null)[] => [reading.envelope, reading.bodyStructure, reading.listHeader];
const left = (connection: Connection): number | undefined =>
  connection.get<{ value: number }>(`SELECT value FROM store WHERE name = 'unprepared'`)?.value;

async function faultsOf(path: string): Promise<Fault[]> {
  const store = await openMovableSqlite(path, 'verify');
  const faults: Fault[] = [];
  await verifyStore(store.source, { onFault: (fault) => faults.push(fault) });
  await store.close();
  return faults;
}

describe('a store of version 4', () => {
  test('has all its readings before they are moved, and packs none of them', async () => {
    using store = temporaryStore();
    using old = temporaryStore();
    const readings = await olderStore(store, old);
    const connection = old.connect();
    assert.equal(left(connection), count);
    connection.close();
    assert.deepEqual(await faultsOf(old.path), []);
    // Another process writes, so that this one cannot move anything yet.
    const busy = openConnection(old.path, { readOnly: false });
    busy.database.exec('BEGIN IMMEDIATE');
    const storage = await openSqlite(old.path, { log: old.log });
    const listed = await storage.list(alice, 'caught', everything);
    assert.deepEqual(
      await storage.readings(
        alice,
        listed.map(({ id }) => id),
      ),
      readings,
    );
    assert.deepEqual(
      await packedReadings(storage),
      readings.map(() => [null, null, null]),
    );
    busy.database.exec('ROLLBACK');
    busy.close();
    await storage.close();
  });

  test('packs all its readings after a while, and goes on where it was interrupted', async () => {
    using store = temporaryStore();
    using old = temporaryStore();
    const readings = await olderStore(store, old);
    await (await openSqlite(old.path, { log: old.log })).close();
    const storage = await openSqlite(old.path, { log: old.log });
    const connection = openConnection(old.path, { readOnly: true });
    while (left(connection) !== undefined) await breathe();
    assert.deepEqual(await packedReadings(storage), readings.map(valuesOf));
    const [first] = connection.column<string>('SELECT reading FROM contents');
    assert.ok(!('envelope' in (JSON.parse(first ?? '') as object)), 'nothing is stored twice');
    connection.close();
    await storage.close();
    assert.deepEqual(await faultsOf(old.path), []);
    assert.deepEqual(old.logged, []);
  });

  test('is moved newest first, and one damaged reading keeps no other from it', async () => {
    using store = temporaryStore();
    using old = temporaryStore();
    await olderStore(store, old);
    const connection = openConnection(old.path, { readOnly: false });
    migrate(connection);
    connection.run(`UPDATE contents SET reading = '{' WHERE number = 120`);
    const moved = (): number[] => connection.column('SELECT content FROM prepared_structures ORDER BY content');
    const step = (): boolean => moveOlderReadings({ connection, uidLimit: largestUid }).result.more;
    // None of this has to be durable.
    connection.database.exec('BEGIN');
    assert.equal(step(), true);
    assert.deepEqual(moved(), numbers(151, 250));
    assert.deepEqual([step(), step(), step()], [true, false, false]);
    assert.deepEqual(moved(), [...numbers(1, 119), ...numbers(121, 250)]);
    assert.equal(connection.get('SELECT 1 FROM messages WHERE content_number IS NULL'), undefined);
    connection.close();
  });

  test('takes new mail with the same bytes, newer readings and removals while it is moved', async () => {
    using store = temporaryStore();
    using old = temporaryStore();
    const readings = await olderStore(store, old);
    const connection = old.connect();
    connection.close();
    const storage = await openSqlite(old.path, { log: old.log });
    const content = newContent(source(7));
    const again = newMessage({ content });
    await storage.insert({ content, messages: [again], skipKnown: false }, arrivedAt);
    const newer = { ...content.reading, version: content.reading.version + 1, envelope: '(NEWER)' };
    await storage.keepContent({ ...content, reading: newer }, arrivedAt);
    const [first] = await storage.list(alice, 'caught', everything);
    await change(storage, first?.id ?? '', removed());
    const reader = openConnection(old.path, { readOnly: true });
    while (left(reader) !== undefined) await breathe();
    reader.close();
    const expected = readings.map(valuesOf);
    expected[7] = valuesOf(newer);
    expected.push(valuesOf(newer));
    assert.deepEqual(await packedReadings(storage), expected.slice(1));
    await storage.close();
    assert.deepEqual(await faultsOf(old.path), []);
  });
});

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
