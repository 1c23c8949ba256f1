// What dropping a message into a folder means: a pure function of the definition of the folder, the message, who does it and how.
// It reads nothing, writes nothing and knows no protocol; act.ts and append.ts commit what it decides. The rules are DESIGN section 3.
import { Refusal } from './errors.ts';
import { delivers } from './folder.ts';
import type { DropFolder, ViewFolder } from './folder.ts';
import type { Verdict } from './job.ts';
import type { Message, Removal } from './message.ts';
import { isReleased, isReported, openRecipients } from './orders.ts';
import type { Policy } from './quarantine.ts';
import type { Role } from './scope.ts';
import type { Refusals } from './sentences.ts';

export interface DropQuestion {
  drop: DropFolder;
  /** The view that holds the message. */
  source: ViewFolder;
  cause: 'APPEND' | 'COPY' | 'MOVE';
  role: Role;
  message: Message;
  policy: Pick<Policy, 'releaseRights' | 'outgoingRights' | 'confirmCaught'>;
  /** In whose words it is refused. */
  refusals: Refusals;
}

/** What is to be done with one message. All false and null: accepted, but nothing more is to be done. */
export interface Plan {
  deliver: boolean;
  report: Verdict | null;
  /** `all`: leaves the view for everybody; `role`: for the login's role as a deletion does. */
  remove: { from: 'all'; why: Removal['why'] } | { from: 'role' } | null;
}

/** @throws Refusal with a sentence for people that says what is accepted instead */
export function decide(question: DropQuestion): Plan {
  const { drop, source, cause, refusals } = question;
  if (!drop.accepts.from.includes(source.mailbox)) {
    throw new Refusal('CANNOT', source.shows === 'notices' ? refusals.notice() : refusals.wrongSource(drop, source));
  }
  const plan: Plan = { deliver: false, report: null, remove: null };
  for (const effect of drop.then) {
    if ('deliver' in effect) plan.deliver = mustDeliver(question);
    else if ('report' in effect) plan.report = mustReport(question, effect.report);
    else if (cause === 'MOVE') plan.remove = { from: 'role' };
  }
  // RFC 6851 section 3.3: a moved message leaves its source. Here it leaves for everybody, because it has been dealt with.
  if (cause === 'MOVE' && !plan.remove) {
    plan.remove = { from: 'all', why: delivers(drop) ? 'released' : 'reported' };
  }
  return plan;
}

function mustDeliver({ message, source, role, policy, refusals }: DropQuestion): boolean {
  const { releaseRights, outgoingRights } = policy;
  if (source.shows === 'outgoing' && !outgoingRights.includes(role))
    throw new Refusal('NOPERM', refusals.outgoing(outgoingRights));
  const allowed =
    (Object.hasOwn(releaseRights, message.category) ? releaseRights[message.category] : releaseRights.spam) ?? [];
  if (!allowed.includes(role)) throw new Refusal('NOPERM', refusals.category(message.category, allowed));
  return !isReleased(message) && openRecipients(message).length > 0;
}

function mustReport({ message, source, policy }: DropQuestion, verdict: Verdict): Verdict | null {
  if (message.report) return isReported(message, verdict) ? null : verdict;
  // What the filter itself classed so needs no telling; it would only be weighed twice.
  if (source.classedAs === verdict && !policy.confirmCaught) return null;
  return verdict;
}
