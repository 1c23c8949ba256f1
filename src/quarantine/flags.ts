// STORE and EXPUNGE: what a login says about its own view of a message. Flags are kept per role; deleting never trains and never delivers,
// and a user's deletion hides the message from that user alone (DESIGN section 3, rule 6). Called by the IMAP edge.
import { Refusal } from './errors.ts';
import type { View } from './message.ts';
import { removeForRole } from './orders.ts';
import type { Change, UidRange } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { loginName } from './scope.ts';
import type { Scope } from './scope.ts';
import { inSlices } from './slices.ts';

export interface FlagOrder {
  scope: Scope;
  view: View;
  uids: readonly number[];
  action: 'set' | 'add' | 'remove';
  /** Canonical flags and keywords that clients may set; ours are filtered out before. */
  flags: readonly string[];
}

/** More keywords on one message than any mail program uses; without a limit a client could let it grow for ever. */
const maxFlags = 100;

/** Durable when it resolves; may be repeated. Answers the flags as they are now, our marks included, for the UIDs that are shown. */
export async function storeFlags(
  quarantine: Quarantine,
  order: FlagOrder,
): Promise<{ uid: number; flags: string[] }[]> {
  const { role } = order.scope;
  const stored = await inSlices(order.uids, async (uids) => {
    if (!quarantine.domains.isSeenBy(order.scope)) return [];
    const shown = await quarantine.storage.messagesByUid(order.scope, order.view, uids);
    const changes: Change[] = [];
    const result: { uid: number; flags: string[] }[] = [];
    for (const { uid, message } of shown) {
      const flags = flagsAfter(message.flags[role], order);
      if (flags.length > maxFlags) throw new Refusal('LIMIT', quarantine.sentences.refusals.tooManyFlags(maxFlags));
      if (!isSameSet(flags, message.flags[role])) {
        changes.push({ before: message, after: { ...message, flags: { ...message.flags, [role]: flags } } });
      }
      result.push({ uid, flags: [...flags, ...message.marks] });
    }
    if (changes.length) await quarantine.storage.commit(changes);
    return result;
  });
  return stored.flat();
}

/**
 * Takes messages that carry \Deleted for this role out of its view. Durable when it resolves; may be repeated.
 * Answers the UIDs that went, ascending.
 */
export async function expunge(
  quarantine: Quarantine,
  order: { scope: Scope; view: View; uids: readonly number[] },
): Promise<number[]> {
  const gone = (await inSlices(order.uids, (uids) => expungeSlice(quarantine, { ...order, uids }))).flat();
  if (gone.length) {
    const by = loginName(order.scope);
    quarantine.log.info({ event: 'expunge', by, view: order.view, messages: gone.length }, 'messages deleted');
    const folder = quarantine.folders.showing(order.view)?.mailbox ?? order.view;
    quarantine.meter?.count('actions', { folder, cause: 'EXPUNGE' }, gone.length);
  }
  return gone;
}

async function expungeSlice(
  { storage, domains, clock }: Quarantine,
  { scope, view, uids }: { scope: Scope; view: View; uids: readonly number[] },
): Promise<number[]> {
  if (!domains.isSeenBy(scope)) return [];
  // The list opens no documents, and most of a mailbox is not deleted.
  const listed = await storage.list(scope, view, rangesOf(uids), uids.length);
  const marked = listed.filter(({ flags }) => flags.includes('\\Deleted')).map(({ uid }) => uid);
  if (!marked.length) return [];
  const shown = await storage.messagesByUid(scope, view, marked);
  const deleted = shown.filter(({ message }) => message.flags[scope.role].includes('\\Deleted'));
  const now = clock.now();
  await storage.commit(
    deleted.map(({ message }) => ({
      before: message,
      after: removeForRole(message, scope.role, loginName(scope), now),
    })),
  );
  return deleted.map(({ uid }) => uid);
}

function rangesOf(ascending: readonly number[]): UidRange[] {
  const ranges: UidRange[] = [];
  for (const uid of ascending) {
    const last = ranges.at(-1);
    if (last && uid === last.to + 1) last.to = uid;
    else ranges.push({ from: uid, to: uid });
  }
  return ranges;
}

/** What an order makes of a message's flags. */
export function flagsAfter(
  current: readonly string[],
  { action, flags }: Pick<FlagOrder, 'action' | 'flags'>,
): string[] {
  if (action === 'set') return [...new Set(flags)];
  if (action === 'add') return [...new Set([...current, ...flags])];
  return current.filter((flag) => !flags.includes(flag));
}

export function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((flag) => b.includes(flag));
}
