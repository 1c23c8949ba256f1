// A worker whose store hangs: /readyz can see it, and it ends all the same when it is told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { startWorker } from '../../src/queue/worker.ts';
import { openTestQuarantine, testNow } from '../helpers/quarantine.ts';
import { HeldFarEnd, release, until } from './processes.ts';

test('a worker that hangs in a look is seen to be stuck, and is not any more when it goes on', async (context) => {
  let hanging: PromiseWithResolvers<void> | null = null;
  const asked = Promise.withResolvers<void>();
  await using test = await openTestQuarantine({
    wrapStorage: (storage) => ({
      ...storage,
      worker: {
        ...storage.worker,
        async due(...given) {
          if (hanging) asked.resolve();
          await hanging?.promise;
          return storage.worker.due(...given);
        },
      },
    }),
  });
  let now = 1_000_000;
  context.mock.method(performance, 'now', () => now);
  const idle = () => Promise.resolve();
  const delivery = { deliver: () => Promise.reject(new Error('nothing is due')), close: idle };
  const worker = startWorker({
    quarantine: test.quarantine,
    targets: { delivery, reports: [], outgoing: 'smtp://127.0.0.1:9' },
  });
  await worker.idle();
  now += 20_000;
  worker.wake();
  await worker.idle();
  while (worker.msSinceLook() > 0) await new Promise((resolve) => setImmediate(resolve));
  hanging = Promise.withResolvers<void>();
  worker.wake();
  await asked.promise;
  now += 61_000;
  assert.equal(worker.msSinceLook(), 61_000);
  hanging.resolve();
  hanging = null;
  await worker.idle();
  while (worker.msSinceLook() > 0) await new Promise((resolve) => setImmediate(resolve));
  await worker.close();
});

test('a worker that is told to stop ends although its store hangs, and what it claims late is given back untried', async () => {
  const claimed = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  await using test = await openTestQuarantine({
    wrapStorage: (storage) => ({
      ...storage,
      async commit(changes) {
        const committed = await storage.commit(changes);
        claimed.resolve();
        await answered.promise;
        return committed;
      },
    }),
  });
  const { quarantine, storage } = test;
  const id = await release(storage, 'alice@example.com', testNow);
  const delivery = new HeldFarEnd();
  const worker = startWorker({ quarantine, targets: { delivery, reports: [], outgoing: '' } });
  await claimed.promise;
  await worker.close(0);
  assert.ok((await storage.worker.get(id))?.delivery?.lease, 'the answer to the claim is still under way');
  answered.resolve();
  await until(async () => (await storage.worker.get(id))?.delivery?.lease === null);
  assert.deepEqual(delivery.begun, []);
});

test('a look that ends after its worker did, in a store that is closed by then, is no error', async (context) => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Message[]>();
  await using test = await openTestQuarantine({
    wrapStorage: (storage) => ({
      ...storage,
      worker: {
        ...storage.worker,
        due() {
          asked.resolve();
          return answered.promise;
        },
      },
    }),
  });
  let now = 1_000_000;
  context.mock.method(performance, 'now', () => now);
  const delivery = new HeldFarEnd();
  const worker = startWorker({ quarantine: test.quarantine, targets: { delivery, reports: [], outgoing: '' } });
  await asked.promise;
  await worker.close(0);
  now += 1_000;
  answered.reject(new TemporaryError('The quarantine is stopping.'));
  await until(() => worker.msSinceLook() === 0);
  assert.deepEqual(test.logged, []);
});
