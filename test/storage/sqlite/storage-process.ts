// A process that opens a store and does with it what it is told, so that a test can kill -9 it while it does. Started by process-storage.ts.
import { StaleError, TemporaryError } from '../../../src/quarantine/errors.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import type { Answer, Call } from './process-messages.ts';

const silent = (): void => undefined;
const [path = '', uidLimit] = process.argv.slice(2);
const storage = await openSqlite(path, {
  log: { debug: silent, info: silent, warn: silent, error: silent },
  ...(uidLimit && { uidLimit: Number(uidLimit) }),
});

process.on('message', ({ id, room, method, args }: Call) => {
  const answer = (of: Partial<Answer>): void => void process.send?.({ id, ...of });
  const on: object = room === 'worker' ? storage.worker : storage;
  const work = Reflect.get(on, method) as (...of: unknown[]) => Promise<unknown>;
  Reflect.apply(work, on, args).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: { kind: kindOf(error), text: error instanceof Error ? error.message : '' } }),
  );
});
process.send?.({ id: 0 } satisfies Answer);

function kindOf(error: unknown): 'stale' | 'temporary' | 'other' {
  if (error instanceof StaleError) return 'stale';
  return error instanceof TemporaryError ? 'temporary' : 'other';
}
