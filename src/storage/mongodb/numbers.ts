// Numbers that stand beside the sequences: the store's first UIDVALIDITY, what UIDNEXT follows from, and the UIDs that drop folders hand out.
import type { AnyBulkWriteOperation } from 'mongodb';
import type { View } from '../../quarantine/message.ts';
import type { DropUids, MailboxState } from '../../quarantine/ports.ts';
import { sequenceKey } from '../../quarantine/scope.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { loginKey, loginOf, nextUidValidity, rolesOf } from '../shown.ts';
import type { Connection } from './connection.ts';
import { isDuplicate } from './errors.ts';
import { mailboxId } from './schema.ts';
import type { MailboxDocument, MessageDocument } from './schema.ts';

/** When the store was made, in seconds: a store that is made anew gets another one, so that no client mixes the two up. */
export async function firstUidValidity({ store }: Connection): Promise<number> {
  const numbers = await store.findOne({ _id: 'numbers' });
  if (numbers?.uidValidity === undefined) throw new Error('the store has no UIDVALIDITY');
  return numbers.uidValidity;
}

export interface MailboxArrival {
  login: string;
  view: View;
  ordinal: number;
}

/** The mailboxes of a sequence that show a message, which has this ordinal there. */
export function shownArrivals(key: string, document: MessageDocument, ordinal: number): MailboxArrival[] {
  const { view, ownerDomain, ownerAddress } = document;
  const owner = { domain: ownerDomain, address: ownerAddress };
  const roles = rolesOf(key).filter((role) => document[role]?.shown);
  return roles.map((role) => ({ login: loginOf(role, { owner }), view, ordinal }));
}

/** Raises UIDNEXT of the mailboxes that gain mail. */
export async function raiseMailboxes({ mailboxes }: Connection, arrivals: readonly MailboxArrival[]): Promise<void> {
  const last = new Map<string, number>();
  for (const { login, view, ordinal } of arrivals) {
    const id = mailboxId(login, view);
    last.set(id, Math.max(last.get(id) ?? 0, ordinal));
  }
  const operations = [...last].map(([_id, lastOrdinal]): AnyBulkWriteOperation<MailboxDocument> => ({
    updateOne: { filter: { _id }, update: { $max: { lastOrdinal } }, upsert: true },
  }));
  if (operations.length) await mailboxes.bulkWrite(operations, { ordered: false });
}

export async function dropStatus(
  connection: Connection,
  { scope, mailbox }: { scope: Scope; mailbox: string },
): Promise<MailboxState> {
  const { lastUid, uidValidity } = await readDrop(connection, mailboxId(loginKey(scope), mailbox));
  const sequence = await connection.sequences.findOne({ _id: sequenceKey(scope) });
  return { uidValidity, uidNext: lastUid + 1, modseq: sequence?.modseq ?? 1 };
}

async function readDrop(connection: Connection, id: string): Promise<{ lastUid: number; uidValidity: number }> {
  const drop = await connection.drops.findOne({ _id: id });
  return drop ?? { lastUid: 0, uidValidity: await firstUidValidity(connection) };
}

export async function takeDropUids(
  connection: Connection,
  { scope, mailbox, count }: DropUids,
): Promise<{ uidValidity: number; firstUid: number }> {
  const _id = mailboxId(loginKey(scope), mailbox);
  for (;;) {
    const before = await readDrop(connection, _id);
    let { lastUid, uidValidity } = before;
    if (lastUid + count > connection.uidLimit) {
      lastUid = 0;
      uidValidity = nextUidValidity(uidValidity);
    }
    const after = { lastUid: lastUid + count, uidValidity };
    const { matchedCount } = await connection.drops.updateOne(
      { _id, lastUid: before.lastUid, uidValidity: before.uidValidity },
      { $set: after },
    );
    if (matchedCount || (before.lastUid === 0 && (await isFirst(connection, { _id, ...after }))))
      return { uidValidity, firstUid: lastUid + 1 };
  }
}

async function isFirst(
  { drops }: Connection,
  drop: { _id: string; lastUid: number; uidValidity: number },
): Promise<boolean> {
  try {
    await drops.insertOne(drop);
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}
