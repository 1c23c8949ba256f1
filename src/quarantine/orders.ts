// How one message changes when something is ordered for it: pure functions from a message to its next state. What may be ordered is
// decided in decide.ts; who commits is act.ts, append.ts and the operator's commands. An order that stands already adds nothing, and
// orders never cancel each other.
import type { Cause, Delivery, DeliveryRecipient, Lease, Report, Verdict } from './job.ts';
import { audience } from './message.ts';
import type { Mark, Message, Removal } from './message.ts';
import type { Role } from './scope.ts';

/** Who orders what, when, through which command. */
export interface OrderOrigin {
  by: string;
  cause: Cause;
  now: number;
}

/** Whether this holding was told to deliver and that order stands or was fulfilled. */
export function isReleased(message: Message): boolean {
  const { delivery } = message;
  return (
    delivery !== null && delivery.holding === message.holding && (delivery.state === 'due' || delivery.state === 'done')
  );
}

/** Whether this verdict was reported last, or is due to be. A report that was cancelled at every target is no report. */
export function isReported({ report }: Message, verdict: Verdict): boolean {
  if (report?.verdict !== verdict) return false;
  const targets = Object.values(report.targets);
  return !targets.length || targets.some(({ state }) => state !== 'cancelled');
}

/** Envelope recipients that have not accepted the message yet, as received. */
export function openRecipients(message: Message): string[] {
  const accepted = new Set(message.delivery?.recipients.filter((r) => r.state === 'accepted').map((r) => r.address));
  return message.envelope.recipients.filter((address) => !accepted.has(address));
}

/**
 * Orders a delivery, due at once, to the recipients that have not accepted yet; with `again` to all of them.
 * Recipients that accepted earlier stay on record, so that no later order forgets them.
 */
export function orderDelivery(message: Message, origin: OrderOrigin, again = false): Message {
  const wanted = new Set(again ? message.envelope.recipients : openRecipients(message));
  const before = new Map(message.delivery?.recipients.map((r) => [r.address, r]));
  const recipients = message.envelope.recipients.map((address): DeliveryRecipient =>
    wanted.has(address) ? { address, state: 'pending' } : (before.get(address) ?? { address, state: 'pending' }),
  );
  const repetition =
    again && message.delivery?.holding === message.holding ? (message.delivery.repetition ?? 0) + 1 : 0;
  const delivery: Delivery = {
    ...(repetition ? { repetition } : {}),
    holding: message.holding,
    orderedAt: origin.now,
    orderedBy: origin.by,
    cause: origin.cause,
    state: 'due',
    recipients,
    attempts: 0,
    nextAttemptAt: notBefore(message.delivery, origin.now),
    lastDelayMs: 0,
    lease: null,
  };
  return marked({ ...message, delivery }, '$Released', '$ReleaseFailed');
}

/** Orders a report, due at once at every target. The opposite of an earlier verdict supersedes it, also where that is still due. */
export function orderReport(
  message: Message,
  verdict: Verdict,
  targets: readonly string[],
  origin: OrderOrigin,
): Message {
  const report: Report = {
    verdict,
    orderedAt: origin.now,
    orderedBy: origin.by,
    cause: origin.cause,
    targets: Object.fromEntries(
      targets.map((name) => [
        name,
        {
          state: 'due',
          attempts: 0,
          nextAttemptAt: notBefore(message.report?.targets[name], origin.now),
          lastDelayMs: 0,
          lease: null,
        },
      ]),
    ),
  };
  return marked({ ...message, report }, '$Reported');
}

/** A new order waits for the attempt at the former one, which has stopped when its lease runs out: of two at once, either may come last. */
function notBefore(former: { lease: Lease | null } | null | undefined, now: number): number {
  return Math.max(now, former?.lease?.until ?? 0);
}

/** Takes the message out of its view for everybody. A job that is due goes on. */
export function removeForAll(message: Message, why: Removal['why'], by: string, now: number): Message {
  if (message.removed) return message;
  return { ...message, visibleTo: [], removed: { at: now, why, by } };
}

/** Deletion as the login's role sees it: `global` removes for all, others hide it from themselves (DESIGN section 3, rule 6). */
export function removeForRole(message: Message, role: Role, by: string, now: number): Message {
  const visibleTo = role === 'global' ? [] : message.visibleTo.filter((seer) => seer !== role);
  return visibleTo.length ? { ...message, visibleTo } : removeForAll(message, 'deleted', by, now);
}

/**
 * Begins a new holding: the message is back in its view for everybody entitled, under new UIDs, unread, and its retention starts again.
 */
export function comeBack(message: Message, now: number, mark?: Mark): Message {
  const fresh = (flags: readonly string[]): string[] =>
    flags.filter((flag) => flag !== '\\Deleted' && flag !== '\\Seen');
  const { global, domain, user } = message.flags;
  const marks: Mark[] = message.marks.filter((m) => m === '$Reported');
  return markedIfDelivered({
    ...message,
    holding: message.holding + 1,
    heldSince: now,
    visibleTo: audience(message.view, message.owner),
    removed: null,
    contentReleased: false,
    flags: { global: fresh(global), domain: fresh(domain), user: fresh(user) },
    marks: mark ? [...marks, mark] : marks,
  });
}

/** Nobody is left to deliver to, whatever became of the order: releasing it again would do nothing. */
export function markedIfDelivered(message: Message): Message {
  return message.delivery && !openRecipients(message).length ? marked(message, '$Released', '$ReleaseFailed') : message;
}

/** A report that was cancelled at every target is no report, so it is not told as one any longer. */
export function withoutCancelledReport(message: Message): Message {
  const { report, marks } = message;
  if (!report || isReported(message, report.verdict)) return message;
  return { ...message, marks: marks.filter((mark) => mark !== '$Reported') };
}

function marked(message: Message, mark: Mark, ...instead: Mark[]): Message {
  const marks = message.marks.filter((m) => m !== mark && !instead.includes(m));
  return { ...message, marks: [...marks, mark] };
}
