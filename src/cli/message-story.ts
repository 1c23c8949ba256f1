// What became of a message, in few words: for lists and for its own page. Called by the message commands.
import { isParked } from '../quarantine/claims.ts';
import type { Delivery, ReportTargetState } from '../quarantine/job.ts';
import type { Message } from '../quarantine/message.ts';
import { jsonDate } from './answer.ts';
import { shownDate, shownText } from './shown-values.ts';

/** One phrase: `held`, `release failed`, `expired 2026-03-01 17:05`. */
export function stateOf(message: Message): string {
  const { removed, delivery } = message;
  const words: string[] = [];
  if (!removed) words.push(message.view === 'reports' ? 'kept for a report' : 'held');
  // Known spam that was dropped into Spam left its view without a report.
  else
    words.push(
      `${removed.why === 'reported' && !message.report ? 'dealt with' : removed.why} ${shownDate(removed.at)}`,
    );
  if (isParked(delivery)) words.push('delivery parked');
  else if (delivery?.state === 'due') words.push(delivery.attempts ? 'delivery deferred' : 'delivery due');
  else if (delivery?.state === 'done') words.push('delivered');
  else if (delivery?.state === 'failed') words.push('delivery failed');
  else if (delivery?.state === 'cancelled') words.push('delivery cancelled');
  if (message.report) words.push(`reported as ${message.report.verdict}`);
  if (message.contentReleased) words.push('content gone');
  return words.join(', ');
}

/** A line for each thing that was ordered, with the far end's words. */
export function ordersOf(message: Message): string[] {
  const { delivery, report } = message;
  const lines: string[] = [];
  if (delivery) {
    lines.push(
      `delivery ${isParked(delivery) ? 'parked' : delivery.state}, ordered ${shownDate(delivery.orderedAt)} by ${delivery.orderedBy} (${delivery.cause}), ` +
        attempts(delivery),
    );
    if (isParked(delivery)) lines.push(`  ${parkedSince(delivery.parkedAt, 'delivery')}`);
    for (const { address, state, reply } of delivery.recipients) {
      lines.push(`  ${shownText(address)}: ${state}${reply ? `: ${shownText(reply)}` : ''}`);
    }
    if (delivery.lastReply && !delivery.recipients.some(({ reply }) => reply === delivery.lastReply)) {
      lines.push(`  last reply: ${shownText(delivery.lastReply)}`);
    }
  }
  if (report) {
    lines.push(
      `report as ${report.verdict}, ordered ${shownDate(report.orderedAt)} by ${report.orderedBy} (${report.cause})`,
    );
    for (const [name, target] of Object.entries(report.targets)) {
      const reply = target.lastReply ? `: ${shownText(target.lastReply)}` : '';
      lines.push(`  ${name}: ${isParked(target) ? 'parked' : target.state}, ${attempts(target)}${reply}`);
      if (isParked(target)) lines.push(`    ${parkedSince(target.parkedAt, 'report')}`);
    }
  }
  return lines;
}

/** Why a job waits for the administrator. */
export function parkedSince(parkedAt: number | undefined, kind: 'delivery' | 'report'): string {
  const since = parkedAt === undefined ? '' : ` of ${shownDate(parkedAt)}`;
  return `parked since the restore${since}: it may have been ${kind === 'delivery' ? 'delivered' : 'reported'} before`;
}

function attempts(job: Delivery | ReportTargetState): string {
  const made = `${job.attempts} ${job.attempts === 1 ? 'attempt' : 'attempts'}`;
  return job.state === 'due' && !isParked(job) ? `${made}, next ${shownDate(job.nextAttemptAt)}` : made;
}

/** The same for scripts: without leases, which are the workers' own. */
export function ordersForScripts({ delivery, report }: Message): object {
  return {
    delivery: delivery && {
      ...progress(delivery),
      orderedAt: jsonDate(delivery.orderedAt),
      orderedBy: delivery.orderedBy,
      cause: delivery.cause,
      recipients: delivery.recipients.map((recipient) => ({ ...recipient, at: jsonDate(recipient.at) })),
    },
    report: report && {
      verdict: report.verdict,
      orderedAt: jsonDate(report.orderedAt),
      orderedBy: report.orderedBy,
      cause: report.cause,
      targets: Object.entries(report.targets).map(([name, target]) => ({ name, ...progress(target) })),
    },
  };
}

function progress(job: Delivery | ReportTargetState): object {
  const { state, attempts, nextAttemptAt, lastReply, endedAt } = job;
  return {
    state: isParked(job) ? 'parked' : state,
    attempts,
    nextAttemptAt: state === 'due' && !isParked(job) ? jsonDate(nextAttemptAt) : null,
    parkedAt: isParked(job) ? jsonDate(job.parkedAt) : null,
    lastReply: lastReply ?? null,
    endedAt: jsonDate(endedAt),
  };
}
