// Sessions in IDLE hear of each commit at once, and of a move of many messages when it is done.
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { CommitWatch, heldBackAtMostMs } from '../../src/imap/commit-watch.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { sliceSize } from '../../src/quarantine/slices.ts';
import type { Listener } from '../../src/storage/watchers.ts';
import { createWatchers } from '../../src/storage/watchers.ts';
import { newContent, newMessage } from '../helpers/messages.ts';
import { testNow } from '../helpers/quarantine.ts';
import { startTestServer } from '../helpers/server.ts';

const names = ['global', 'example.com', 'example.org', 'alice@example.com', 'bob@example.com'] as const;

/** A watch that all the logins have, with the names of those who were woken since the last call of `woken`. */
function watched() {
  const silent = (): void => undefined;
  const store = createWatchers({ debug: silent, info: silent, warn: silent, error: silent }, silent);
  const watch = new CommitWatch({ watch: (listener: Listener) => store.add(listener) });
  const heard: string[] = [];
  const stops = new Map(names.map((name) => [name, watch.watch(scopeOfLogin(name), () => heard.push(name))]));
  return { watch, store, stops, woken: () => heard.splice(0).sort() };
}

describe('who waits for commits', () => {
  it('is woken by those of its own sequence', () => {
    const { store, stops, woken } = watched();
    store.tell(['example.com']);
    assert.deepEqual(woken(), ['alice@example.com', 'bob@example.com', 'example.com']);
    store.tell(['', 'example.org']);
    assert.deepEqual(woken(), ['example.org', 'global']);
    store.tell('all');
    assert.deepEqual(woken(), [...names].sort());
    for (const stop of stops.values()) stop();
    store.tell('all');
    assert.deepEqual(woken(), []);
  });

  it('is woken once after work in many commits, and others are not held up by it', async () => {
    const { watch, store, woken } = watched();
    await watch.asOne(scopeOfLogin('alice@example.com'), () => {
      store.tell(['', 'example.com']);
      assert.deepEqual(woken(), ['bob@example.com']);
      store.tell('all');
      assert.deepEqual(woken(), ['bob@example.com', 'example.org']);
      return Promise.resolve();
    });
    assert.deepEqual(woken(), ['alice@example.com', 'example.com', 'global']);
    store.tell(['']);
    assert.deepEqual(woken(), ['global']);
  });

  it('is woken after work that failed, after the last of several, and not when nothing was committed', async () => {
    const { watch, store, woken } = watched();
    const first = Promise.withResolvers<never>();
    const failing = watch.asOne(scopeOfLogin('example.com'), () => first.promise);
    const going = Promise.withResolvers<null>();
    const second = watch.asOne(scopeOfLogin('alice@example.com'), () => going.promise);
    store.tell(['example.com']);
    first.reject(new Error('away'));
    await assert.rejects(failing, /away/);
    assert.deepEqual(woken(), ['bob@example.com']);
    going.resolve(null);
    await second;
    assert.deepEqual(woken(), ['alice@example.com', 'example.com']);
    await watch.asOne(scopeOfLogin('global'), () => Promise.resolve());
    assert.deepEqual(woken(), []);
  });

  it('is woken in the end when the work hangs, once', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { watch, store, woken } = watched();
    const hanging = Promise.withResolvers<null>();
    const work = watch.asOne(scopeOfLogin('alice@example.com'), () => hanging.promise);
    store.tell(['']);
    context.mock.timers.tick(heldBackAtMostMs - 1);
    assert.deepEqual(woken(), []);
    context.mock.timers.tick(1);
    assert.deepEqual(woken(), ['global']);
    store.tell(['']);
    assert.deepEqual(woken(), ['global'], 'from then on as it goes');
    hanging.resolve(null);
    await work;
    assert.deepEqual(woken(), []);
  });

  it('is woken in the end when there is always somebody at work, once', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { watch, store, woken } = watched();
    const begin = (login: string) => {
      const { promise, resolve } = Promise.withResolvers<null>();
      const work = watch.asOne(scopeOfLogin(login), () => promise);
      return () => (resolve(null), work);
    };
    let end = begin('alice@example.com');
    store.tell(['']);
    for (let begun = 1; begun < 3; begun++) {
      context.mock.timers.tick(heldBackAtMostMs / 3);
      const endNext = begin('bob@example.com');
      await end();
      end = endNext;
    }
    context.mock.timers.tick(heldBackAtMostMs / 3 - 1);
    assert.deepEqual(woken(), []);
    context.mock.timers.tick(1);
    assert.deepEqual(woken(), ['global']);
    await end();
    assert.deepEqual(woken(), []);
    end = begin('alice@example.com');
    store.tell(['']);
    assert.deepEqual(woken(), [], 'held back anew');
    await end();
    assert.deepEqual(woken(), ['global']);
  });

  it('is not woken when it has gone meanwhile', async () => {
    const { watch, store, stops, woken } = watched();
    await watch.asOne(scopeOfLogin('global'), () => {
      store.tell('all');
      stops.get('global')?.();
      return Promise.resolve();
    });
    assert.ok(!woken().includes('global'));
  });
});

it('a move of many messages is announced to others as a whole', { timeout: 60_000 }, async () => {
  const count = sliceSize + 5;
  let asked = 0;
  let commits = 0;
  await using server = await startTestServer({
    wrapStorage: (storage) => ({
      ...storage,
      changesSince(...question) {
        asked++;
        return storage.changesSince(...question);
      },
      async commit(...order) {
        if (order[1] && ++commits === 2) {
          // Whoever was woken by the first one asks now.
          for (let turn = 0; turn < 20; turn++) await nextTurn();
          assert.equal(asked, 0, 'somebody was told of a part');
        }
        return storage.commit(...order);
      },
    }),
  });
  const content = newContent();
  const messages = Array.from({ length: count }, () => newMessage({ content }));
  await server.storage.insert({ content, messages, skipKnown: false }, testNow);
  const watching = await server.open('Caught');
  const mover = await server.open('Caught');
  const { done } = await watching.idle();
  // By then it has asked what happened before.
  await mover.command('NOOP');
  asked = 0;
  assert.equal((await mover.command('UID MOVE 1:* Spam')).status, 'OK');
  assert.equal(commits, 2);
  for (let left = count; left > 0; left--) assert.match(await watching.read(), /^\* \d+ EXPUNGE$/);
  assert.equal((await done()).status, 'OK');
});
