// One attempt at one job: fetch the content, hand it to the target, record what the far end said. Called by worker.ts, which keeps the lease.
import { returnClaim } from '../quarantine/claims.ts';
import type { Claim } from '../quarantine/claims.ts';
import { TemporaryError } from '../quarantine/errors.ts';
import type { Message } from '../quarantine/message.ts';
import { recordDelivery, recordReport } from '../quarantine/outcomes.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { DeliveryTarget, RecipientOutcome, ReportOutcome, ReportTarget } from '../quarantine/target.ts';
import { traceOf } from '../quarantine/trace.ts';

export interface Targets {
  delivery: DeliveryTarget;
  reports: readonly ReportTarget[];
  /** Where outgoing mail goes. */
  outgoing: string;
}

/** Reasons of an abort that are no fault of the far end: what it left open is given back untried. */
export const shutdown = 'shutdown';
export const leaseOver = 'lease over';

export interface Attempt {
  quarantine: Quarantine;
  targets: Targets;
  claim: Claim;
  signal: AbortSignal;
  /** Whether the lease still keeps everybody else away (lease.ts). */
  isOurs: () => boolean;
  /** Aborted when the worker ends and waits for nobody any more, also where `signal` was aborted before for another reason. */
  end: AbortSignal;
}

/** Answers whether the outcome was recorded; false when the lease was lost meanwhile. */
export async function runAttempt(attempt: Attempt): Promise<boolean> {
  const { quarantine, claim } = attempt;
  if (claim.job.kind === 'delivery') {
    const outcomes = await deliver(attempt);
    const isUntried = wasStopped(attempt) && outcomes.every(({ outcome }) => outcome === 'temporary');
    return record(attempt, () =>
      isUntried ? returnClaim(quarantine, claim) : recordDelivery(quarantine, claim, outcomes),
    );
  }
  const outcome = await report(attempt, claim.job.target);
  const isUntried = wasStopped(attempt) && outcome.outcome === 'temporary';
  return record(attempt, () => (isUntried ? returnClaim(quarantine, claim) : recordReport(quarantine, claim, outcome)));
}

function wasStopped({ signal }: Attempt): boolean {
  return signal.reason === shutdown || signal.reason === leaseOver;
}

async function deliver({ quarantine, targets, claim, signal, isOurs }: Attempt): Promise<RecipientOutcome[]> {
  const { message } = claim;
  const recipients =
    message.delivery?.recipients.filter(({ state }) => state === 'pending').map(({ address }) => address) ?? [];
  const deliverTo = destination(quarantine, targets, message);
  if (!deliverTo) return deferred(recipients, `The domain ${message.owner.domain} is not configured here any more.`);
  const content = await quarantine.storage.worker.contentOf(message.id);
  if (!content) {
    quarantine.log.error(
      { event: 'worker', message: message.id, job: 'delivery' },
      'the content of a message with a due delivery is missing',
    );
    return deferred(recipients, 'The content of the message is missing here.');
  }
  const { hostname } = quarantine.policy;
  return targets.delivery.deliver({
    content,
    trace: traceOf(message, hostname),
    envelope: { sender: message.envelope.sender, recipients },
    deliverTo,
    heloName: hostname,
    signal,
    mayStillSend: isOurs,
  });
}

function destination(quarantine: Quarantine, targets: Targets, message: Message): string | undefined {
  if (message.view === 'outgoing') return targets.outgoing;
  return quarantine.domains.find(message.owner.domain)?.deliverTo;
}

function deferred(recipients: readonly string[], reply: string): RecipientOutcome[] {
  return recipients.map((address) => ({ address, outcome: 'temporary', reply }));
}

async function report({ quarantine, targets, claim, signal }: Attempt, name: string): Promise<ReportOutcome> {
  const { message } = claim;
  const target = targets.reports.find((candidate) => candidate.name === name);
  if (!target || !message.report)
    return { outcome: 'temporary', reply: `There is no training target "${name}" in the settings any more.` };
  const content = await quarantine.storage.worker.contentOf(message.id);
  if (!content) {
    quarantine.log.error(
      { event: 'worker', message: message.id, job: 'report' },
      'the content of a message with a due report is missing',
    );
    return { outcome: 'temporary', reply: 'The content of the message is missing here.' };
  }
  return target.report({
    content,
    verdict: message.report.verdict,
    messageId: message.id,
    digest: message.digest,
    signal,
  });
}

/** How long the store is left alone at most before it is asked again to take an outcome. */
export const recordEveryMs = 500;

/**
 * The far end has answered; until that is written, a crash repeats the attempt. So a store that is out of reach is asked again and again,
 * also when the lease is over: while nobody reaches the store nobody can claim the job, and when it is back, the others let us go first
 * (worker.ts). Should somebody have been faster, the store refuses.
 */
async function record({ end }: Attempt, write: () => Promise<boolean>): Promise<boolean> {
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, recordEveryMs)) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof TemporaryError) || end.aborted) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
