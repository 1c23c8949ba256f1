// The sweeper: at once and then every minute, one at a time, and never the end of the process.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import type { WorkerStorage } from '../../src/quarantine/ports.ts';
import { startSweeper } from '../../src/queue/sweeper.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** A quarantine whose sweeps are counted when they begin; `meet` stands at the beginning of each. */
async function openCounted(meet: (sweeps: number) => Promise<void> | void): Promise<TestQuarantine> {
  let sweeps = 0;
  return openTestQuarantine({
    wrapStorage: (storage) => {
      const worker: WorkerStorage = {
        ...storage.worker,
        async heldBefore(query) {
          // Every sweep asks for this view once before anything else.
          if (query.view === 'caught') await meet(++sweeps);
          return storage.worker.heldBefore(query);
        },
      };
      return { ...storage, worker };
    },
  });
}

/** A promise for each number that is reached. */
function milestones(): { reach: (n: number) => void; at: (n: number) => Promise<void> } {
  const all = new Map<number, PromiseWithResolvers<void>>();
  const of = (n: number): PromiseWithResolvers<void> => {
    const found = all.get(n) ?? Promise.withResolvers<void>();
    all.set(n, found);
    return found;
  };
  return { reach: (n) => of(n).resolve(), at: (n) => of(n).promise };
}

it('sweeps when it starts, and a failed sweep is logged and tried again a minute later', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const begun = milestones();
  await using test = await openCounted((sweeps) => {
    begun.reach(sweeps);
    if (sweeps === 1) throw new Error('no such table');
  });
  const { id } = await insertMessage(test.storage);
  test.clock.advance(15 * dayMs);
  const sweeper = startSweeper(test.quarantine);
  await begun.at(1);
  while (!test.logged.some(({ level, fields }) => level === 'error' && fields.event === 'sweep'))
    await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(minuteMs);
  await begun.at(2);
  // A batch that found something is followed by one more look.
  await begun.at(3);
  await sweeper.close();
  assert.equal((await test.storage.worker.get(id))?.removed?.why, 'expired');
});

it('never sweeps twice at once, and ends after the batch that is under way', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const begun = milestones();
  const gate = Promise.withResolvers<void>();
  let sweeps = 0;
  await using test = await openCounted(async (n) => {
    sweeps = n;
    begun.reach(n);
    await gate.promise;
  });
  const { id } = await insertMessage(test.storage);
  test.clock.advance(15 * dayMs);
  const sweeper = startSweeper(test.quarantine);
  await begun.at(1);
  t.mock.timers.tick(5 * minuteMs);
  assert.equal(sweeps, 1);
  let isClosed = false;
  const closed = sweeper.close().then(() => (isClosed = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isClosed, false);
  gate.resolve();
  await closed;
  assert.equal(sweeps, 1, 'no further batch');
  assert.equal((await test.storage.worker.get(id))?.removed?.why, 'expired', 'what was begun is finished');
  t.mock.timers.tick(5 * minuteMs);
  assert.equal(sweeps, 1);
});
