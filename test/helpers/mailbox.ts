// Mailboxes as plain lists, for tests that look into a storage.
import type { FlaggedUids, MailboxState, ScopedStorage } from '../../src/quarantine/ports.ts';
import type { View } from '../../src/quarantine/message.ts';
import type { Scope } from '../../src/quarantine/scope.ts';

export interface FlaggedUid {
  uid: number;
  flags: string[];
}

/** What a driver says in numbers, message by message. */
export function listed({ uids, flags, flagSets }: FlaggedUids): FlaggedUid[] {
  return Array.from(uids, (uid, i) => ({ uid, flags: flagSets[flags[i] ?? 0] ?? [] }));
}

export async function openedMailbox(
  storage: ScopedStorage,
  scope: Scope,
  view: View,
): Promise<MailboxState & { uids: number[]; messages: FlaggedUid[]; firstUnseenUid: number | null }> {
  const { uids, flags, flagSets, ...state } = await storage.openMailbox(scope, view);
  const messages = listed({ uids, flags, flagSets });
  const firstUnseen = messages.find((message) => !message.flags.includes('\\Seen'));
  return { ...state, uids: [...uids], messages, firstUnseenUid: firstUnseen?.uid ?? null };
}

export async function changesSince(
  storage: ScopedStorage,
  scope: Scope,
  view: View,
  since: number,
): Promise<MailboxState & { shown: FlaggedUid[]; gone: number[] }> {
  const { shown, gone, ...state } = await storage.changesSince(scope, view, since);
  return { ...state, shown: listed(shown), gone: [...gone] };
}
