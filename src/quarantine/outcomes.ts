// What an attempt's outcome means for the message: done, again later, or failed and back in its view with a notice. Written only if the
// claim still holds its lease, so that a late answer cannot close a newer order. Called by src/queue after each attempt.
import { whileClaimed, withJob } from './claims.ts';
import type { Claim } from './claims.ts';
import { insertFailureNotice } from './failure-notice.ts';
import { retryDelayMs } from './job.ts';
import type { Delivery, DeliveryRecipient } from './job.ts';
import type { Message } from './message.ts';
import { comeBack, markedIfDelivered } from './orders.ts';
import type { Quarantine } from './quarantine.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';
import type { RecipientOutcome, ReportOutcome } from './target.ts';

/**
 * Durable when it resolves; may be repeated. False: the lease was lost and nothing was written.
 * A recipient without an outcome stays pending: only a positive confirmation ends a job.
 */
export async function recordDelivery(
  quarantine: Quarantine,
  claim: Claim,
  outcomes: readonly RecipientOutcome[],
): Promise<boolean> {
  let attempted: Delivery | undefined;
  const isWritten = await whileClaimed(quarantine, claim, async (message, now) => {
    if (!message.delivery) return message;
    const delivery = afterAttempt(message.delivery, outcomes, { now, retryForMs: quarantine.policy.retryForMs });
    const next = { ...message, delivery };
    attempted = delivery;
    if (delivery.state !== 'failed') return next;
    // The notice first: should we die in between, the message is still due and fails again, and the notice has its fixed id.
    await insertFailureNotice(quarantine, next, now);
    return comeBack(next, now, '$ReleaseFailed');
  });
  if (!isWritten) await noteLateAcceptance(quarantine, claim, outcomes);
  else if (attempted) tellDelivery(quarantine, claim, attempted);
  return isWritten;
}

/** Of a delivery that was cancelled during the attempt: who has got the message after all must not get it again by the next order. */
async function noteLateAcceptance(
  { storage, clock }: Quarantine,
  { message: { id }, token }: Claim,
  outcomes: readonly RecipientOutcome[],
): Promise<void> {
  await repeatWhileStale(async () => {
    const message = await storage.worker.get(id);
    const delivery = message?.delivery;
    if (!message || delivery?.state !== 'cancelled' || delivery.lease?.token !== token) return;
    const replies = new Map(
      outcomes.filter(({ outcome }) => outcome === 'accepted').map(({ address, reply }) => [address, reply]),
    );
    const recipients = delivery.recipients.map((recipient): DeliveryRecipient => {
      const reply = replies.get(recipient.address);
      return reply !== undefined && recipient.state === 'pending'
        ? { ...recipient, state: 'accepted', reply, at: clock.now() }
        : recipient;
    });
    const noted = { ...message, delivery: { ...delivery, recipients, lease: null } };
    await storage.commit([{ before: message, after: markedIfDelivered(noted) }]);
  });
}

function afterAttempt(
  delivery: Delivery,
  outcomes: readonly RecipientOutcome[],
  { now, retryForMs }: { now: number; retryForMs: number },
): Delivery {
  const givenUp = now - delivery.orderedAt >= retryForMs;
  const byAddress = new Map(outcomes.map((outcome) => [outcome.address, outcome]));
  const recipients = delivery.recipients.map((recipient): DeliveryRecipient => {
    const outcome = byAddress.get(recipient.address);
    if (recipient.state !== 'pending') return recipient;
    const reply = outcome?.reply ?? recipient.reply;
    if (outcome?.outcome === 'accepted') return { ...recipient, state: 'accepted', reply, at: now };
    if (outcome?.outcome === 'permanent' || givenUp) return { ...recipient, state: 'refused', reply, at: now };
    return { ...recipient, reply };
  });
  const attempted: Delivery = {
    ...delivery,
    recipients,
    attempts: delivery.attempts + 1,
    lastReply: lastReplyOf(outcomes) ?? delivery.lastReply,
    lease: null,
  };
  if (recipients.some((recipient) => recipient.state === 'pending')) {
    const lastDelayMs = retryDelayMs(now - delivery.orderedAt, delivery.lastDelayMs);
    return { ...attempted, lastDelayMs, nextAttemptAt: now + lastDelayMs };
  }
  return {
    ...attempted,
    state: recipients.some((recipient) => recipient.state === 'refused') ? 'failed' : 'done',
    endedAt: now,
  };
}

/** The reply that tells most: a refusal before a deferral before an acceptance. */
function lastReplyOf(outcomes: readonly RecipientOutcome[]): string | undefined {
  for (const kind of ['permanent', 'temporary', 'accepted']) {
    const found = outcomes.find(({ outcome }) => outcome === kind);
    if (found) return found.reply;
  }
  return undefined;
}

/** Durable when it resolves; may be repeated. False: the lease was lost (or the verdict superseded) and nothing was written. */
export async function recordReport(quarantine: Quarantine, claim: Claim, outcome: ReportOutcome): Promise<boolean> {
  const { job } = claim;
  if (job.kind !== 'report') throw new Error('a report was recorded for a delivery');
  const isWritten = await whileClaimed(quarantine, claim, (message: Message, now) => {
    const { report } = message;
    const state = report?.targets[job.target];
    if (!report || !state) return message;
    const common = { attempts: state.attempts + 1, lastReply: outcome.reply, lease: null };
    if (outcome.outcome === 'done') return withJob(message, job, { ...common, state: 'done', endedAt: now });
    if (outcome.outcome === 'final') return withJob(message, job, { ...common, state: 'unlearnable', endedAt: now });
    const lastDelayMs = retryDelayMs(now - report.orderedAt, state.lastDelayMs);
    return withJob(message, job, { ...common, lastDelayMs, nextAttemptAt: now + lastDelayMs });
  });
  if (isWritten) tellReport(quarantine, claim, { target: job.target, outcome });
  return isWritten;
}

// Told when it is written: until then another process may have changed the message, and all of it is done once more.

function tellDelivery(quarantine: Quarantine, { message }: Claim, { state, lastReply }: Delivery): void {
  const outcome = state === 'due' ? 'deferred' : state;
  const fields = { event: 'delivery', message: message.id, outcome, reply: lastReply } as const;
  quarantine.log.info(fields, `delivery ${outcome}`);
  quarantine.meter?.count('deliveries', { target: kindOfTarget(quarantine, message), outcome });
}

function tellReport(
  quarantine: Quarantine,
  { message }: Claim,
  { target, outcome: { outcome, reply } }: { target: string; outcome: ReportOutcome },
): void {
  const became = { done: 'done', final: 'unlearnable', temporary: 'deferred' }[outcome];
  const fields = { event: 'report', message: message.id, target, outcome: became, reply } as const;
  quarantine.log.info(fields, `report ${became}`);
  quarantine.meter?.count('reports', { target, outcome: became });
}

/** `smtp`, `lmtp`, `mx` and the like: a name per domain would be a series per domain. */
function kindOfTarget({ domains }: Quarantine, { view, owner }: Message): string {
  if (view === 'outgoing') return 'outgoing';
  return domains.find(owner.domain)?.deliverTo.split(':', 1)[0] ?? 'none';
}
