// One of the driver's threads, seen from the main one: calls by name, each answered once. When a thread dies, the calls that it owed are
// answered with TemporaryError and another one takes its place, so that one bad moment never ends the server.
import { Worker } from 'node:worker_threads';
import { TemporaryError } from '../../quarantine/errors.ts';
import type { Log } from '../../quarantine/ports.ts';
import { fromSent } from './errors.ts';
import type { SentError } from './errors.ts';

/** An operation as its thread runs it: what it works on first, then the caller's argument. */
type Operation = (on: never, argument: never) => unknown;
export type Operations = Record<string, Operation>;
type ArgumentOf<F> = F extends (on: never, argument: infer Argument) => unknown ? Argument : never;
type ResultOf<F> = F extends (on: never, argument: never) => infer Returned
  ? Returned extends { result: infer Result; changed: unknown }
    ? Result
    : Returned
  : never;

/** To a thread. */
export type Request =
  { kind: 'call'; id: number; name: string; argument: unknown } | { kind: 'watch'; watch: boolean } | { kind: 'close' };

/** From a thread. */
export type Response =
  | { kind: 'ready' }
  | { kind: 'refused'; error: SentError }
  | { kind: 'answers'; answers: Answer[]; changed: readonly string[] | 'all' | null }
  | { kind: 'changed' };

export type Answer = { id: number; result: unknown } | { id: number; error: SentError };

export interface ThreadOptions {
  /** For the log. */
  name: string;
  file: URL;
  workerData: object;
  log: Log;
  /** Something was committed: keys of sequences, `all` when another process did it. */
  onChanged: (changed: readonly string[] | 'all') => void;
}

export interface Thread<O extends Operations> {
  call<N extends keyof O & string>(
    name: N,
    argument: ArgumentOf<O[N]>,
    transfer?: ArrayBuffer[],
  ): Promise<ResultOf<O[N]>>;
  /** Calls that wait for an answer. */
  readonly pending: number;
  /** Whether the thread looks for commits of other processes. */
  watch(watch: boolean): void;
  /** Answers what was called before, then ends. */
  close(): Promise<void>;
}

interface Pending {
  resolve(result: never): void;
  reject(error: Error): void;
}

/** Starts a thread. Rejects when it cannot open the store. */
export async function startThread<O extends Operations>(options: ThreadOptions): Promise<Thread<O>> {
  const { name, log } = options;
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let watching = false;
  let closing: Promise<void> | null = null;
  let current: { worker: Worker; ready: Promise<void>; ended: Promise<void> } | null = start();

  function start(): { worker: Worker; ready: Promise<void>; ended: Promise<void> } {
    const worker = new Worker(options.file, { workerData: options.workerData });
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    let isReady = false;
    let reason: unknown;
    // Whoever opens the storage looks at it; a later start has nobody waiting.
    ready.promise.catch(() => undefined);
    worker.on('message', (response: Response) => {
      if (response.kind === 'ready') {
        isReady = true;
        ready.resolve();
      } else if (response.kind === 'refused') {
        reason = fromSent(response.error);
        ready.reject(reason);
      } else if (response.kind === 'answers') {
        for (const answer of response.answers) settle(answer);
        if (response.changed) options.onChanged(response.changed);
        release();
      } else {
        options.onChanged('all');
      }
    });
    worker.on('error', (error) => {
      reason = error;
    });
    worker.on('exit', () => {
      if (current?.worker === worker) current = null;
      ready.reject(reason);
      rejectAll(reason);
      if (!closing) lost(reason, isReady);
      ended.resolve();
    });
    if (watching) worker.postMessage({ kind: 'watch', watch: true } satisfies Request);
    return { worker, ready: ready.promise, ended: ended.promise };
  }

  function lost(reason: unknown, wasReady: boolean): void {
    log.error(
      { event: 'storage', thread: name, err: reason },
      'a thread of the storage ended; its calls are repeated by their callers',
    );
    // A thread that cannot even start is started again by the next call, not at once and for ever.
    if (wasReady) {
      current = start();
      release();
    }
  }

  function settle(answer: Answer): void {
    const call = pending.get(answer.id);
    pending.delete(answer.id);
    if ('error' in answer) call?.reject(fromSent(answer.error));
    else call?.resolve(answer.result as never);
  }

  function rejectAll(reason: unknown): void {
    for (const call of pending.values())
      call.reject(
        new TemporaryError('The quarantine lost touch with its stored mail. Please try again.', { cause: reason }),
      );
    pending.clear();
  }

  /** A thread that owes nothing must not keep the process alive. */
  function release(): void {
    if (pending.size === 0) current?.worker.unref();
  }

  await current.ready;
  release();
  return {
    call(operation, argument, transfer) {
      if (closing)
        return Promise.reject(new TemporaryError('The quarantine is shutting down. Please try again later.'));
      current ??= start();
      const { worker } = current;
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        worker.postMessage({ kind: 'call', id, name: operation, argument } satisfies Request, transfer ?? []);
        pending.set(id, { resolve, reject });
        worker.ref();
      });
    },
    get pending() {
      return pending.size;
    },
    watch(watch) {
      watching = watch;
      current?.worker.postMessage({ kind: 'watch', watch } satisfies Request);
    },
    close() {
      closing ??= (async () => {
        const last = current;
        if (!last) return;
        last.worker.ref();
        last.worker.postMessage({ kind: 'close' } satisfies Request);
        await last.ended;
      })();
      return closing;
    },
  };
}
