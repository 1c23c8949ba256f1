// What an administrator may do with jobs from the command line: look at them, try deferred ones at once, let parked ones go (restored.ts),
// cancel one. Nothing else stops a job.
import { isParked, jobNames, jobOf, withJob } from './claims.ts';
import type { JobName } from './claims.ts';
import { commandRefusals } from './command-refusals.ts';
import { Refusal } from './errors.ts';
import type { Message } from './message.ts';
import { comeBack, withoutCancelledReport } from './orders.ts';
import type { Quarantine } from './quarantine.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';

export interface ListedJob {
  message: Message;
  job: JobName;
  /** As in job.ts, or `parked` for one that is due and nobody may claim. */
  state: string;
  attempts: number;
  /** Null when nothing is planned: the job has ended or is parked. */
  nextAttemptAt: number | null;
  /** Since when it is parked. */
  parkedAt: number | null;
  lastReply?: string;
}

/** Newest order first. `ended` adds jobs that are over. */
export async function listJobs(quarantine: Quarantine, query: { ended: boolean; limit: number }): Promise<ListedJob[]> {
  const messages = await quarantine.storage.worker.withJobs(query);
  return messages.flatMap((message) =>
    jobNames(message).flatMap((job): ListedJob[] => {
      const state = job.kind === 'delivery' ? message.delivery : message.report?.targets[job.target];
      if (!state || (state.state !== 'due' && !query.ended)) return [];
      return [
        {
          message,
          job,
          state: isParked(state) ? 'parked' : state.state,
          attempts: state.attempts,
          nextAttemptAt: state.state === 'due' && !isParked(state) ? state.nextAttemptAt : null,
          parkedAt: isParked(state) ? (state.parkedAt ?? null) : null,
          lastReply: state.lastReply,
        },
      ];
    }),
  );
}

export interface Retried {
  /** Jobs that were made due. */
  retried: number;
  /** Parked jobs that were left alone. */
  parked: number;
}

/**
 * Makes jobs due now that wait for their time: those of the messages that are named, parked or not; `deferred`: all but parked ones;
 * `parked`: the parked ones alone. A job that is being tried goes on.
 * @throws Refusal naming an id that has no job
 */
export async function retryJobs(
  quarantine: Quarantine,
  which: readonly string[] | 'deferred' | 'parked',
): Promise<Retried> {
  const { storage } = quarantine;
  const isNamed = typeof which !== 'string';
  const ids = isNamed ? which : (await storage.worker.withJobs({ ended: false, limit: Infinity })).map(({ id }) => id);
  const total: Retried = { retried: 0, parked: 0 };
  for (const id of ids) {
    const { retried, parked } = await repeatWhileStale(() => retryMessage(quarantine, id, isNamed ? 'all' : which));
    if (isNamed && retried === null) throw new Refusal('CANNOT', commandRefusals.noJob(id));
    total.retried += retried ?? 0;
    total.parked += parked;
  }
  return total;
}

/** `retried` is null when the message has no job that could be tried. */
async function retryMessage(
  { storage, clock }: Quarantine,
  id: string,
  which: 'all' | 'deferred' | 'parked',
): Promise<{ retried: number | null; parked: number }> {
  const message = await storage.worker.get(id);
  if (!message) throw new Refusal('NONEXISTENT', commandRefusals.notThere(id));
  const due = jobNames(message).filter((job) => jobOf(message, job)?.state === 'due');
  if (!due.length) return { retried: null, parked: 0 };
  const now = clock.now();
  const parked = due.filter((job) => isParked(jobOf(message, job)));
  const deferred = due.filter((job) => !parked.includes(job) && (jobOf(message, job)?.nextAttemptAt ?? 0) > now);
  const wanted = [...(which === 'parked' ? [] : deferred), ...(which === 'deferred' ? [] : parked)];
  if (wanted.length) {
    const again = { nextAttemptAt: now, parkedAt: undefined };
    await storage.commit([
      { before: message, after: wanted.reduce((next, job) => withJob(next, job, again), message) },
    ]);
  }
  return { retried: wanted.length, parked: which === 'deferred' ? parked.length : 0 };
}

/**
 * Cancels what is due for a message. A cancelled delivery begins a new holding: the message is back in its view, without the recipients
 * that accepted. An attempt that is under way finds that it must stop; its lease stays on record, so that a recipient who accepts at this
 * very moment is noted (outcomes.ts), and no new order is tried before the attempt has ended.
 * @throws Refusal when there is no such message or nothing is due
 */
export async function cancelJob(quarantine: Quarantine, id: string, by: string): Promise<Message> {
  const { storage, clock } = quarantine;
  return repeatWhileStale(async () => {
    const message = await storage.worker.get(id);
    if (!message) throw new Refusal('NONEXISTENT', commandRefusals.notThere(id));
    const due = jobNames(message).filter((job) => jobOf(message, job)?.state === 'due');
    if (!due.length) throw new Refusal('CANNOT', commandRefusals.noJob(id));
    const now = clock.now();
    const cancelled = due.reduce((next, job) => withJob(next, job, { state: 'cancelled', endedAt: now }), message);
    const ended = withoutCancelledReport(cancelled);
    const after = due.some((job) => job.kind === 'delivery') ? comeBack(ended, now) : ended;
    const { messages } = await storage.commit([{ before: message, after }]);
    quarantine.log.info({ event: 'cancel', message: id, by, jobs: due.length }, 'jobs cancelled');
    return messages[0] ?? after;
  });
}
