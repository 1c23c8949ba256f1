// The model test (test/storage/model.ts) of the SQLite driver: processes of their own share one file, several calls of the port run at once,
// and a process is killed between any two, or in the middle of one. A failure prints its seed; what runs at the same time is not the same
// twice. MODEL_RUNS=n for more.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runModel } from '../model.ts';
import type { ModelOptions, OpenModelStore } from '../model.ts';
import { brokenStorages } from './broken-storages.ts';
import type { Break } from './broken-storages.ts';
import { startStorage } from './process-storage.ts';
import type { ProcessStorage } from './process-storage.ts';

const runs = Number(process.env.MODEL_RUNS ?? 1);
/** Seeds in which a broken storage has to be found out. */
const findWithin = 5;

const kinds: { name: string; options: Omit<ModelOptions, 'seed'> }[] = [
  { name: 'standing still for long', options: { dangers: { pause: 30 }, writes: 7 } },
  { name: 'dying at any moment', options: { dangers: { pause: 20, kill: 30 }, writes: 7 } },
  { name: 'running out of UIDs', options: { dangers: { pause: 20, kill: 30 }, uidLimit: 45, writes: 7 } },
];

const modelStore =
  (broken: Break = (storage) => storage): OpenModelStore =>
  async ({ uidLimit }) => {
    const directory = await mkdtemp(join(tmpdir(), 'lazaretto-model-'));
    const started: ProcessStorage[] = [];
    return {
      steps: 'calls',
      async open() {
        const process = await startStorage(join(directory, 'quarantine.db'), uidLimit);
        started.push(process);
        // A dead writer's transaction is undone by SQLite itself; nothing is left to be finished.
        return { storage: broken(process.storage), sweep: async () => undefined, kill: process.kill };
      },
      async cleanup() {
        for (const { kill } of started) kill();
        await Promise.all(started.map(({ ended }) => ended));
        await rm(directory, { recursive: true, force: true });
      },
    };
  };

describe('the SQLite store, shared by processes', () => {
  for (const { name, options } of kinds)
    test(`never shows anything below what was seen, the processes ${name}`, async () => {
      let kills = 0;
      for (let seed = 1; seed <= runs; seed++)
        kills += (await runModel(modelStore(), { processes: 2, rounds: 2, ...options, seed })).kills;
      assert.equal(kills > 0, (options.dangers?.kill ?? 0) > 0, 'who may be killed is killed');
    });

  for (const [what, broken] of Object.entries(brokenStorages))
    test(`is known to do so because one that ${what} is found out within ${findWithin} runs`, async (context) => {
      for (let seed = 1; seed <= findWithin; seed++) {
        const failure = await failureOf(runModel(modelStore(broken), { seed, processes: 1, rounds: 2, writes: 7 }));
        if (failure !== null) return context.diagnostic(`seed ${seed}: ${failure}`);
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
