// A thread for threads.test.ts that answers, fails, hangs or dies as it is told.
import { parentPort } from 'node:worker_threads';
import { Refusal, StaleError, TemporaryError } from '../../../src/quarantine/errors.ts';
import { toSent } from '../../../src/storage/sqlite/errors.ts';
import type { Request, Response } from '../../../src/storage/sqlite/thread.ts';

export interface ScriptedOperations {
  [name: string]: (on: never, argument: never) => unknown;
  echo: (on: never, argument: string) => string;
  hang: (on: never, argument: null) => null;
  die: (on: never, reason: string) => null;
  fail: (on: never, kind: string) => null;
}

const errors: Record<string, Error> = {
  refusal: new Refusal('LIMIT', 'too many'),
  temporary: new TemporaryError('later'),
  stale: new StaleError(),
  other: new Error('a mistake'),
};

const send = (response: Response): void => parentPort?.postMessage(response);

parentPort?.on('message', (request: Request) => {
  if (request.kind === 'close') parentPort?.close();
  if (request.kind !== 'call') return;
  const { id, name, argument } = request;
  if (name === 'die') throw new Error(String(argument));
  if (name === 'echo') send({ kind: 'answers', answers: [{ id, result: argument }], changed: null });
  if (name === 'fail')
    send({ kind: 'answers', answers: [{ id, error: toSent(errors[String(argument)]) }], changed: null });
});
send({ kind: 'ready' });
