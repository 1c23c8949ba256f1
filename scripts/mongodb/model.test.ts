// The model test (test/storage/model.ts) of the MongoDB driver, against the server that TEST_MONGODB_URL names: every operation on the
// database is a step. A failure prints its seed; MODEL_SEED=n runs that one alone, MODEL_RUNS=n more of them. And proof that it finds what it
// is there to find: drivers that are broken on purpose fail it. Run by `npm run test:mongodb`.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from '../../src/storage/mongodb/open.ts';
import type { Connection } from '../../src/storage/mongodb/connection.ts';
import { runModel } from '../../test/storage/model.ts';
import type { ModelOptions } from '../../test/storage/model.ts';
import { brokenDrivers } from './broken-drivers.ts';
import { modelStore } from './model-store.ts';

const server = process.env.TEST_MONGODB_URL;
if (!server) throw new Error('TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

const silent = (): void => undefined;
const only = process.env.MODEL_SEED;
const runs = Number(process.env.MODEL_RUNS ?? 5);

/** All that the driver makes up by itself: names of batches, and the time of forgetting. */
const madeUp = /[0-9a-f]{24}|(?<="forgottenAt":)\d+/g;

/** Seeds in which a broken driver has to be found out. */
const findWithin = 20;

const kinds: { name: string; options: Omit<ModelOptions, 'seed'> }[] = [
  { name: 'in any order', options: {} },
  { name: 'standing still for long', options: { dangers: { pause: 30 } } },
  { name: 'losing answers and dying at any step', options: { dangers: { pause: 20, lose: 4, kill: 4 } } },
  { name: 'running out of UIDs', options: { dangers: { pause: 20 }, uidLimit: 45, writes: 6 } },
  {
    name: 'running out of UIDs and dying',
    options: { dangers: { pause: 20, lose: 4, kill: 4 }, uidLimit: 45, writes: 6 },
  },
];

describe('the MongoDB driver, one database operation at a time', () => {
  let connection: Connection;
  before(async () => {
    connection = await connect(server, { log: { debug: silent, info: silent, warn: silent, error: silent } });
  });
  after(() => connection.client.close());

  for (const { name, options } of kinds)
    test(`processes that share a store, ${name}, never show anything below what was seen`, async () => {
      let kills = 0;
      for (const seed of only ? [Number(only)] : Array.from({ length: runs }, (_, i) => i + 1))
        kills += (await runModel(modelStore(connection), { ...options, seed })).kills;
      assert.equal(kills > 0, (options.dangers?.kill ?? 0) > 0, 'who may be killed is killed');
    });

  test('a seed is one run: what it found it finds again', async () => {
    const broken = brokenDrivers['forgets under which number a message was known before'];
    const options = { seed: 1, dangers: { pause: 30, lose: 1, kill: 1 }, writes: 6 };
    const again = async (): Promise<string> => {
      const error: unknown = await runModel(modelStore(connection, broken), options).catch(
        (failure: unknown) => failure,
      );
      assert.ok(error instanceof Error);
      return error.message.replace(madeUp, 'MADE UP');
    };
    assert.equal(await again(), await again());
  });

  for (const [what, broken] of Object.entries(brokenDrivers))
    test(`a driver that ${what} is found out within ${findWithin} runs`, async (context) => {
      for (let seed = 1; seed <= findWithin; seed++) {
        const failure = await failureOf(
          runModel(modelStore(connection, broken), { seed, dangers: { pause: 30 }, writes: 6 }),
        );
        if (failure === null) continue;
        context.diagnostic(`seed ${seed}: ${failure}`);
        return;
      }
      assert.fail(`${findWithin} runs of the model test found nothing wrong`);
    });
});

/** The promise that was broken; null if none was. */
async function failureOf(run: Promise<unknown>): Promise<string | null> {
  try {
    await run;
    return null;
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof Error);
    return error.cause.message.split('\n')[0] ?? '';
  }
}
