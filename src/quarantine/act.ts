// The folder-action engine: COPY and MOVE of messages from a view into a drop. Validates the whole set, commits once, and only then lets
// the caller answer OK; the worker does the rest. Called by the IMAP edge. APPEND is append.ts.
import { decide } from './decide.ts';
import type { Plan } from './decide.ts';
import { Refusal, StaleError, TemporaryError } from './errors.ts';
import type { DropFolder, ViewFolder } from './folder.ts';
import type { Message } from './message.ts';
import { orderDelivery, orderReport, removeForAll, removeForRole } from './orders.ts';
import type { OrderOrigin } from './orders.ts';
import type { Change } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { loginName } from './scope.ts';
import type { Role, Scope } from './scope.ts';
import { dropSentence, refusals } from './sentences.ts';
import type { DropTally } from './sentences.ts';

export interface DropOrder {
  scope: Scope;
  cause: 'COPY' | 'MOVE';
  from: ViewFolder;
  to: DropFolder;
  /** UIDs in the scope's view; those that are not shown (any more) are ignored (RFC 9051 section 6.4.9). */
  uids: readonly number[];
}

export interface DropOutcome {
  /** UIDs that were accepted, ascending; after a MOVE they are gone from the view. */
  uids: number[];
  /** UIDs that the accepted messages "have" in the drop: firstUid, firstUid+1, … Null when nothing was accepted. */
  copied: { uidValidity: number; firstUid: number } | null;
  /** What happened, for the tagged OK. */
  text: string;
  /** MOVE only: why the rest stayed. It is answered after what went has been announced. */
  refused: Refusal | null;
}

/**
 * Durable when it resolves; may be repeated (an order that stands adds nothing). A COPY is all or nothing; a MOVE takes what it may.
 * @throws Refusal COPY: the reasons, and nothing was done. MOVE: only when nothing at all was accepted
 * @throws TemporaryError the store is out of reach; repeat
 */
export async function act(quarantine: Quarantine, order: DropOrder): Promise<DropOutcome> {
  return repeatWhileStale(() => tryAct(quarantine, order));
}

async function tryAct(quarantine: Quarantine, order: DropOrder): Promise<DropOutcome> {
  const { storage, policy, domains } = quarantine;
  const shown = domains.isSeenBy(order.scope)
    ? await storage.messagesByUid(order.scope, order.from.shows, order.uids)
    : [];
  const origin: OrderOrigin = { by: loginName(order.scope), cause: order.cause, now: quarantine.clock.now() };
  const reasons = new Map<string, { code: Refusal['code']; times: number }>();
  const accepted: { uid: number; message: Message; plan: Plan }[] = [];
  for (const { uid, message } of shown) {
    try {
      const plan = decide({
        drop: order.to,
        source: order.from,
        cause: order.cause,
        role: order.scope.role,
        message,
        policy,
      });
      accepted.push({ uid, message, plan });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const known = reasons.get(error.message);
      reasons.set(error.message, { code: error.code, times: (known?.times ?? 0) + 1 });
    }
  }
  if (reasons.size && (order.cause === 'COPY' || !accepted.length))
    throw refusalFor(reasons, (told) => refusals.noneDone(shown.length, told));
  if (!accepted.length) return { uids: [], copied: null, text: dropSentence(order.to, emptyTally()), refused: null };

  const tally = emptyTally();
  const changes: Change[] = [];
  for (const { message, plan } of accepted) {
    const after = carryOut(message, plan, { origin, role: order.scope.role, targets: policy.reportTargets });
    if (after !== message) changes.push({ before: message, after });
    addToTally(tally, plan);
  }
  const result = await storage.commit(changes, {
    scope: order.scope,
    mailbox: order.to.mailbox,
    count: accepted.length,
  });
  quarantine.log.info(
    { event: 'drop', folder: order.to.mailbox, from: order.from.mailbox, ...origin, ...tally },
    'messages dropped',
  );
  return {
    uids: accepted.map(({ uid }) => uid),
    copied: result.drop ?? null,
    text: dropSentence(order.to, tally),
    refused: reasons.size
      ? refusalFor(reasons, (told) => refusals.someRefused(accepted.length, 'accepted', told))
      : null,
  };
}

/** The message after a plan; the very same object when the plan adds nothing. */
export function carryOut(
  message: Message,
  plan: Plan,
  by: { origin: OrderOrigin; role: Role; targets: readonly string[] },
): Message {
  let next = message;
  if (plan.deliver) next = orderDelivery(next, by.origin);
  if (plan.report) next = orderReport(next, plan.report, by.targets, by.origin);
  if (plan.remove?.from === 'all') next = removeForAll(next, plan.remove.why, by.origin.by, by.origin.now);
  if (plan.remove?.from === 'role') next = removeForRole(next, by.role, by.origin.by, by.origin.now);
  return next;
}

function refusalFor(
  reasons: ReadonlyMap<string, { code: Refusal['code']; times: number }>,
  say: (told: Map<string, number>) => string,
): Refusal {
  const [first] = reasons.values();
  return new Refusal(first?.code ?? 'CANNOT', say(new Map([...reasons].map(([reason, { times }]) => [reason, times]))));
}

export function emptyTally(): DropTally {
  return { total: 0, deliveries: 0, reports: 0, deleted: 0, nothing: 0 };
}

export function addToTally(tally: DropTally, plan: Plan): void {
  tally.total++;
  if (plan.deliver) tally.deliveries++;
  if (plan.report) tally.reports++;
  if (plan.remove?.from === 'role') tally.deleted++;
  if (!plan.deliver && !plan.report) tally.nothing++;
}

/**
 * Reads, decides and commits again when somebody else changed a message in between. Each round sees the newer state, so it ends as soon
 * as the others pause; a store under constant contention answers "try again later" rather than never.
 */
export async function repeatWhileStale<T>(round: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left--) {
    try {
      return await round();
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
      if (left === 0)
        throw new TemporaryError('The messages are being changed by others. Try again in a moment.', { cause: error });
    }
  }
}
