// One of the driver's threads, seen from the main one: calls by name, each answered once. When a thread dies, the calls that it owed are
// answered with TemporaryError and another one takes its place, so that one bad moment never ends the server.
import { Worker } from 'node:worker_threads';
import type { ResourceLimits } from 'node:worker_threads';
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
  | { kind: 'call'; id: number; name: string; argument: unknown }
  | { kind: 'watch'; watching: boolean }
  | { kind: 'close' };

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
  resourceLimits?: ResourceLimits;
  log: Log;
  /** Something was committed: keys of sequences, `all` when another process did it. */
  onChanged: (changed: readonly string[] | 'all') => void;
}

interface Running {
  worker: Worker;
  isReady: boolean;
  ready: PromiseWithResolvers<void>;
  ended: PromiseWithResolvers<void>;
  /** Why it ended. */
  reason: unknown;
}

interface Pending {
  resolve(result: never): void;
  reject(error: Error): void;
}

export class Thread<O extends Operations> {
  #options: ThreadOptions;
  #current: Running | null = null;
  #pending = new Map<number, Pending>();
  #lastId = 0;
  #wasReady = false;
  #watching = false;
  #closed: Promise<void> | null = null;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** Starts it now, not with the first call. Rejects when it cannot open the store. */
  async open(): Promise<void> {
    await (this.#current ?? this.#start()).ready.promise;
    this.#release();
  }

  /** Calls that wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  call<N extends keyof O & string>(
    name: N,
    argument: ArgumentOf<O[N]>,
    transfer: ArrayBuffer[] = [],
  ): Promise<ResultOf<O[N]>> {
    if (this.#closed)
      return Promise.reject(new TemporaryError('The quarantine is shutting down. Please try again later.'));
    const { worker } = this.#current ?? this.#start();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      worker.postMessage({ kind: 'call', id, name, argument } satisfies Request, transfer);
      this.#pending.set(id, { resolve, reject });
      worker.ref();
    });
  }

  /** Whether the thread looks for commits of other processes. */
  watch(watching: boolean): void {
    this.#watching = watching;
    this.#current?.worker.postMessage({ kind: 'watch', watching } satisfies Request);
  }

  /** Refuses new calls at once; answers what was called before, waits for `others`, then ends. */
  close(others?: Promise<unknown>): Promise<void> {
    this.#closed ??= this.#end(others);
    return this.#closed;
  }

  /** Ends it in the middle of whatever it does; for a thread whose work may be cut off at any moment. */
  async kill(): Promise<void> {
    this.#closed ??= this.#current?.worker.terminate().then(() => undefined) ?? Promise.resolve();
    await this.#closed;
  }

  async #end(others: Promise<unknown> | undefined): Promise<void> {
    await others;
    const last = this.#current;
    if (!last) return;
    last.worker.ref();
    last.worker.postMessage({ kind: 'close' } satisfies Request);
    await last.ended.promise;
  }

  #start(): Running {
    const { file, workerData, resourceLimits } = this.#options;
    const running: Running = {
      worker: new Worker(file, { workerData, ...(resourceLimits ? { resourceLimits } : {}) }),
      isReady: false,
      ready: Promise.withResolvers<void>(),
      ended: Promise.withResolvers<void>(),
      reason: undefined,
    };
    this.#current = running;
    // Nobody may be waiting for it; who calls it is told by the answer.
    running.ready.promise.catch(() => undefined);
    running.worker.on('message', (response: Response) => this.#hear(running, response));
    running.worker.on('error', (error) => {
      running.reason = error;
    });
    running.worker.on('exit', () => this.#left(running));
    if (this.#watching) this.watch(true);
    return running;
  }

  #hear(running: Running, response: Response): void {
    switch (response.kind) {
      case 'ready':
        running.isReady = true;
        running.ready.resolve();
        // Whatever was committed around the end of the thread before, by it or by others, nobody has been told of.
        if (this.#wasReady) this.#options.onChanged('all');
        this.#wasReady = true;
        break;
      case 'refused':
        running.reason = fromSent(response.error);
        running.ready.reject(running.reason);
        break;
      case 'answers':
        for (const answer of response.answers) this.#settle(answer);
        if (response.changed) this.#options.onChanged(response.changed);
        this.#release();
        break;
      case 'changed':
        this.#options.onChanged('all');
    }
  }

  #settle(answer: Answer): void {
    const call = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('error' in answer) call?.reject(fromSent(answer.error));
    else call?.resolve(answer.result as never);
  }

  #left(running: Running): void {
    const { name, log } = this.#options;
    const { isReady, reason } = running;
    this.#current = null;
    running.ready.reject(reason);
    for (const call of this.#pending.values())
      call.reject(
        new TemporaryError('The quarantine lost touch with its stored mail. Please try again.', { cause: reason }),
      );
    this.#pending.clear();
    running.ended.resolve();
    // A first start that fails is told to whoever waits for it.
    if (this.#closed || !this.#wasReady) return;
    log.error(
      { event: 'storage', thread: name, err: reason },
      'a thread of the storage ended; another one takes its place',
    );
    // One that could not even start is tried again with the next call, not at once and for ever.
    if (!isReady) return;
    this.#start();
    this.#release();
  }

  /** A thread that owes nothing must not keep the process alive. */
  #release(): void {
    if (this.#pending.size === 0) this.#current?.worker.unref();
  }
}
