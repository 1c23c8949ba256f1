// Whether a worker still looks for work, as /readyz asks it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorker } from '../../src/queue/worker.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

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
