// Several processes sweep one store at the same moment: what there is to do is done once, and nobody complains.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { StaleError } from '../../src/quarantine/errors.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { sweep } from '../../src/quarantine/retention.ts';
import type { SweepResult } from '../../src/quarantine/retention.ts';
import { startSweeper } from '../../src/queue/sweeper.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { insertMessage, newContent } from '../helpers/messages.ts';
import { openTestQuarantine, testLog } from '../helpers/quarantine.ts';
import type { LogLine, TestQuarantine } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;
/** More than one batch. */
const count = 520;

interface Process extends AsyncDisposable {
  quarantine: Quarantine;
  logged: LogLine[];
  /** How often somebody else had been faster. */
  late(): number;
}

/** Another process on the same store, whose steps wait for `meet`. */
async function another(test: TestQuarantine, meet: () => Promise<void>): Promise<Process> {
  const { log, logged } = testLog();
  const opened = await openStorage(test.storeUrl, { log });
  let late = 0;
  const storage: Storage = {
    ...meeting(opened, meet),
    commit: (...changes) =>
      opened.commit(...changes).catch((error: unknown) => {
        if (error instanceof StaleError) late++;
        throw error;
      }),
  };
  const domains = await openDomainDirectory(storage);
  return {
    quarantine: { ...test.quarantine, storage, domains, log },
    logged,
    late: () => late,
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

/** What was found is acted upon only when the others have found it, too. */
function meeting(storage: Storage, meet: () => Promise<void>): Storage {
  const after = async <T>(found: Promise<T[]>): Promise<T[]> => {
    const messages = await found;
    if (messages.length) await meet();
    return messages;
  };
  return {
    ...storage,
    worker: {
      ...storage.worker,
      heldBefore: (query) => after(storage.worker.heldBefore(query)),
      endedBefore: (query) => after(storage.worker.endedBefore(query)),
    },
  };
}

/** Lets `parties` go on together; when one of them has nothing more to do, `leave` lets the others go alone. */
function meetingPoint(parties: number): { meet(): Promise<void>; leave(): void } {
  let here = 0;
  let expected = parties;
  let gate = Promise.withResolvers<void>();
  const openWhenComplete = (): void => {
    if (here < expected) return;
    here = 0;
    gate.resolve();
    gate = Promise.withResolvers();
  };
  return {
    meet() {
      const { promise } = gate;
      here++;
      openWhenComplete();
      return promise;
    },
    leave() {
      expected--;
      if (here) openWhenComplete();
    },
  };
}

async function sweepTogether(test: TestQuarantine): Promise<SweepResult[]> {
  const point = meetingPoint(3);
  await using one = await another(test, point.meet);
  await using two = await another(test, point.meet);
  await using three = await another(test, point.meet);
  return await Promise.all([one, two, three].map(({ quarantine }) => sweep(quarantine).finally(point.leave)));
}

const total = (results: SweepResult[], key: 'expired' | 'contentsReleased' | 'forgotten'): number =>
  results.reduce((sum, result) => sum + result[key], 0);

it('what expired, can no longer be restored or is forgotten is counted once over all of them', async () => {
  await using test = await openTestQuarantine();
  const ids: string[] = [];
  const content = newContent();
  for (let i = 0; i < count; i++) ids.push((await insertMessage(test.storage, { content })).id);

  test.clock.advance(15 * dayMs);
  assert.equal(total(await sweepTogether(test), 'expired'), count);
  for (const id of ids) {
    const message = await test.storage.worker.get(id);
    assert.equal(message?.removed?.why, 'expired');
    assert.equal(message.revision, 1, 'changed once');
  }
  test.clock.advance(3 * dayMs);
  assert.equal(total(await sweepTogether(test), 'contentsReleased'), count);
  let deleted = 0;
  for (let sweeps = 0; sweeps < 3; sweeps++) {
    test.clock.advance(dayMs);
    for (const { purged } of await sweepTogether(test)) deleted += purged.deleted;
  }
  assert.equal(deleted, 1, 'the content that they shared');
  test.clock.advance(90 * dayMs);
  assert.equal(total(await sweepTogether(test), 'forgotten'), count);
  assert.equal(await test.storage.worker.get(ids[0] ?? ''), null);
});

it('a sweeper that finds the work done by another one logs no error', async () => {
  await using test = await openTestQuarantine();
  const { id } = await insertMessage(test.storage);
  test.clock.advance(15 * dayMs);
  const point = meetingPoint(2);
  await using one = await another(test, point.meet);
  await using two = await another(test, point.meet);
  const sweepers = [one, two].map(({ quarantine }) => startSweeper(quarantine));
  while ((await test.storage.worker.get(id))?.removed?.why !== 'expired')
    await new Promise((resolve) => setImmediate(resolve));
  await Promise.all(sweepers.map((sweeper) => sweeper.close()));
  assert.ok(one.late() + two.late() > 0, 'they wanted the same message');
  for (const { logged } of [one, two])
    assert.deepEqual(
      logged.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
});
