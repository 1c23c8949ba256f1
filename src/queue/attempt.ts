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

/** Reason of an abort that is no fault of the far end: what it left open is given back untried. */
export const shutdown = 'shutdown';

export interface Attempt {
  quarantine: Quarantine;
  targets: Targets;
  claim: Claim;
  signal: AbortSignal;
}

/** Answers whether the outcome was recorded; false when the lease was lost meanwhile. */
export async function runAttempt(attempt: Attempt): Promise<boolean> {
  if (attempt.claim.job.kind === 'delivery') {
    const outcomes = await deliver(attempt);
    if (attempt.signal.reason === shutdown && outcomes.every(({ outcome }) => outcome === 'temporary')) {
      return returnClaim(attempt.quarantine, attempt.claim);
    }
    return record(attempt, () => recordDelivery(attempt.quarantine, attempt.claim, outcomes));
  }
  const outcome = await report(attempt, attempt.claim.job.target);
  if (attempt.signal.reason === shutdown && outcome.outcome === 'temporary')
    return returnClaim(attempt.quarantine, attempt.claim);
  return record(attempt, () => recordReport(attempt.quarantine, attempt.claim, outcome));
}

async function deliver({ quarantine, targets, claim, signal }: Attempt): Promise<RecipientOutcome[]> {
  const { message } = claim;
  const recipients =
    message.delivery?.recipients.filter(({ state }) => state === 'pending').map(({ address }) => address) ?? [];
  const deliverTo = destination(quarantine, targets, message);
  if (!deliverTo) return deferred(recipients, `The domain ${message.owner.domain} is not configured here any more.`);
  const content = await quarantine.storage.worker.contentOf(message.id);
  if (!content) {
    quarantine.log.error(
      { event: 'delivery', message: message.id },
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
      { event: 'report', message: message.id },
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

/**
 * The far end has answered; until that is written, a crash repeats the attempt. So a store that is out of reach for a moment is asked
 * again and again, as long as the lease is ours.
 */
async function record({ signal }: Attempt, write: () => Promise<boolean>): Promise<boolean> {
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2000)) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof TemporaryError) || signal.aborted) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
