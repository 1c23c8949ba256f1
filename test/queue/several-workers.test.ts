// Several workers on one SQLite store, also in a process that is stopped for longer than its lease lasts.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startWorker } from '../../src/queue/worker.ts';
import { SmtpTarget } from '../../src/targets/smtp.ts';
import { startFarEnd } from '../helpers/far-end.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import { openSqliteStore } from '../storage/sqlite/open-store.ts';
import { release, until } from './processes.ts';
import { workersContract } from './workers-contract.ts';

workersContract('SQLite', openSqliteStore);

test(
  'a process that slept past its lease sends nothing when it wakes, whatever its far end said meanwhile',
  { timeout: 60_000, skip: process.platform === 'win32' && 'no process can be stopped here' },
  async () => {
    const leaseMs = 1_000;
    const goAhead = Promise.withResolvers<string>();
    const farEnd = await startFarEnd({ script: [{ data: () => goAhead.promise }] });
    await using quarantined = await openTestQuarantine({ deliverTo: farEnd.url });
    const { storage, directory } = quarantined;
    const quarantine = { ...quarantined.quarantine, clock: { now: () => Date.now() } };
    const id = await release(storage, 'alice@example.com');
    const store = `sqlite:${join(directory, 'quarantine.db')}`;
    const sleeper = fork(new URL('./worker-process.ts', import.meta.url), [store, String(leaseMs)]);
    const delivery = new SmtpTarget();
    try {
      await until(() => farEnd.sessions[0]?.lines.includes('DATA') === true);
      sleeper.kill('SIGSTOP');
      const worker = startWorker({ quarantine, targets: { delivery, reports: [], outgoing: '' }, leaseMs });
      await farEnd.nextReceived();
      await until(async () => (await storage.worker.get(id))?.delivery?.state === 'done');
      // It waits in the sleeper's socket, and is the first thing that it reads when it wakes.
      goAhead.resolve('354 go ahead');
      await setImmediate();
      sleeper.kill('SIGCONT');
      await farEnd.sessions[0]?.ended;
      assert.equal(farEnd.received.length, 1);
      await worker.close();
    } finally {
      sleeper.disconnect();
      await once(sleeper, 'exit');
      await delivery.close();
      await farEnd.close();
    }
  },
);
