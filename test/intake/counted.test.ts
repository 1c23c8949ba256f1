// What a door tells the meter and the log: each answer that is no 250, once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { Door } from '../../src/intake/door.ts';
import { createReceiveBudget } from '../../src/intake/receive-budget.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

async function* bytes(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}

test('every answer of a door is counted and logged once, by folder, outcome and code', async () => {
  let isDown = false;
  await using test = await openTestQuarantine({
    wrapStorage: (storage) => ({
      ...storage,
      insert: (...given) =>
        isDown ? Promise.reject(new TemporaryError('The store is busy.')) : storage.insert(...given),
    }),
  });
  const counted: string[] = [];
  const meter = {
    count: (counter: string, labels: object, by = 1) =>
      void counted.push([counter, ...Object.values(labels).map(String), by].join(' ')),
    time: () => undefined,
    set: () => undefined,
  };
  const budget = createReceiveBudget(1_000_000);
  const quarantine = { ...test.quarantine, meter };
  const door = new Door({ quarantine, view: 'caught', isLmtp: true, budget });
  const envelope = { sender: 'a@remote.example', recipients: ['alice@example.com', 'bob@example.com'] };
  const told = (): [counted: string[], events: string[]] => [
    counted.splice(0),
    test.logged.splice(0).map(({ level, fields }) => `${level} ${String(fields['event'])}`),
  ];

  door.refuseClient('192.0.2.1');
  assert.deepEqual(told(), [['refusals lmtp 5.7.1 1'], ['warn reject']]);
  assert.equal(door.refusalOf('a@remote.example', 'x@elsewhere.example')?.code, 550);
  assert.deepEqual(told(), [['arrivals Caught refused 1', 'refusals lmtp 5.1.2 1'], ['info reject']]);
  assert.equal(door.deferralOfData(2_000_000)?.code, 452);
  assert.deepEqual(told(), [['arrivals Caught deferred 1', 'refusals lmtp 4.3.1 1'], ['warn defer']]);
  isDown = true;
  assert.deepEqual(
    (await door.take(bytes('Subject: one\r\n\r\n'), envelope)).map(({ code }) => code),
    [451, 451],
  );
  assert.deepEqual(told(), [['arrivals Caught deferred 1', 'refusals lmtp 4.3.0 1'], ['warn defer']]);
  isDown = false;
  await door.take(bytes('Subject: one\r\n\r\n'), envelope);
  assert.deepEqual(told(), [['arrivals Caught kept 2'], ['info arrival']]);
});
