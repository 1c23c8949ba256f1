// What was acknowledged survives kill -9, and nobody but us can read the files.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { openedMailbox } from '../../helpers/mailbox.ts';
import { insertMessage } from '../../helpers/messages.ts';
import { temporaryStore } from './temporary-store.ts';

const global = { role: 'global' } as const;
const permissions = (path: string): number => statSync(path).mode & 0o777;

describe('the SQLite store', () => {
  for (const acknowledged of [1, 40, 250]) {
    test(`holds everything that was acknowledged when its process is killed after ${acknowledged} answers`, async () => {
      using store = temporaryStore();
      const script = new URL('./write-until-killed.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [script, store.path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const answered: string[] = [];
      const closed = once(child, 'close');
      for await (const line of createInterface({ input: child.stdout })) {
        answered.push(line);
        if (answered.length === acknowledged) child.kill('SIGKILL');
      }
      await closed;
      assert.equal(child.signalCode, 'SIGKILL');
      const storage = await openSqlite(store.path, { log: store.log });
      for (const line of answered) {
        const [what, id] = line.split(' ');
        const message = await storage.worker.get(id ?? '');
        assert.ok(message, `${line} was acknowledged and is gone`);
        if (what === 'seen') assert.deepEqual(message.flags.user, ['\\Seen'], line);
        assert.match((await storage.worker.contentOf(message.id))?.toString() ?? '', /^This is message/m);
      }
      const { uids, uidNext } = await openedMailbox(storage, global, 'caught');
      assert.ok(uids.length >= answered.filter((line) => line.startsWith('stored')).length);
      assert.equal(uidNext, (uids.at(-1) ?? 0) + 1);
      await insertMessage(storage);
      await storage.close();
      const connection = store.connect();
      assert.deepEqual(connection.column('PRAGMA integrity_check'), ['ok']);
      assert.deepEqual(connection.all('PRAGMA foreign_key_check'), []);
    });
  }

  test('flushes each commit to the disk before it is answered', () => {
    using store = temporaryStore();
    const connection = store.connect();
    assert.deepEqual(connection.column('PRAGMA journal_mode'), ['wal']);
    assert.deepEqual(connection.column('PRAGMA synchronous'), [2], 'FULL');
    assert.deepEqual(connection.column('PRAGMA foreign_keys'), [1]);
  });

  test('is private: the directory 0700, every file 0600, and a directory that was there keeps its permissions', async () => {
    using store = temporaryStore();
    const own = join(store.directory, 'data', 'deeper');
    const storage = await openSqlite(join(own, 'q.db'), { log: store.log });
    await insertMessage(storage);
    assert.equal(permissions(own), 0o700);
    for (const suffix of ['', '-wal', '-shm']) assert.equal(permissions(join(own, `q.db${suffix}`)), 0o600, suffix);
    await storage.close();
    const shared = join(store.directory, 'shared');
    mkdirSync(shared, { mode: 0o750 });
    const before = permissions(shared);
    await (await openSqlite(join(shared, 'q.db'), { log: store.log })).close();
    assert.equal(permissions(shared), before);
    assert.equal(permissions(join(shared, 'q.db')), 0o600);
  });
});
