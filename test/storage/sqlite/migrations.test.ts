// A store is brought up to date by whoever opens it, once, and never one that is not ours to touch.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { PermanentError, TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import { applicationId, migrate, migrations } from '../../../src/storage/sqlite/migrations.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { openedMailbox } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage } from '../../helpers/messages.ts';
import { copyIntoVersion } from './older-store.ts';
import { temporaryStore } from './temporary-store.ts';
import type { TemporaryStore } from './temporary-store.ts';

const newest = migrations.length;
const pragma = (database: DatabaseSync, name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];

async function assertRefused(store: TemporaryStore, text: RegExp): Promise<void> {
  await assert.rejects(openSqlite(store.path, { log: store.log }), (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.match(error.message, text);
    return true;
  });
}

describe('a store', () => {
  test('carries our mark and the version of its schema', () => {
    using store = temporaryStore();
    const { database } = store.connect();
    assert.equal(pragma(database, 'application_id'), applicationId);
    assert.equal(pragma(database, 'user_version'), newest);
  });

  test('of a newer version is refused with both versions named, and left as it is', async () => {
    using store = temporaryStore();
    const connection = store.connect();
    connection.database.exec(`PRAGMA user_version = ${newest + 3}`);
    connection.close();
    const before = readFileSync(store.path);
    await assertRefused(store, new RegExp(`version ${newest + 3}.*up to ${newest}`));
    assert.ok(readFileSync(store.path).equals(before));
  });

  test('of another program is refused and left as it is', async () => {
    using store = temporaryStore();
    using foreign = new DatabaseSync(store.path);
    foreign.exec('CREATE TABLE notes (text TEXT)');
    const before = readFileSync(store.path);
    await assertRefused(store, /not a Lazaretto store/);
    foreign.exec('DROP TABLE notes; PRAGMA application_id = 1234');
    await assertRefused(store, /not a Lazaretto store/);
    assert.equal(pragma(foreign, 'journal_mode'), 'delete');
    assert.ok(before.length > 0);
  });

  test('that is no database is refused in words that say so, and left as it is', async () => {
    using store = temporaryStore();
    const mail = 'From sender@example.com Mon Jan  5 10:00:00 2026\n'.repeat(100);
    writeFileSync(store.path, mail);
    await assertRefused(store, /is not a database.*backup/);
    assert.equal(readFileSync(store.path, 'utf8'), mail);
  });

  test('in a place that cannot be used is an error and no crash', async () => {
    using store = temporaryStore();
    writeFileSync(store.path, '');
    const underFile = join(store.path, 'quarantine.db');
    await assert.rejects(openSqlite(underFile, { log: store.log }), TemporaryError);
    await assert.rejects(openSqlite(store.directory, { log: store.log }), TemporaryError);
  });

  test('that several processes open at once for the first time is made once', async () => {
    using store = temporaryStore();
    const storages = await Promise.all(Array.from({ length: 5 }, () => openSqlite(store.path, { log: store.log })));
    const scope = { role: 'global' } as const;
    const validities = await Promise.all(
      storages.map(async (each) => (await openedMailbox(each, scope, 'caught')).uidValidity),
    );
    assert.equal(new Set(validities).size, 1);
    await Promise.all(storages.map((storage) => insertMessage(storage)));
    assert.equal((await storages[0]?.openMailbox(scope, 'caught'))?.uids.length, 5);
    await Promise.all(storages.map((storage) => storage.close()));
  });

  test('of an older version takes the missing steps, each once, and keeps its mail', () => {
    using store = temporaryStore();
    const connection = store.connect();
    const steps = [...migrations, 'CREATE TABLE second (a)', 'CREATE TABLE third (a); INSERT INTO third VALUES (1)'];
    connection.run(`INSERT INTO accounts (name, password_hash, created_at) VALUES ('global', 'hash', 1)`);
    migrate(connection, steps);
    migrate(connection, steps);
    assert.equal(pragma(connection.database, 'user_version'), newest + 2);
    assert.deepEqual(connection.column('SELECT a FROM third'), [1]);
    assert.deepEqual(connection.column('SELECT name FROM accounts'), ['global']);
  });

  test('of version 1 opens, and tells what was being worked on when it was left', async () => {
    using store = temporaryStore();
    using old = temporaryStore();
    const lease = { token: 't', until: arrivedAt + 10_000 };
    const due = { state: 'due' as const, attempts: 0, nextAttemptAt: arrivedAt, lastDelayMs: 0, lease: null };
    const order = { orderedAt: arrivedAt, orderedBy: 'cli', cause: 'CLI' as const };
    const report = { ...order, verdict: 'ham' as const, targets: { a: due, b: { ...due, lease } } };
    const delivery = { ...order, ...due, holding: 1, recipients: [] };
    const storage = await openSqlite(store.path, { log: store.log });
    const known = [
      await insertMessage(storage),
      await insertMessage(storage, { delivery }),
      await insertMessage(storage, { delivery: { ...delivery, lease } }),
      await insertMessage(storage, { delivery, report }),
      await insertMessage(storage, { delivery: { ...delivery, lease, state: 'cancelled', endedAt: arrivedAt } }),
    ];
    await storage.close();
    copyIntoVersion(1, store.path, old.path);
    await using upgraded = closing(await openSqlite(old.path, { log: old.log }));
    for (const message of known) assert.deepEqual(await upgraded.worker.get(message.id), message);
    assert.deepEqual((await upgraded.worker.leased(arrivedAt, 10)).map(({ id }) => id).sort(), [
      known[2]?.id,
      known[3]?.id,
    ]);
    assert.deepEqual(await upgraded.worker.leased(lease.until, 10), []);
    using connection = new DatabaseSync(old.path);
    assert.equal(pragma(connection, 'user_version'), newest);
  });

  test('whose step fails stays at the version before it', () => {
    using store = temporaryStore();
    const connection = store.connect();
    const steps = [...migrations, 'CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)'];
    assert.throws(() => migrate(connection, steps), /nowhere/);
    assert.equal(pragma(connection.database, 'user_version'), newest);
    assert.deepEqual(connection.column(`SELECT name FROM sqlite_schema WHERE name = 'half'`), []);
    assert.ok(!connection.database.isTransaction);
  });
});

function closing(storage: Storage): Storage & AsyncDisposable {
  return { ...storage, [Symbol.asyncDispose]: () => storage.close() };
}
