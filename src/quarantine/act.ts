// The folder-action engine: COPY and MOVE of messages from a view into a drop. Validates the whole set, commits once, and only then lets
// the caller answer OK; the worker does the rest. Called by the IMAP edge. APPEND is append.ts.
import { decide } from './decide.ts';
import type { Plan } from './decide.ts';
import { Refusal } from './errors.ts';
import type { DropFolder, ViewFolder } from './folder.ts';
import type { Message } from './message.ts';
import { orderDelivery, orderReport, removeForAll, removeForRole } from './orders.ts';
import type { OrderOrigin } from './orders.ts';
import type { Change } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { loginName } from './scope.ts';
import type { Role, Scope } from './scope.ts';
import type { DropTally } from './sentences.ts';
import { inSlices } from './slices.ts';

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
  /** UIDs that the accepted messages "have" in the drop, one for each of `uids`. Null when nothing was accepted. */
  copied: { uidValidity: number; uids: number[] } | null;
  /** What happened, for the tagged OK. */
  text: string;
  /** MOVE only: why the rest stayed. It is answered after what went has been announced. */
  refused: Refusal | null;
}

/** A COPY is one write, so all of its messages are in memory at once: a hundred thousand take most of a gigabyte. */
export const mostCopied = 100_000;

/** What became of some of the messages. */
interface Dropped {
  /** How many were shown. */
  shown: number;
  uids: number[];
  copied: DropOutcome['copied'];
  tally: DropTally;
  reasons: Reasons;
}

type Reasons = Map<string, { code: Refusal['code']; times: number }>;

/**
 * Durable when it resolves; may be repeated (an order that stands adds nothing). A COPY is all or nothing; a MOVE takes what it may.
 * @throws Refusal COPY: the reasons, and nothing was done. MOVE: only when nothing at all was accepted
 * @throws TemporaryError the store is out of reach; repeat. Part of a long MOVE may have gone
 */
export async function act(quarantine: Quarantine, order: DropOrder): Promise<DropOutcome> {
  if (order.cause === 'COPY' && order.uids.length > mostCopied)
    throw new Refusal('LIMIT', quarantine.sentences.refusals.tooManyCopied(mostCopied));
  const all: Dropped = { shown: 0, uids: [], copied: null, tally: emptyTally(), reasons: new Map() };
  const once = (uids: readonly number[]): Promise<Dropped> => tryAct(quarantine, { ...order, uids });
  // RFC 9051 section 6.4.7: a COPY is one write. Only where others never leave all of its messages alone it goes in pieces, after all
  // of it was found acceptable; should the store fail in between, the client repeats it, and what was ordered adds nothing.
  const pace = order.cause === 'COPY' ? { size: Infinity, patience: 5 } : {};
  for (const dropped of await inSlices(order.uids, once, pace)) addDropped(all, dropped);
  const { shown, uids, copied, tally, reasons } = all;
  const { refusals } = quarantine.sentences;
  const refused = [...reasons.values()].reduce((sum, { times }) => sum + times, 0);
  if (refused && !uids.length) throw refusalFor(reasons, (told) => refusals.noneDone(shown, refused, told));
  const text = quarantine.sentences.dropped(order.to, tally);
  return {
    uids,
    copied,
    text,
    refused: refused ? refusalFor(reasons, (told) => refusals.someRefused(text, refused, told)) : null,
  };
}

async function tryAct(quarantine: Quarantine, order: DropOrder): Promise<Dropped> {
  const { storage, policy, domains } = quarantine;
  const shown = domains.isSeenBy(order.scope)
    ? await storage.messagesByUid(order.scope, order.from.shows, order.uids)
    : [];
  const origin: OrderOrigin = { by: loginName(order.scope), cause: order.cause, now: quarantine.clock.now() };
  const reasons: Reasons = new Map();
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
        refusals: quarantine.sentences.refusals,
      });
      accepted.push({ uid, message, plan });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      addReason(reasons, error.message, error.code, 1);
    }
  }
  const tally = emptyTally();
  const dropped: Dropped = { shown: shown.length, uids: [], copied: null, tally, reasons };
  if (!accepted.length || (reasons.size && order.cause === 'COPY')) return dropped;

  const changes: Change[] = [];
  for (const { message, plan } of accepted) {
    const after = carryOut(message, plan, { origin, role: order.scope.role, targets: policy.reportTargets });
    if (after !== message) changes.push({ before: message, after });
    addToTally(tally, plan);
  }
  const count = accepted.length;
  const { drop } = await storage.commit(changes, { scope: order.scope, mailbox: order.to.mailbox, count });
  quarantine.log.info(
    { event: 'drop', folder: order.to.mailbox, from: order.from.mailbox, by: origin.by, cause: order.cause, ...tally },
    'messages dropped',
  );
  quarantine.meter?.count('actions', { folder: order.to.mailbox, cause: order.cause }, count);
  const uids = accepted.map(({ uid }) => uid);
  const copied = drop && { uidValidity: drop.uidValidity, uids: uids.map((_, i) => drop.firstUid + i) };
  return { ...dropped, uids, copied: copied ?? null };
}

function addDropped(all: Dropped, { shown, uids, copied, tally, reasons }: Dropped): void {
  if (uids.length && !all.uids.length) all.copied = copied;
  // Once in four thousand million drops UIDVALIDITY changes in between; then there is no one COPYUID for all.
  else if (uids.length && all.copied?.uidValidity !== copied?.uidValidity) all.copied = null;
  else for (const uid of copied?.uids ?? []) all.copied?.uids.push(uid);
  all.shown += shown;
  for (const uid of uids) all.uids.push(uid);
  all.tally.total += tally.total;
  all.tally.deliveries += tally.deliveries;
  all.tally.reports += tally.reports;
  all.tally.deleted += tally.deleted;
  all.tally.nothing += tally.nothing;
  for (const [reason, { code, times }] of reasons) addReason(all.reasons, reason, code, times);
}

function addReason(reasons: Reasons, reason: string, code: Refusal['code'], times: number): void {
  reasons.set(reason, { code: reasons.get(reason)?.code ?? code, times: (reasons.get(reason)?.times ?? 0) + times });
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

function refusalFor(reasons: Reasons, say: (told: Map<string, number>) => string): Refusal {
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
