import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHashingLanes } from '../../src/accounts/hashing-lanes.ts';
import { TemporaryError } from '../../src/quarantine/errors.ts';

/** Tasks that end when told to. */
function createTasks() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    task: (name: string) => () => {
      started.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    },
    async end(name: string) {
      ends.get(name)?.();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
  };
}

test('no more passwords are hashed at once than allowed, and the others follow in order', async () => {
  const lanes = createHashingLanes({ parallel: 2 });
  const { started, task, end } = createTasks();
  const all = ['a', 'b', 'c', 'd'].map((name) => lanes.run(task(name), { network: name, first: false }));
  await Promise.resolve();
  assert.deepEqual(started, ['a', 'b']);
  await end('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
  await end('a');
  await end('c');
  await end('d');
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
  const later = lanes.run(task('e'), { network: 'e', first: false });
  assert.equal(started.at(-1), 'e');
  await end('e');
  assert.equal(await later, 'e');
});

test('who logged in from there before goes before the strangers', async () => {
  const lanes = createHashingLanes({ parallel: 1 });
  const { started, task, end } = createTasks();
  const all = [
    lanes.run(task('running'), { network: '1', first: false }),
    lanes.run(task('stranger'), { network: '2', first: false }),
    lanes.run(task('friend'), { network: '3', first: true }),
  ];
  for (const name of ['running', 'friend', 'stranger']) await end(name);
  await Promise.all(all);
  assert.deepEqual(started, ['running', 'friend', 'stranger']);
});

test('a flood is refused beyond the queue, one network can fill half of it, and those who are let in all get their turn', async () => {
  const lanes = createHashingLanes({ parallel: 1, waiting: 10 });
  const { started, task, end } = createTasks();
  const running = lanes.run(task('running'), { network: 'x', first: false });
  const flood = Array.from({ length: 100 }, (_, i) => lanes.run(task(`f${i}`), { network: 'flood', first: false }));
  const settled = Promise.allSettled(flood);
  const others = Array.from({ length: 6 }, (_, i) => lanes.run(task(`o${i}`), { network: `o${i}`, first: false }));
  const othersSettled = Promise.allSettled(others);
  const friend = lanes.run(task('friend'), { network: 'home', first: true });
  await end('running');
  await end('friend');
  for (let i = 0; i < 5; i++) await end(`f${i}`);
  for (let i = 0; i < 5; i++) await end(`o${i}`);
  assert.equal(await running, 'running');
  assert.equal(await friend, 'friend');
  const results = await settled;
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const result of results.slice(5)) {
    assert.ok(result.status === 'rejected' && result.reason instanceof TemporaryError);
  }
  assert.deepEqual(
    (await othersSettled).map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  );
  assert.equal(started.length, 12);
});

test('a task that fails gives its place to the next', async () => {
  const lanes = createHashingLanes({ parallel: 1 });
  const failing = lanes.run(() => Promise.reject(new Error('no')), { network: 'a', first: false });
  const next = lanes.run(() => Promise.resolve('fine'), { network: 'b', first: false });
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'fine');
});
