// A storage whose threads live in a process of their own, which can be killed. What it is asked for then is never answered. Called by
// model.test.ts.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { StaleError, TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Storage } from '../../../src/quarantine/ports.ts';
import type { Answer, Call } from './process-messages.ts';

export interface ProcessStorage {
  /** Calls of the port that read and write messages; no others. */
  storage: Storage;
  kill(): void;
  ended: Promise<unknown>;
}

export async function startStorage(path: string, uidLimit: number | undefined): Promise<ProcessStorage> {
  const script = new URL('./storage-process.ts', import.meta.url);
  const args = [path, ...(uidLimit === undefined ? [] : [String(uidLimit)])];
  const child = fork(script, args, { serialization: 'advanced' });
  const ended = once(child, 'exit');
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  const ready = new Promise<Answer>((resolve) => waiting.set(0, resolve));
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  async function ask(room: Call['room'], method: string, args: unknown[]): Promise<unknown> {
    const id = ++lastId;
    const { result, error } = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve);
      if (child.connected) child.send({ id, room, method, args } satisfies Call);
    });
    if (!error) return result;
    if (error.kind === 'stale') throw new StaleError();
    throw error.kind === 'temporary' ? new TemporaryError(error.text) : new Error(error.text);
  }

  const room = (name: Call['room'], own: Record<string, unknown>): object =>
    new Proxy(own, {
      get(target, method): unknown {
        // A promise is asked for `then`, and this is none.
        if (typeof method !== 'string' || method === 'then') return undefined;
        return target[method] ?? ((...args: unknown[]) => ask(name, method, args));
      },
    });
  await Promise.race([ready, ended.then(() => Promise.reject(new Error('the process with the storage ended')))]);
  return {
    storage: room('storage', { worker: room('worker', {}) }) as Storage,
    kill: () => void child.kill('SIGKILL'),
    ended,
  };
}
