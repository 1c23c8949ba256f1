// The change feed: what a mailbox gained, changed and lost since a modseq. It costs what changed, not what is there.
import type { MailboxChanges } from '../../quarantine/ports.ts';
import { flaggedUids } from '../flagged-uids.ts';
import { readState } from './mailboxes.ts';
import type { Mailbox, Reader } from './mailboxes.ts';
import { mailboxFields } from './scoped.ts';
import { within } from './scoped.ts';

/**
 * What was published since the sequence was read may be told already; it is told again next time. Nothing above the last number that was
 * read is shown.
 */
export async function changesSince(
  reader: Reader,
  { scope, view, since }: Mailbox & { since: number },
): Promise<MailboxChanges> {
  const { sequence, ...state } = await readState(reader, { scope, view });
  const shown: { uid: number; flags: string }[] = [];
  const gone = new Set<number>();
  if (state.modseq > since) {
    const { uidBase, lastOrdinal } = sequence;
    const { filter, role, place, gone: former } = mailboxFields(scope, view);
    const documents = await reader.connection.messages
      .find(
        { $and: [filter, within(scope)], [`${place}.modseq`]: { $gt: since } },
        { projection: { [place]: 1, [role]: 1, [former]: 1 } },
      )
      .toArray();
    for (const document of documents) {
      const ordinal = document[place]?.ordinal ?? 0;
      if (ordinal > uidBase && ordinal <= lastOrdinal) {
        const shownNow = document[role];
        if (shownNow?.shown) shown.push({ uid: ordinal - uidBase, flags: JSON.stringify(shownNow.flags) });
        else gone.add(ordinal - uidBase);
      }
      for (const each of document[former] ?? [])
        if (each.modseq > since && each.ordinal !== null && each.ordinal > uidBase) gone.add(each.ordinal - uidBase);
    }
  }
  shown.sort((a, b) => a.uid - b.uid);
  return { ...state, shown: flaggedUids(shown), gone: Uint32Array.from(gone).sort() };
}
