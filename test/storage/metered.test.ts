// The store with a watch beside it: the same answers, each timed once under the name that it has in the port.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Refusal, StaleError, TemporaryError } from '../../src/quarantine/errors.ts';
import type { Meter } from '../../src/quarantine/meter.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { meteredStorage } from '../../src/storage/metered.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

function recordingMeter(): { meter: Meter; timed: string[] } {
  const timed: string[] = [];
  const meter: Meter = {
    count: () => assert.fail('nothing is counted here'),
    set: () => assert.fail('nothing is set here'),
    time(duration, labels, seconds) {
      assert.ok(seconds >= 0 && seconds < 60, String(seconds));
      timed.push([duration, ...Object.values(labels)].join(' '));
    },
  };
  return { meter, timed };
}

describe('a metered store', () => {
  test('answers like the store behind it, part by part', async () => {
    await using test = await openTestQuarantine();
    const { meter, timed } = recordingMeter();
    const storage = meteredStorage(test.storage, meter);
    const { id, revision } = await insertMessage(storage);
    assert.equal((await storage.worker.get(id))?.revision, revision);
    assert.equal((await storage.mailboxStatus({ role: 'global' }, 'caught')).messages, 1);
    assert.deepEqual(await storage.accounts.list(), []);
    assert.deepEqual(
      (await storage.domains.list()).map(({ name }) => name),
      ['example.com'],
    );
    const expected = ['insert', 'worker.get', 'mailboxStatus', 'accounts.list', 'domains.list'];
    assert.deepEqual(
      timed,
      expected.map((name) => `store ${name} ok`),
    );
  });

  test('passes every method of the store on', async () => {
    await using test = await openTestQuarantine();
    const storage = meteredStorage(test.storage, recordingMeter().meter);
    const methods = (of: object): string[] =>
      Object.entries(of).flatMap(([key, member]) =>
        typeof member === 'function' ? [key] : methods(member as object).map((inner) => `${key}.${inner}`),
      );
    assert.ok(methods(test.storage).length > 30);
    assert.deepEqual(methods(storage), methods(test.storage));
  });

  test('lets errors through as they are, and tells them apart', async () => {
    await using test = await openTestQuarantine();
    const { meter, timed } = recordingMeter();
    const errors = [new StaleError(), new TemporaryError('later'), new Refusal('CANNOT', 'no'), new TypeError('bug')];
    for (const error of errors) {
      const broken: Storage = { ...test.storage, commit: () => Promise.reject(error) };
      await assert.rejects(meteredStorage(broken, meter).commit([]), (thrown) => thrown === error);
    }
    const outcomes = ['stale', 'unavailable', 'refused', 'error'];
    assert.deepEqual(
      timed,
      outcomes.map((outcome) => `store commit ${outcome}`),
    );
  });

  test('neither times listening nor the end', async () => {
    await using test = await openTestQuarantine();
    const { meter, timed } = recordingMeter();
    const storage = meteredStorage(test.storage, meter);
    const heard = Promise.withResolvers<void>();
    const stop = storage.watch(() => heard.resolve());
    await insertMessage(test.storage);
    await heard.promise;
    stop();
    await storage.close();
    assert.deepEqual(timed, []);
  });
});
