// `lazaretto store …` and what it means for `jobs`, as an administrator types it; a copy is killed for real.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { openStorage } from '../../src/storage/open-storage.ts';
import { insertMessage, newContent } from '../helpers/messages.ts';
import { launcher, openLazaretto } from './lazaretto-process.ts';
import type { Lazaretto } from './lazaretto-process.ts';

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const messages = 900;

describe('the commands for the store as a whole', () => {
  let lazaretto: Lazaretto;
  let id: string;
  const path = (name: string): string => join(lazaretto.directory, name);
  const store = (name: string): string => `sqlite:${path(name)}`;

  before(async () => {
    lazaretto = await openLazaretto();
    await lazaretto.run(['domain', 'add', 'example.com', '--deliver-to', 'smtp://127.0.0.1:9']);
    const storage = await openStorage(store('data/quarantine.db'), { log });
    const shared = newContent();
    ({ id } = await insertMessage(storage, { content: shared }));
    await Promise.all(Array.from({ length: messages - 1 }, () => insertMessage(storage)));
    await storage.close();
    await lazaretto.run(['message', 'release', id]);
  });
  after(() => lazaretto[Symbol.asyncDispose]());

  test('stats tells how much is there', async () => {
    const { code, stdout } = await lazaretto.run(['store', 'stats']);
    assert.equal(code, 0);
    assert.match(stdout, /^Caught +900 +0 +0$/m);
    assert.match(stdout, /^900 contents of \d+ kB, \d.* on disk; 1 domain, 0 logins$/m);
    const stats = (await lazaretto.json(['store', 'stats'])) as { messages: { caught: object }; domains: number };
    assert.deepEqual(stats.messages.caught, { held: 900, left: 0, tombstones: 0 });
    assert.equal(stats.domains, 1);
  });

  test('no command makes a store that is not there', async () => {
    for (const command of ['stats', 'verify']) {
      const { code, stderr } = await lazaretto.run(['store', command, '--store', store('typo.db')]);
      assert.equal(code, 1);
      assert.match(stderr, /^lazaretto: There is no store .*typo\.db\.\n$/);
      assert.ok(!existsSync(path('typo.db')));
    }
  });

  test('verify says that nothing is wrong, and tells each fault and exit code 1 where something is', async () => {
    const sound = await lazaretto.run(['store', 'verify']);
    assert.deepEqual([sound.code, sound.stderr], [0, '']);
    assert.match(sound.stdout, /^900 messages, 900 contents of \d+ kB: no fault\.\n$/);
    await lazaretto.run(['store', 'backup', path('spoilt.db')]);
    const database = new DatabaseSync(path('spoilt.db'));
    database.prepare('UPDATE messages SET due_at = 5 WHERE id = ?').run(id);
    database.close();
    const spoilt = await lazaretto.run(['store', 'verify', '--store', store('spoilt.db')]);
    assert.equal(spoilt.code, 1);
    const lines = spoilt.stdout.split('\n');
    assert.match(lines[0] ?? '', new RegExp(`^message ${id}: due_at is 5, expected \\d+$`));
    assert.match(lines[1] ?? '', /: 1 fault\.$/);
    const json = await lazaretto.run(['store', 'verify', '--store', store('spoilt.db'), '--json']);
    const { faults } = JSON.parse(json.stdout) as { faults: object[] };
    assert.equal(json.code, 1);
    assert.equal(faults.length, 1);
    assert.partialDeepStrictEqual(faults[0], { what: 'message', id });
  });

  test('backup replaces nothing', async () => {
    assert.equal(
      (await lazaretto.run(['store', 'backup', path('once.db')])).stdout,
      `${path('once.db')} holds a backup of the store.\n`,
    );
    const again = await lazaretto.run(['store', 'backup', path('once.db')]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /is there already\. A backup never replaces a file/);
  });

  test('a copy that is killed again and again is refused by every command, and comes to its end', async () => {
    const args = ['store', 'copy', '--from', store('data/quarantine.db'), '--to', store('new.db')];
    for (const step of ['contents', 'messages', 'compared']) {
      assert.equal(await killedAt([launcher, ...args], step, lazaretto.directory), 'SIGKILL', step);
      const refused = await lazaretto.run(['store', 'stats', '--store', store('new.db')]);
      assert.equal(refused.code, 1, step);
      assert.match(refused.stderr, /unfinished copy\. Give the same "store copy --from … --to …" again/);
    }
    const { code, stdout, stderr } = await lazaretto.run([...args, '--json']);
    assert.deepEqual([code, stderr.includes('at ')], [0, false]);
    assert.match(stderr, /^messages: 900 of 900$/m);
    assert.partialDeepStrictEqual(JSON.parse(stdout), {
      resumed: true,
      messages,
      contents: messages,
      domains: 1,
      accounts: 0,
    });
    assert.match((await lazaretto.run(['store', 'verify', '--store', store('new.db')])).stdout, /: no fault\.\n$/);
    assert.deepEqual(
      [await isRestored(store('data/quarantine.db')), await isRestored(store('new.db'))],
      [true, false],
      'only the old store parks its jobs, should a server be started with it again',
    );
    const again = await lazaretto.run(args);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /not empty/);
  });

  test('copy refuses a store that is in use, and one that is copied onto itself', async () => {
    const storage = await openStorage(store('data/quarantine.db'), { log });
    try {
      const { code, stderr } = await lazaretto.run([
        ...['store', 'copy', '--from', store('data/quarantine.db')],
        ...['--to', store('other.db')],
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /quarantine\.db is in use\. Stop every Lazaretto process that uses it/);
    } finally {
      await storage.close();
    }
    const same = await lazaretto.run(['store', 'copy', '--from', store('./x.db'), '--to', store('x.db')]);
    assert.equal(same.code, 2);
    assert.match(same.stderr, /--from and --to name the same store/);
  });

  test("restored says what will happen, and parked jobs are the administrator's", async () => {
    const marked = await lazaretto.run(['store', 'restored']);
    assert.match(marked.stdout, /At the next start of a server the jobs of 1 message are parked/);
    const served = spawn(
      process.execPath,
      [launcher, 'serve', '--config', await lazaretto.write('worker.yaml', workerOnly)],
      {
        cwd: lazaretto.directory,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const events: string[] = [];
    const closed = once(served, 'close');
    for await (const line of createInterface({ input: served.stdout })) {
      const { event } = JSON.parse(line) as { event: string };
      events.push(event);
      if (event === 'started') served.kill('SIGTERM');
    }
    await closed;
    assert.deepEqual(events.slice(0, 2), ['restored', 'started']);

    assert.match(
      (await lazaretto.run(['jobs', 'list'])).stdout,
      new RegExp(`^${id}  delivery: parked, 0 attempts$`, 'm'),
    );
    assert.match(
      (await lazaretto.run(['jobs', 'list'])).stdout,
      /parked since the restore of .*: it may have been delivered before/,
    );
    assert.partialDeepStrictEqual(await lazaretto.json(['jobs', 'list']), [
      { id, state: 'parked', nextAttemptAt: null },
    ]);
    assert.match((await lazaretto.run(['message', 'show', id])).stdout, /delivery parked, ordered/);
    const all = await lazaretto.run(['jobs', 'retry']);
    assert.match(
      all.stdout,
      /^No job was deferred\.\n1 job stays parked since the restore: it may .*"jobs retry --parked"/,
    );
    assert.deepEqual(await lazaretto.json(['jobs', 'retry', '--parked']), { retried: 1, parked: 0 });
    assert.match((await lazaretto.run(['jobs', 'retry', '--parked'])).stdout, /^No job is parked\.\n$/);
    assert.equal((await lazaretto.run(['jobs', 'retry', '--parked', id])).code, 2);
    assert.match((await lazaretto.run(['jobs', 'list'])).stdout, /delivery: due/);
  });
});

const workerOnly = 'hostname: quarantine.example.test\nroles: [worker]\nhttp: { port: 0 }\n';

/** Runs a command in a process of its own and kills it when it tells of this step; answers how it ended. */
async function killedAt(args: readonly string[], step: string, cwd: string): Promise<string | null> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  for await (const line of createInterface({ input: child.stderr }))
    if (line.startsWith(`${step}:`)) child.kill('SIGKILL');
  return (await closed)[1];
}

async function isRestored(url: string): Promise<boolean> {
  const storage = await openStorage(url, { log });
  try {
    return await storage.upkeep.isRestored();
  } finally {
    await storage.close();
  }
}
