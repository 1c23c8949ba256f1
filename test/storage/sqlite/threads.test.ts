// When a thread of the driver dies, its callers are told to try again, another one takes its place, and the log says so once.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { Thread } from '../../../src/storage/sqlite/thread.ts';
import { insertMessage } from '../../helpers/messages.ts';
import type { ScriptedOperations } from './scripted-thread.ts';
import { temporaryStore } from './temporary-store.ts';
import type { TemporaryStore } from './temporary-store.ts';

const alice = { role: 'user', domain: 'example.com', address: 'alice@example.com' } as const;

function scripted(store: TemporaryStore, changes: unknown[] = []): Thread<ScriptedOperations> {
  return new Thread<ScriptedOperations>({
    name: 'scripted',
    file: new URL('./scripted-thread.ts', import.meta.url),
    workerData: {},
    log: store.log,
    onChanged: (changed) => changes.push(changed),
  });
}

describe('a thread', () => {
  test('that dies owes nobody an answer: all its callers are told to try again, later ones are served', async () => {
    using store = temporaryStore();
    const changes: unknown[] = [];
    const thread = scripted(store, changes);
    assert.equal(await thread.call('echo', 'a'), 'a');
    const owed = [thread.call('hang', null), thread.call('hang', null), thread.call('die', 'a mistake')];
    const outcomes = await Promise.allSettled(owed);
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof TemporaryError);
      assert.match(String((outcome.reason.cause as Error).message), /a mistake/);
    }
    assert.equal(await thread.call('echo', 'b'), 'b');
    assert.deepEqual(
      store.logged.map(({ level }) => level),
      ['error'],
    );
    assert.deepEqual(changes, ['all'], 'what it may have committed last is told');
    await thread.close();
    assert.equal(store.logged.length, 1);
  });

  test('answers errors as what they are', async () => {
    using store = temporaryStore();
    const thread = scripted(store);
    await assert.rejects(thread.call('fail', 'refusal'), { name: 'Refusal', code: 'LIMIT', message: 'too many' });
    await assert.rejects(thread.call('fail', 'temporary'), { name: 'TemporaryError', message: 'later' });
    await assert.rejects(thread.call('fail', 'stale'), { name: 'StaleError' });
    await assert.rejects(thread.call('fail', 'other'), { name: 'Error', message: 'a mistake' });
    await thread.close();
  });
});

describe('the SQLite storage', () => {
  test('goes on when its threads are lost in the middle of the work, and what it answered is true', async () => {
    using store = temporaryStore();
    const workers: Worker[] = [];
    const note = (message: unknown): void => void workers.push((message as { worker: Worker }).worker);
    subscribe('worker_threads', note);
    const storage = await openSqlite(store.path, { log: store.log, pollMs: 10 });
    try {
      await insertMessage(storage);
      await storage.openMailbox(alice, 'caught');
      const stop = storage.watch(() => undefined);
      for (let round = 0; round < 3; round++) {
        const asked = Promise.allSettled(Array.from({ length: 50 }, () => insertMessage(storage)));
        const read = Promise.allSettled(Array.from({ length: 10 }, () => storage.openMailbox(alice, 'caught')));
        // One that answers everything before its end comes must not be asked once more.
        await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
        for (const outcome of await read)
          assert.ok(outcome.status === 'fulfilled' || outcome.reason instanceof TemporaryError);
        for (const outcome of await asked) {
          if (outcome.status === 'fulfilled') assert.ok(await storage.worker.get(outcome.value.id));
          else assert.ok(outcome.reason instanceof TemporaryError, String(outcome.reason));
        }
        const { id } = await insertMessage(storage);
        assert.equal((await storage.find(alice, { limit: 1 }))[0]?.id, id);
      }
      stop();
    } finally {
      unsubscribe('worker_threads', note);
      await storage.close();
    }
    assert.ok(store.logged.length >= 3);
  });

  test('does not keep a process alive that is done but did not close it', async () => {
    using store = temporaryStore();
    const program = `
      import { openSqlite } from ${JSON.stringify(new URL('../../../src/storage/sqlite/open.ts', import.meta.url).href)};
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const storage = await openSqlite(${JSON.stringify(store.path)}, { log, pollMs: 1 });
      storage.watch(() => undefined);
      await storage.domains.list();
      await storage.accounts.put({ name: 'global', passwordHash: '', createdAt: 0 });
      console.log((await storage.accounts.list()).length);`;
    const script = join(store.directory, 'forgetful.mjs');
    writeFileSync(script, program);
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.deepEqual([code, output], [0, '1\n']);
  });
});
