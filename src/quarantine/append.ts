// APPEND into a drop: acts like COPY on the message that the appended bytes stand for. A release always delivers the stored copy, never the
// client's bytes, so that nobody can send mail through us; a report without a held counterpart reports the appended bytes themselves.
// Called by the IMAP edge. The rules are DESIGN section 3, "APPEND acts like COPY".
import { createHash } from 'node:crypto';
import { addToTally, carryOut, emptyTally } from './act.ts';
import { decide } from './decide.ts';
import type { Plan } from './decide.ts';
import { Refusal, StaleError } from './errors.ts';
import { verdictOf } from './folder.ts';
import type { DropFolder, ViewFolder } from './folder.ts';
import type { Verdict } from './job.ts';
import { likenessOf } from './likeness.ts';
import { firstHolding, ownerOfLogin } from './message.ts';
import type { Message, View } from './message.ts';
import { isReleased, isReported, orderReport } from './orders.ts';
import type { OrderOrigin } from './orders.ts';
import type { Change, MessageQuery, NewMessage } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { removeClientLines } from './reading/client-lines.ts';
import { readMessage } from './reading/read-message.ts';
import type { Reading } from './reading/reading.ts';
import { newMessageId } from './receive.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';
import { loginName } from './scope.ts';
import type { Scope } from './scope.ts';

export interface AppendOrder {
  scope: Scope;
  to: DropFolder;
  /** As the client sent it. */
  raw: Buffer;
}

export interface AppendOutcome {
  uidValidity: number;
  uid: number;
  text: string;
}

interface Appended {
  order: AppendOrder;
  origin: OrderOrigin;
  raw: Buffer;
  digest: string;
  reading: Reading;
}

/**
 * Durable when it resolves; may be repeated.
 * @throws Refusal with a sentence for people; nothing was done
 * @throws TemporaryError the store is out of reach; repeat
 */
export async function append(quarantine: Quarantine, order: AppendOrder): Promise<AppendOutcome> {
  const { policy, clock } = quarantine;
  const { refusals } = quarantine.sentences;
  if (order.to.accepts.append === 'none') throw new Refusal('CANNOT', refusals.appendNotAccepted(order.to));
  if (order.raw.length > policy.maxMessageBytes) throw new Refusal('TOOBIG', refusals.tooBig(policy.maxMessageBytes));
  const raw = removeClientLines(order.raw);
  if (!raw.length) throw new Refusal('CANNOT', refusals.emptyAppend());
  const appended: Appended = {
    order,
    raw,
    origin: { by: loginName(order.scope), cause: 'APPEND', now: clock.now() },
    digest: createHash('sha256').update(raw).digest('hex'),
    reading: readMessage(raw),
  };
  return repeatWhileStale(() => tryAppend(quarantine, appended));
}

async function tryAppend(quarantine: Quarantine, appended: Appended): Promise<AppendOutcome> {
  const delivers = appended.order.to.accepts.append === 'held';
  const meant = delivers ? await findReleasable(quarantine, appended) : await findReportable(quarantine, appended);
  const tally = emptyTally();
  const changes: Change[] = [];
  if (meant) {
    const { plan, after } = await actOn(quarantine, appended, meant);
    addToTally(tally, plan);
    if (after !== meant) changes.push({ before: meant, after });
  } else {
    const verdict = reportedBy(appended.order.to);
    await storeReport(quarantine, appended, verdict);
    addToTally(tally, { deliver: false, report: verdict, remove: null });
  }
  const { scope, to } = appended.order;
  const { drop } = await quarantine.storage.commit(changes, { scope, mailbox: to.mailbox, count: 1 });
  if (!drop) throw new Error('the storage gave no UID for an appended message');
  const { by, cause } = appended.origin;
  quarantine.log.info({ event: 'drop', folder: to.mailbox, by, cause, ...tally }, 'message appended');
  quarantine.meter?.count('actions', { folder: to.mailbox, cause: 'APPEND' });
  return { uidValidity: drop.uidValidity, uid: drop.firstUid, text: quarantine.sentences.dropped(to, tally) };
}

/** Plans and carries out the drop for the message that is meant, as if it had been copied from the view that holds it. */
async function actOn(
  quarantine: Quarantine,
  appended: Appended,
  meant: Message,
): Promise<{ plan: Plan; after: Message }> {
  const { policy, folders, storage } = quarantine;
  const { refusals } = quarantine.sentences;
  const { scope, to } = appended.order;
  const source = folders.showing(meant.view);
  const by = { origin: appended.origin, role: scope.role, targets: policy.reportTargets };
  let plan: Plan;
  if (source) {
    plan = decide({ drop: to, source, cause: 'APPEND', role: scope.role, message: meant, policy, refusals });
  } else {
    // Bytes that were appended before: only their verdict can change.
    const verdict = reportedBy(to);
    plan = { deliver: false, report: isReported(meant, verdict) ? null : verdict, remove: null };
  }
  let after = carryOut(meant, plan, by);
  if (after !== meant && meant.contentReleased) {
    if (meant.digest !== appended.digest) throw new Refusal('CANNOT', refusals.noLongerHeld());
    // A tombstone is reported once more: its content, which is what was appended, is needed again.
    await storage.keepContent(
      { digest: appended.digest, bytes: appended.raw, reading: appended.reading },
      appended.origin.now,
    );
    after = { ...after, contentReleased: false };
  }
  return { plan, after };
}

function reportedBy(drop: DropFolder): Verdict {
  const verdict = verdictOf(drop);
  if (!verdict) throw new Error(`${drop.mailbox} accepts any APPEND but reports nothing`);
  return verdict;
}

