// What an administrator may do with jobs from the command line: look at them, try deferred ones at once, cancel one. Nothing else stops a job.
import { jobNames, jobOf, withJob } from './claims.ts';
import type { JobName } from './claims.ts';
import { Refusal } from './errors.ts';
import type { Message } from './message.ts';
import { comeBack } from './orders.ts';
import type { Quarantine } from './quarantine.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';
import { refusals } from './sentences.ts';

export interface ListedJob {
  message: Message;
  job: JobName;
  state: string;
  attempts: number;
  nextAttemptAt: number | null;
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
          state: state.state,
          attempts: state.attempts,
          nextAttemptAt: state.state === 'due' ? state.nextAttemptAt : null,
          lastReply: state.lastReply,
        },
      ];
    }),
  );
}

/**
 * Makes deferred jobs due now; ids are message ids, `all` is every deferred job. A job that is being tried goes on.
 * Answers how many jobs were made due.
 * @throws Refusal naming an id that has no job
 */
export async function retryJobs(quarantine: Quarantine, ids: readonly string[] | 'all'): Promise<number> {
  const { storage, clock } = quarantine;
  const wanted =
    ids === 'all' ? (await storage.worker.withJobs({ ended: false, limit: Infinity })).map(({ id }) => id) : ids;
  let retried = 0;
  for (const id of wanted) {
    retried += await repeatWhileStale(async () => {
      const message = await storage.worker.get(id);
      if (!message) throw new Refusal('NONEXISTENT', refusals.notThere(id));
      const due = jobNames(message).filter((job) => jobOf(message, job)?.state === 'due');
      if (!due.length && ids !== 'all') throw new Refusal('CANNOT', refusals.noJob(id));
      const now = clock.now();
      const deferred = due.filter((job) => (jobOf(message, job)?.nextAttemptAt ?? 0) > now);
      if (deferred.length) {
        const after = deferred.reduce((next, job) => withJob(next, job, { nextAttemptAt: now }), message);
        await storage.commit([{ before: message, after }]);
      }
      return deferred.length;
    });
  }
  return retried;
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
    if (!message) throw new Refusal('NONEXISTENT', refusals.notThere(id));
    const due = jobNames(message).filter((job) => jobOf(message, job)?.state === 'due');
    if (!due.length) throw new Refusal('CANNOT', refusals.noJob(id));
    const now = clock.now();
    const ended = due.reduce((next, job) => withJob(next, job, { state: 'cancelled', endedAt: now }), message);
    const after = due.some((job) => job.kind === 'delivery') ? comeBack(ended, now) : ended;
    const { messages } = await storage.commit([{ before: message, after }]);
    quarantine.log.info({ event: 'cancel', message: id, by, jobs: due.length }, 'jobs cancelled');
    return messages[0] ?? after;
  });
}
