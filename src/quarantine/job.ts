// The two kinds of work that an action leaves behind: a delivery and a report. Both live inside the message that they are for, so that
// an order is one write and no queue can disagree with the quarantine (DESIGN section 5). Only a positive confirmation ends a job:
// a crash, a timeout or an unknown error means "again later". Nothing but `jobs cancel` stops one.

/** One training example's verdict. */
export type Verdict = 'ham' | 'spam';

/** What made the order: an IMAP command, or the command line. */
export type Cause = 'APPEND' | 'COPY' | 'MOVE' | 'CLI';

/**
 * The claim of one worker on one job. The outcome of an attempt is written only when `token` is still the stored one, so that a worker
 * that lost its lease cannot close somebody else's attempt.
 */
export interface Lease {
  token: string;
  /** Milliseconds since the epoch; from then on any worker may claim the job. Renewed while an attempt runs. */
  until: number;
}

/** One envelope recipient of a delivery. `accepted` is final for ever: no later order delivers to it again unless told `--again`. */
export interface DeliveryRecipient {
  address: string;
  state: 'pending' | 'accepted' | 'refused';
  /** The far end's words, verbatim. */
  reply?: string;
  at?: number;
}

/** How far a job has come. */
export interface Attempts {
  attempts: number;
  /** Meaningful while the job is due. */
  nextAttemptAt: number;
  /** Delay before nextAttemptAt, kept because the back-off grows from it. */
  lastDelayMs: number;
  lastReply?: string;
  endedAt?: number;
  /** Of a cancelled job: that of the attempt which was under way. */
  lease: Lease | null;
  /**
   * Set when the store was put back from a backup while the job was due: it may have been done since that backup was made, so nobody
   * claims it until an administrator says go (restored.ts, jobs.ts). The job is due all the same: nothing treats it as ended.
   */
  parkedAt?: number;
}

export interface Delivery extends Attempts {
  /** The holding that gave the order; a new holding takes a new order. */
  holding: number;
  orderedAt: number;
  /** Login name that gave the order (the failure notice goes to it), or `cli`. */
  orderedBy: string;
  cause: Cause;
  /** How many orders with `--again` this holding has had, the present one included; absent when none. */
  repetition?: number;
  state: 'due' | 'done' | 'failed' | 'cancelled';
  recipients: DeliveryRecipient[];
}

/** A report's progress at one target; targets are tracked on their own. */
export interface ReportTargetState extends Attempts {
  /** `unlearnable`: the target said that it can never learn from this (final, no error). */
  state: 'due' | 'done' | 'unlearnable' | 'cancelled';
}

export interface Report {
  verdict: Verdict;
  orderedAt: number;
  orderedBy: string;
  cause: Cause;
  /** By target name (settings, `training`). */
  targets: Record<string, ReportTargetState>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/**
 * Delay before the next attempt: every 15 minutes for 2 hours, then growing by half each time until 16 hours have passed, then every
 * 6 hours.
 *
 * @param elapsedMs since the first attempt of this order
 * @param lastDelayMs the delay before the attempt that just failed, 0 for the first
 */
export function retryDelayMs(elapsedMs: number, lastDelayMs: number): number {
  if (elapsedMs < 2 * hourMs) return 15 * minuteMs;
  if (elapsedMs < 16 * hourMs) return Math.round(Math.min(Math.max(lastDelayMs, 15 * minuteMs) * 1.5, 6 * hourMs));
  return 6 * hourMs;
}

/** When a job that is due may be claimed next: its time has come, nobody holds its lease and it is not parked. */
function claimableAt(job: Pick<Attempts, 'nextAttemptAt' | 'lease' | 'parkedAt'> & { state: string }): number | null {
  if (job.state !== 'due' || job.parkedAt !== undefined) return null;
  return job.lease ? Math.max(job.nextAttemptAt, job.lease.until) : job.nextAttemptAt;
}

/** When each of a message's jobs that are due and not parked may be claimed. `target` is null for the delivery. */
export function claimTimes(
  delivery: Delivery | null,
  report: Report | null,
): { target: string | null; claimableAt: number }[] {
  const jobs = [
    ...(delivery ? [{ target: null, job: delivery }] : []),
    ...Object.entries(report?.targets ?? {}).map(([target, job]) => ({ target, job })),
  ];
  return jobs.flatMap(({ target, job }) => {
    const at = claimableAt(job);
    return at === null ? [] : [{ target, claimableAt: at }];
  });
}

/** The earliest moment at which any of a message's jobs may be claimed; null when none is due, or all that are due are parked. */
export function nextClaimAt(delivery: Delivery | null, report: Report | null): number | null {
  const times = claimTimes(delivery, report).map(({ claimableAt: at }) => at);
  return times.length ? Math.min(...times) : null;
}

/** When the longest of the leases on a message's due jobs ends or ended; null when none is on record. */
export function lastLeaseEnd(delivery: Delivery | null, report: Report | null): number | null {
  let last: number | null = null;
  for (const job of [...(delivery ? [delivery] : []), ...(report ? Object.values(report.targets) : [])]) {
    if (job.state === 'due' && job.lease) last = Math.max(last ?? 0, job.lease.until);
  }
  return last;
}

/** When the last of a message's jobs ended; null while one is due, 0 when there never was one. */
export function jobsEndedAt(delivery: Delivery | null, report: Report | null): number | null {
  let last = 0;
  for (const job of [...(delivery ? [delivery] : []), ...(report ? Object.values(report.targets) : [])]) {
    if (job.state === 'due') return null;
    last = Math.max(last, job.endedAt ?? 0);
  }
  return last;
}
