// A backup of a SQLite store: one whole moment of it, private, marked as restored, and never in the place of another file.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { PermanentError, TemporaryError } from '../../../src/quarantine/errors.ts';
import { verifyStore } from '../../../src/storage/verify-store.ts';
import { backUpSqlite } from '../../../src/storage/sqlite/backup.ts';
import { openConnection } from '../../../src/storage/sqlite/connection.ts';
import { migrate, migrations } from '../../../src/storage/sqlite/migrations.ts';
import { openMovableSqlite } from '../../../src/storage/sqlite/movable.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { openedMailbox } from '../../helpers/mailbox.ts';
import { insertMessage } from '../../helpers/messages.ts';
import { temporaryStore } from './temporary-store.ts';

const global = { role: 'global' } as const;

describe('a backup', () => {
  test('holds everything that was answered before it, made beside a writing server; the store itself is as it was', async () => {
    using store = temporaryStore();
    const storage = await openSqlite(store.path, { log: store.log });
    const messages = [];
    for (let i = 0; i < 20; i++) messages.push(await insertMessage(storage));
    const writing = Array.from({ length: 50 }, () => insertMessage(storage));
    const file = join(store.directory, 'backup.db');
    backUpSqlite(store.path, file);
    await Promise.all(writing);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(store.directory).filter((name) => name.startsWith('backup')),
      ['backup.db'],
    );
    assert.equal(await storage.upkeep.isRestored(), false);
    const { uidValidity } = await openedMailbox(storage, global, 'caught');
    await storage.close();

    const movable = await openMovableSqlite(file, 'verify');
    await verifyStore(movable.source, { onFault: (fault) => assert.fail(JSON.stringify(fault)) });
    await movable.close();
    const restored = await openSqlite(file, { log: store.log });
    assert.equal(await restored.upkeep.isRestored(), true);
    const mailbox = await openedMailbox(restored, global, 'caught');
    assert.equal(mailbox.uidValidity, uidValidity, 'raised by the next start of a server, not before');
    for (const message of messages) {
      assert.deepEqual(await restored.worker.get(message.id), message);
      assert.equal((await restored.worker.contentOf(message.id))?.length, message.sizeBytes);
    }
    await restored.close();
  });

  test('replaces no file, whatever it is, and leaves none behind that is not complete', async () => {
    using store = temporaryStore();
    const storage = await openSqlite(store.path, { log: store.log });
    await insertMessage(storage);
    await storage.close();
    const file = join(store.directory, 'there.db');
    writeFileSync(file, 'mine');
    assert.throws(() => backUpSqlite(store.path, file), { name: 'PermanentError', message: /is there already/ });
    assert.throws(() => backUpSqlite(store.path, store.path), { name: 'PermanentError', message: /is there already/ });
    assert.equal(readFileSync(file, 'utf8'), 'mine');
    const nowhere = join(store.directory, 'nowhere', 'backup.db');
    assert.throws(() => backUpSqlite(store.path, nowhere), TemporaryError);
    // A leftover of one that was killed is no obstacle.
    const after = join(store.directory, 'after.db');
    writeFileSync(`${after}.partial`, 'half of a backup');
    backUpSqlite(store.path, after);
    assert.ok(existsSync(after) && !existsSync(`${after}.partial`));
  });

  test('is not put beside what an earlier file of its name left behind, which would be taken for a part of it', async () => {
    using store = temporaryStore();
    const storage = await openSqlite(store.path, { log: store.log });
    await insertMessage(storage);
    const file = join(store.directory, 'nightly.db');
    for (const ending of ['-wal', '-journal']) {
      writeFileSync(file + ending, 'of another file');
      assert.throws(() => backUpSqlite(store.path, file), {
        name: 'PermanentError',
        message: new RegExp(`nightly\\.db${ending} is there already`),
      });
      assert.equal(existsSync(file), false);
      rmSync(file + ending);
    }
    writeFileSync(`${file}.partial-journal`, 'of a backup that was killed');
    backUpSqlite(store.path, file);
    assert.equal(existsSync(`${file}.partial-journal`), false);
    await storage.close();
  });

  test('that an older version made is verified without leaving anything beside it', async () => {
    using store = temporaryStore();
    const old = openConnection(store.path, { readOnly: false });
    migrate(old, migrations.slice(0, 1));
    old.close();
    const movable = await openMovableSqlite(store.path, 'verify');
    await verifyStore(movable.source, { onFault: (fault) => assert.fail(JSON.stringify(fault)) });
    await movable.close();
    const beside = readdirSync(store.directory).filter((name) => name.startsWith(`${basename(store.path)}-`));
    assert.deepEqual(beside, []);
  });

  test('is made of a finished store of ours only', () => {
    using store = temporaryStore();
    const to = join(store.directory, 'backup.db');
    assert.throws(() => backUpSqlite(join(store.directory, 'missing.db'), to), /There is no store/);
    const foreign = join(store.directory, 'foreign.db');
    writeFileSync(foreign, 'From sender@example.com Mon Jan  5 10:00:00 2026\n'.repeat(100));
    assert.throws(
      () => backUpSqlite(foreign, to),
      (error) => error instanceof PermanentError || error instanceof TemporaryError,
    );
    mkdirSync(join(store.directory, 'directory.db'));
    assert.throws(() => backUpSqlite(join(store.directory, 'directory.db'), to), TemporaryError);
    assert.deepEqual(readdirSync(store.directory).sort(), ['directory.db', 'foreign.db']);
  });
});
