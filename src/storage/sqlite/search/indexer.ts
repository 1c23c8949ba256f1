// The thread that keeps the search index up to date. It reads the store and writes the index file alone, so that nobody who stores mail ever
// waits for it, and it stands back where the processor is busy. A damaged index is made anew. Started by open.ts, driven by indexing.ts.
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { openConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { toSent } from '../errors.ts';
import type { Answer, Request, Response } from '../thread.ts';
import { indexNew, removeGone } from './index-rounds.ts';
import { OpenIndex } from './open-index.ts';

/** As thread.ts knows them: by their names, what they take and what they come to. */
export type IndexerOperations = {
  /** Whether there is more. */
  indexNew: (on: never, argument: undefined) => boolean;
  /** From the block behind this one on; the last block that was looked at, null at the end. */
  removeGone: (on: never, after: number) => number | null;
};

export interface IndexerData {
  path: string;
}

const niceness = 10;

if (parentPort) serve(parentPort, workerData as IndexerData);

function serve(port: NonNullable<typeof parentPort>, { path }: IndexerData): void {
  const send = (response: Response): void => port.postMessage(response);
  const index = new OpenIndex(path);
  let main: Connection;
  try {
    main = openConnection(path, { readOnly: true });
  } catch (error) {
    send({ kind: 'refused', error: toSent(error) });
    return port.close();
  }
  // Linux alone gives threads priorities of their own; elsewhere this would slow the whole process down.
  if (process.platform === 'linux') setPriority(niceness);

  async function run(name: string, argument: unknown): Promise<unknown> {
    try {
      if (name === 'indexNew') return await indexNew(main, index.current());
      return await removeGone(main, index.current(), argument as number);
    } catch (error) {
      if (!index.removeIfDamaged(error)) throw error;
      return name === 'indexNew' ? true : null;
    }
  }

  async function answer({ id, name, argument }: Extract<Request, { kind: 'call' }>): Promise<Answer> {
    try {
      return { id, result: await run(name, argument) };
    } catch (error) {
      return { id, error: toSent(error) };
    }
  }

  // One after the other: both write. Nobody closes it: it is cut off (indexing.ts).
  let last = Promise.resolve();
  port.on('message', (request: Request) => {
    if (request.kind !== 'call') return;
    last = last.then(async () => send({ kind: 'answers', answers: [await answer(request)], changed: null }));
  });
  send({ kind: 'ready' });
}
