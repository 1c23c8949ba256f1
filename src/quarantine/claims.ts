// Who works on which job: claims with leases. A claim is one conditional write, so that no job is run twice while its owner lives;
// a lease that was lost makes the attempt's outcome worthless (outcomes.ts). Called by src/queue.
import { randomUUID } from 'node:crypto';
import { StaleError } from './errors.ts';
import type { Lease } from './job.ts';
import type { Message } from './message.ts';
import type { Quarantine } from './quarantine.ts';

/** The delivery of a message, or its report to one target. */
export type JobName = { kind: 'delivery' } | { kind: 'report'; target: string };

export interface Claim {
  /** As it was when claimed. */
  message: Message;
  job: JobName;
  token: string;
}

interface Claimable {
  state: string;
  nextAttemptAt: number;
  lease: Lease | null;
  parkedAt?: number;
}

export function jobOf(message: Message, job: JobName): Claimable | undefined {
  if (job.kind === 'delivery') return message.delivery ?? undefined;
  return message.report?.targets[job.target];
}

/** The message with one job replaced; the caller made sure that it has that job. */
export function withJob(message: Message, job: JobName, change: object): Message {
  if (job.kind === 'delivery') {
    return message.delivery ? { ...message, delivery: { ...message.delivery, ...change } } : message;
  }
  const state = message.report?.targets[job.target];
  if (!message.report || !state) return message;
  return {
    ...message,
    report: { ...message.report, targets: { ...message.report.targets, [job.target]: { ...state, ...change } } },
  };
}

/** Due, but nobody may claim it before an administrator says go (restored.ts). */
export function isParked(job: { state: string; parkedAt?: number } | null | undefined): boolean {
  return job?.state === 'due' && job.parkedAt !== undefined;
}

export function jobNames(message: Message): JobName[] {
  const reports = Object.keys(message.report?.targets ?? {}).map((target): JobName => ({ kind: 'report', target }));
  return message.delivery ? [{ kind: 'delivery' }, ...reports] : reports;
}

/**
 * Claims jobs that are due, each by a durable write of its own. Jobs that `isWanted` turns down (a destination that is busy) stay due.
 * Somebody else's claim in between is no error: that job is simply not ours.
 */
export async function claimDue(
  quarantine: Quarantine,
  order: {
    limit: number;
    leaseMs: number;
    exceptDomains: readonly string[];
    exceptTargets?: readonly string[];
    /** Called once, before the first question, when anything is due at all. */
    beforeAsking?: () => Promise<void>;
    isWanted: (message: Message, job: JobName) => boolean;
  },
): Promise<Claim[]> {
  const { storage, clock } = quarantine;
  const now = clock.now();
  const claims: Promise<Claim[]>[] = [];
  const due = await storage.worker.due(now, order.limit, order.exceptDomains, order.exceptTargets);
  if (due.length) await order.beforeAsking?.();
  for (const message of due) {
    const jobs = jobNames(message).filter(
      (job) => isClaimable(jobOf(message, job), now) && order.isWanted(message, job),
    );
    if (jobs.length) claims.push(claimJobs(quarantine, message, jobs, now + order.leaseMs));
  }
  return (await Promise.all(claims)).flat();
}

function isClaimable(job: Claimable | undefined, now: number): boolean {
  if (job?.state !== 'due' || isParked(job)) return false;
  return job.nextAttemptAt <= now && (job.lease === null || job.lease.until <= now);
}

async function claimJobs(quarantine: Quarantine, message: Message, jobs: JobName[], until: number): Promise<Claim[]> {
  const token = randomUUID();
  const after = jobs.reduce((next, job) => withJob(next, job, { lease: { token, until } }), message);
  try {
    const { messages } = await quarantine.storage.commit([{ before: message, after }]);
    const [claimed] = messages;
    return claimed ? jobs.map((job) => ({ message: claimed, job, token })) : [];
  } catch (error) {
    if (error instanceof StaleError) return [];
    throw error;
  }
}

/** The stored message if the claim still holds its lease, else null. */
export async function claimedMessage(quarantine: Quarantine, claim: Claim): Promise<Message | null> {
  const message = await quarantine.storage.worker.get(claim.message.id);
  const job = message && jobOf(message, claim.job);
  return message && job?.state === 'due' && job.lease?.token === claim.token ? message : null;
}

/** Extends the lease; false when it was lost, and the attempt must stop. */
export async function renewClaim(quarantine: Quarantine, claim: Claim, leaseMs: number): Promise<boolean> {
  return whileClaimed(quarantine, claim, (message, now) =>
    withJob(message, claim.job, { lease: { token: claim.token, until: now + leaseMs } }),
  );
}

/** Gives a claim back untried, so that another worker need not wait for the lease to run out. */
export async function returnClaim(quarantine: Quarantine, claim: Claim): Promise<boolean> {
  return whileClaimed(quarantine, claim, (message) => withJob(message, claim.job, { lease: null }));
}

/**
 * Commits `change` of the claimed message, again and again while others change it too, but only as long as the claim holds its lease.
 * Answers whether it was written. `change` may be called several times.
 */
export async function whileClaimed(
  quarantine: Quarantine,
  claim: Claim,
  change: (message: Message, now: number) => Message | Promise<Message>,
): Promise<boolean> {
  for (;;) {
    const message = await claimedMessage(quarantine, claim);
    if (!message) return false;
    try {
      await quarantine.storage.commit([{ before: message, after: await change(message, quarantine.clock.now()) }]);
      return true;
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
    }
  }
}
