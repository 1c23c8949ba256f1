// Several processes on one store, for tests of what their workers do to each other: each has a storage and a clock of its own. The far end
// and the filter are the test's, so that it sees every attempt of all of them and says when they are answered.
import { setTimeout as sleep } from 'node:timers/promises';
import english from '../../src/languages/en.ts';
import { loadFolders } from '../../src/load-folders.ts';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { createFolderSet } from '../../src/quarantine/folder-set.ts';
import type { Delivery, Report } from '../../src/quarantine/job.ts';
import type { Clock, Storage, WorkerStorage } from '../../src/quarantine/ports.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import type {
  DeliveryAttempt,
  DeliveryTarget,
  RecipientOutcome,
  ReportAttempt,
  ReportOutcome,
  ReportTarget,
} from '../../src/quarantine/target.ts';
import { startWorker } from '../../src/queue/worker.ts';
import type { Worker, WorkerOptions } from '../../src/queue/worker.ts';
import { insertMessage, ownerOf } from '../helpers/messages.ts';
import { testDomain, testLog, testPolicy } from '../helpers/quarantine.ts';
import type { LogLine } from '../helpers/quarantine.ts';
import type { TestStore } from '../storage/contract/store.ts';

/** Until a state is reached; a test that never reaches it ends by its time limit. */
export async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isReached())) await sleep(5);
}

export interface Process {
  quarantine: Quarantine;
  logged: LogLine[];
  /** Its way to the store: what it asked for, and whether it gets an answer. */
  line: { isDown: boolean; refused: number; commits: number; leasedAsked: number; looks: number };
  work(options?: Partial<WorkerOptions>): Worker;
}

export interface Scene {
  farEnd: HeldFarEnd;
  filter: HeldFilter;
  /** One more process; `isDeaf`: nobody tells it of commits. */
  process(options?: { clock?: Clock; isDeaf?: boolean }): Promise<Process>;
  storage: Storage;
}

export async function withProcesses(
  open: () => Promise<TestStore>,
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  const store = await open();
  for (const name of ['example.com', 'example.org']) await store.storage.domains.put(testDomain({ name }));
  const [farEnd, filter] = [new HeldFarEnd(), new HeldFilter()];
  const workers: Worker[] = [];
  const process: Scene['process'] = async ({ clock = { now: () => Date.now() }, isDeaf = false } = {}) => {
    const { logged, log } = testLog();
    const line = { isDown: false, refused: 0, commits: 0, leasedAsked: 0, looks: 0 };
    const storage = watched(await store.reopen(), line, isDeaf);
    const quarantine: Quarantine = {
      storage,
      domains: await openDomainDirectory(storage),
      folders: createFolderSet(await loadFolders(), { outgoing: true, training: true, trash: false }),
      policy: testPolicy({ reportTargets: [filter.name] }),
      sentences: english,
      clock,
      log,
    };
    return {
      quarantine,
      logged,
      line,
      work(options) {
        const targets = { delivery: farEnd, reports: [filter], outgoing: '' };
        // Long enough that no machine is too busy to renew it, where a test does not say otherwise.
        const worker = startWorker({ quarantine, targets, leaseMs: 60_000, ...options });
        workers.push(worker);
        return worker;
      },
    };
  };
  try {
    await run({ farEnd, filter, process, storage: store.storage });
  } finally {
    await Promise.all(workers.map((worker) => worker.close(0)));
    await store.cleanup();
  }
}

function watched(storage: Storage, line: Process['line'], isDeaf: boolean): Storage {
  const reach = (): void => {
    if (!line.isDown) return;
    line.refused++;
    throw new TemporaryError('The store is out of reach.');
  };
  const worker: WorkerStorage = {
    ...storage.worker,
    get: async (id) => (reach(), storage.worker.get(id)),
    contentOf: async (id) => (reach(), storage.worker.contentOf(id)),
    due: async (...query) => (reach(), line.looks++, storage.worker.due(...query)),
    nextDueAt: async () => (reach(), storage.worker.nextDueAt()),
    leased: async (...query) => (reach(), line.leasedAsked++, storage.worker.leased(...query)),
  };
  return {
    ...storage,
    worker,
    commit: async (...changes) => (reach(), line.commits++, storage.commit(...changes)),
    watch: (listener) => (isDeaf ? () => undefined : storage.watch(listener)),
  };
}

/** Holds every attempt until `answer()`, and from then on none. */
class Held {
  /** Everybody whose attempt began, in order, and those whose attempt was stopped. */
  readonly begun: string[] = [];
  readonly stopped: string[] = [];
  readonly done: string[] = [];
  /** In the order in which it happened. */
  readonly events: string[] = [];
  readonly underWay: string[] = [];
  /** The most at once. */
  most = 0;
  readonly #answer = Promise.withResolvers<void>();

  answer(): void {
    this.#answer.resolve();
  }

  async hold(who: string, signal: AbortSignal): Promise<boolean> {
    this.begun.push(who);
    this.underWay.push(who);
    this.events.push(`${who} begins`);
    this.most = Math.max(this.most, this.underWay.length);
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      void this.#answer.promise.then(() => setImmediate(resolve));
    });
    this.underWay.splice(this.underWay.indexOf(who), 1);
    (signal.aborted ? this.stopped : this.done).push(who);
    this.events.push(`${who} ${signal.aborted ? 'stopped' : 'done'}`);
    return !signal.aborted;
  }
}

export class HeldFarEnd extends Held implements DeliveryTarget {
  async deliver({ envelope, signal }: DeliveryAttempt): Promise<RecipientOutcome[]> {
    const isTaken = await this.hold(envelope.recipients.join(' '), signal);
    return envelope.recipients.map((address) => ({
      address,
      outcome: isTaken ? 'accepted' : 'temporary',
      reply: isTaken ? '250 taken' : 'stopped',
    }));
  }

  to(domain: string): string[] {
    return this.underWay.filter((address) => address.endsWith(`@${domain}`));
  }

  async close(): Promise<void> {}
}

export class HeldFilter extends Held implements ReportTarget {
  readonly name = 'filter';

  async report({ messageId, signal }: ReportAttempt): Promise<ReportOutcome> {
    return (await this.hold(messageId, signal))
      ? { outcome: 'done', reply: 'learned' }
      : { outcome: 'temporary', reply: '' };
  }

  async close(): Promise<void> {}
}

/** Stores a message with a delivery that is due; answers its id. */
export async function release(storage: Storage, address: string, at = Date.now()): Promise<string> {
  const delivery: Delivery = {
    ...dueSince(at),
    orderedAt: at,
    orderedBy: 'cli',
    cause: 'CLI',
    holding: 1,
    recipients: [{ address, state: 'pending' }],
  };
  return (await insertMessage(storage, { owner: ownerOf(address), receivedAt: at, delivery })).id;
}

/** Stores a message with a report to the filter that is due; answers its id. */
export async function teach(storage: Storage, at = Date.now()): Promise<string> {
  const order = { orderedAt: at, orderedBy: 'cli', cause: 'CLI' as const };
  const report: Report = { ...order, verdict: 'ham', targets: { filter: dueSince(at) } };
  return (await insertMessage(storage, { receivedAt: at, report })).id;
}

function dueSince(at: number) {
  return { state: 'due' as const, attempts: 0, nextAttemptAt: at, lastDelayMs: 0, lease: null };
}

/** `user0@domain` … */
export function addresses(count: number, domain = 'example.com'): string[] {
  return Array.from({ length: count }, (_, i) => `user${i}@${domain}`);
}
