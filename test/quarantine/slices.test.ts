// Long lists while others change the same messages: what may be done in part gets there, and never twice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { act } from '../../src/quarantine/act.ts';
import { StaleError, TemporaryError } from '../../src/quarantine/errors.ts';
import { expunge, storeFlags } from '../../src/quarantine/flags.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { inSlices } from '../../src/quarantine/slices.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('slices', () => {
  it('are run in order and answered in order', async () => {
    const sums = await inSlices(numbers(7), (slice) => Promise.resolve(slice.join()), { size: 3 });
    assert.deepEqual(sums, ['1,2,3', '4,5,6', '7']);
    assert.deepEqual(await inSlices([], () => Promise.reject(new Error('never called'))), []);
  });

  it('are halved while somebody changes one of their messages; the rest is done meanwhile', async () => {
    const tried: string[] = [];
    let disturbed = 3;
    const done = await inSlices(numbers(8), (slice) => {
      tried.push(slice.join());
      return slice.includes(6) && disturbed-- > 0 ? Promise.reject(new StaleError()) : Promise.resolve(slice);
    });
    assert.deepEqual(done.flat(), numbers(8));
    assert.deepEqual(tried, ['1,2,3,4,5,6,7,8', '1,2,3,4', '5,6,7,8', '5,6', '5', '6', '7,8']);
  });

  it('are tried as a whole as often as is asked for', async () => {
    let left = 4;
    const whole = await inSlices(
      numbers(9),
      (s) => (left-- > 0 ? Promise.reject(new StaleError()) : Promise.resolve(s)),
      {
        size: Infinity,
        patience: 5,
      },
    );
    assert.deepEqual(whole, [numbers(9)]);
  });

  it('end with "try again later" where one message never comes to rest, and with any other error at once', async () => {
    await assert.rejects(
      inSlices(numbers(4), () => Promise.reject(new StaleError())),
      TemporaryError,
    );
    let calls = 0;
    const broken = inSlices(numbers(4), () => {
      calls++;
      return Promise.reject(new RangeError());
    });
    await assert.rejects(broken, RangeError);
    assert.equal(calls, 1);
  });
});

describe('while the worker delivers the very messages', () => {
  const scope = { role: 'global' } as const;

  /** A store in which, of more than three messages, one has always changed since it was read. */
  async function openBusy(): Promise<TestQuarantine> {
    const test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        commit: (changes, drop) =>
          changes.length > 3 ? Promise.reject(new StaleError()) : storage.commit(changes, drop),
      }),
    });
    for (let i = 0; i < 20; i++) await insertMessage(test.storage);
    return test;
  }

  function drag(quarantine: Quarantine, cause: 'COPY' | 'MOVE', to: string) {
    const from = quarantine.folders.showing('caught') as ViewFolder;
    const drop = quarantine.folders.find(to, 'global') as DropFolder;
    return act(quarantine, { scope, cause, from, to: drop, uids: numbers(20) });
  }

  it('COPY, STORE, MOVE and EXPUNGE of many get there, with one answer for all', async () => {
    await using test = await openBusy();
    const { quarantine, storage } = test;
    const copied = await drag(quarantine, 'COPY', 'Release');
    assert.equal(copied.text, '20 messages will be delivered to their recipients.');
    assert.deepEqual(copied.copied?.uids, numbers(20));
    const stored = await storeFlags(quarantine, {
      scope,
      view: 'caught',
      uids: numbers(20),
      action: 'add',
      flags: ['\\Deleted'],
    });
    assert.deepEqual(
      stored.map(({ uid }) => uid),
      numbers(20),
    );
    assert.deepEqual(await expunge(quarantine, { scope, view: 'caught', uids: numbers(10) }), numbers(10));
    const moved = await drag(quarantine, 'MOVE', 'Not Spam');
    assert.deepEqual(moved.uids, numbers(20).slice(10));
    assert.deepEqual((await openedMailbox(storage, scope, 'caught')).uids, []);
    assert.equal((await storage.worker.withJobs({ ended: false, limit: 100 })).length, 20);
  });

  it('a COPY that is refused for one message does nothing for any', async () => {
    await using test = await openBusy();
    await insertMessage(test.storage, { category: 'virus' });
    const user = { role: 'domain', domain: 'example.com' } as const;
    const { folders } = test.quarantine;
    const order = { scope: user, cause: 'COPY' as const, uids: numbers(21) };
    const from = folders.showing('caught') as ViewFolder;
    const to = folders.find('Release', 'domain') as DropFolder;
    await assert.rejects(act(test.quarantine, { ...order, from, to }), { code: 'NOPERM' });
    assert.deepEqual(await test.storage.worker.withJobs({ ended: true, limit: 100 }), []);
  });
});