/** By digest; without a match, by likeness, because some clients write a message anew. Never finds notices or other logins' mail. */
async function findReleasable(quarantine: Quarantine, appended: Appended): Promise<Message> {
  const { order, digest, reading } = appended;
  const views = acceptedViews(quarantine, order.to).map(({ shows }) => shows);
  const { refusals } = quarantine.sentences;
  if (!quarantine.domains.isSeenBy(order.scope)) throw new Refusal('CANNOT', refusals.notHeld(order.to));
  let candidates = await copiesIn(quarantine, order.scope, views, { digests: [digest] });
  const likeness = likenessOf(reading);
  if (!candidates.length && likeness) candidates = await copiesIn(quarantine, order.scope, views, { likeness });
  if (!candidates.length) throw new Refusal('CANNOT', refusals.notHeld(order.to));
  if (candidates.length >= mostCopies) throw new Refusal('CANNOT', refusals.severalMeant(order.to));
  const owners = byOwner(candidates);
  // A repeated order is answered OK, also long after the message left its view.
  const released = owners.map((group) => group.find(isReleased));
  if (released.every((message) => message !== undefined) && released[0]) return released[0];
  if (owners.length > 1) throw new Refusal('CANNOT', refusals.severalMeant(order.to));
  const held = heldOrJustDeleted(candidates, loginName(order.scope));
  if (!held.length) throw new Refusal('CANNOT', refusals.noLongerHeld());
  if (held.length > 1 || !held[0]) throw new Refusal('CANNOT', refusals.severalMeant(order.to));
  return held[0];
}

/**
 * Programs that keep a copy of the folders delete a moved message where it was before they append it where it is now (mbsync, OfflineIMAP):
 * what this login itself deleted for all is still meant, as long as its content is kept.
 */
function heldOrJustDeleted(candidates: readonly Message[], login: string): Message[] {
  const held = candidates.filter((message) => !message.removed);
  if (held.length) return held;
  return candidates.filter(
    ({ removed, contentReleased }) => removed?.why === 'deleted' && removed.by === login && !contentReleased,
  );
}

/**
 * The one message that these very bytes are, held or handled; null when they are nobody's, or several people's, so that they are reported
 * on their own and no held message is touched.
 */
async function findReportable(quarantine: Quarantine, appended: Appended): Promise<Message | null> {
  const { order, digest } = appended;
  const digests = [digest];
  const [notice] = await copiesIn(quarantine, order.scope, ['notices'], { digests, limit: 1 });
  if (notice) throw new Refusal('CANNOT', quarantine.sentences.refusals.notice());
  const views = acceptedViews(quarantine, order.to).map(({ shows }) => shows);
  const isSeen = quarantine.domains.isSeenBy(order.scope);
  const mail = isSeen ? await copiesIn(quarantine, order.scope, views, { digests }) : [];
  if (byOwner(mail).length === 1 && mail.length < mostCopies)
    return mail.find((message) => message.report) ?? mail.find((message) => !message.removed) ?? mail[0] ?? null;
  const { domain, address: owner } = ownerOfLogin(order.scope);
  const [earlier] = await copiesIn(quarantine, order.scope, ['reports'], { digests, domain, owner, limit: 1 });
  return earlier ?? null;
}

/** Finding as many copies of one mail means that it is not clear which is meant; what lies beyond is not looked at. */
const mostCopies = 1000;

/** Held or handled, newest first in each view. */
async function copiesIn(
  { storage }: Quarantine,
  scope: Scope,
  views: readonly View[],
  query: Pick<MessageQuery, 'digests' | 'likeness' | 'domain' | 'owner' | 'limit'>,
): Promise<Message[]> {
  const found = await Promise.all(
    views.map((view) => storage.find(scope, { limit: mostCopies, ...query, view, which: 'all' })),
  );
  return found.flat();
}

function acceptedViews(quarantine: Quarantine, drop: DropFolder): ViewFolder[] {
  return quarantine.folders.all.filter(
    (folder): folder is ViewFolder => folder.kind === 'view' && drop.accepts.from.includes(folder.mailbox),
  );
}

function byOwner(messages: readonly Message[]): Message[][] {
  const groups = new Map<string, Message[]>();
  for (const message of messages) {
    const key = `${message.view} ${message.owner.address || message.owner.domain}`;
    groups.set(key, [...(groups.get(key) ?? []), message]);
  }
  return [...groups.values()];
}

/** Keeps the appended bytes, shown nowhere, with the report that is due for them. */
async function storeReport(quarantine: Quarantine, appended: Appended, verdict: Verdict): Promise<void> {
  const { origin, digest, raw, reading, order } = appended;
  const bare: NewMessage = {
    ...firstHolding('reports', ownerOfLogin(order.scope), origin.now),
    id: newMessageId(origin.now),
    digest,
    sizeBytes: raw.length,
    envelope: { sender: '', recipients: [] },
    internalDate: origin.now,
    likeness: likenessOf(reading),
    category: 'spam',
    evidence: null,
    removed: { at: origin.now, why: 'reported', by: origin.by },
  };
  const message = orderReport({ ...bare, revision: 0 }, verdict, quarantine.policy.reportTargets, origin);
  const [outcome] = await quarantine.storage.insert(
    { content: { digest, bytes: raw, reading }, messages: [message], skipKnown: true },
    origin.now,
  );
  // The same bytes were appended at the same moment: this order has to find that report, so that the opposite verdict supersedes it.
  if (!outcome || 'known' in outcome) throw new StaleError();
}
