// Reading mailboxes: what STATUS and FETCH ask for. Each function is one snapshot; none writes. Runs in the reader threads.
import type { View } from '../../quarantine/message.ts';
import { isWithin } from '../../quarantine/message.ts';
import type { ListedMessage, MailboxState, MailboxStatus, UidRange } from '../../quarantine/ports.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { inOrder } from '../uid-ranges.ts';
import type { Connection } from './connection.ts';
import { readBytes } from './contents.ts';
import { readReading } from './prepared.ts';
import type { StoredReading } from './prepared.ts';
import { mailboxColumns } from './scoped.ts';
import { readDropState, readState } from './sequences.ts';

export interface Mailbox {
  scope: Scope;
  view: View;
}

export function mailboxStatus(connection: Connection, { scope, view }: Mailbox): MailboxStatus {
  const { uidNext, uidValidity, modseq } = readState(connection, scope, view);
  const { sql, values, shown, seen, shownIndex } = mailboxColumns(scope, view);
  const counts = connection.get<{ messages: number; seen: number }>(
    `SELECT count(*) AS messages, total(${seen}) AS seen FROM messages INDEXED BY ${shownIndex} WHERE ${sql} AND ${shown} = 1`,
    ...values,
  ) ?? { messages: 0, seen: 0 };
  return { uidNext, uidValidity, modseq, messages: counts.messages, unseen: counts.messages - counts.seen };
}

export function dropStatus(connection: Connection, drop: { scope: Scope; mailbox: string }): MailboxState {
  return readDropState(connection, drop);
}

export function list(
  connection: Connection,
  { scope, view, ranges, limit }: Mailbox & { ranges: readonly UidRange[]; limit: number },
): ListedMessage[] {
  const { uidBase } = readState(connection, scope, view);
  const { sql, values, ordinal, shown, flags, shownIndex } = mailboxColumns(scope, view);
  const found: ListedMessage[] = [];
  for (const { from, to } of inOrder(ranges)) {
    if (found.length >= limit) break;
    const rows = connection.all<Omit<ListedMessage, 'flags' | 'uid'> & { ordinal: number; flags: string }>(
      `SELECT ${ordinal} AS ordinal, id, internal_date AS internalDate, size_bytes AS sizeBytes, ${flags} AS flags
         FROM messages INDEXED BY ${shownIndex}
        WHERE ${sql} AND ${shown} = 1 AND ${ordinal} BETWEEN ? AND ? ORDER BY ${ordinal} LIMIT ?`,
      ...values,
      from + uidBase,
      to + uidBase,
      limit - found.length,
    );
    for (const { ordinal: at, flags: text, id, internalDate, sizeBytes } of rows)
      found.push({ uid: at - uidBase, id, internalDate, sizeBytes, flags: JSON.parse(text) as string[] });
  }
  return found;
}

export function messagesByUid(
  connection: Connection,
  { scope, view, uids }: Mailbox & { uids: readonly number[] },
): { uid: number; document: string }[] {
  const { uidBase } = readState(connection, scope, view);
  const { sql, values, ordinal, shown, shownIndex } = mailboxColumns(scope, view);
  const found: { uid: number; document: string }[] = [];
  for (const uid of [...new Set(uids)].filter((each) => each > 0).sort((a, b) => a - b)) {
    const row = connection.get<{ document: string }>(
      `SELECT document FROM messages INDEXED BY ${shownIndex} WHERE ${sql} AND ${shown} = 1 AND ${ordinal} = ?`,
      ...values,
      uid + uidBase,
    );
    if (row) found.push({ uid, document: row.document });
  }
  return found;
}

export function readings(
  connection: Connection,
  { scope, ids }: { scope: Scope; ids: readonly string[] },
): (StoredReading | null)[] {
  return ids.map((id) => {
    const digest = contentDigest(connection, scope, id);
    return digest === null ? null : readReading(connection, digest);
  });
}

export function content(
  connection: Connection,
  { scope, id, start, end }: { scope: Scope; id: string; start: number | undefined; end: number | undefined },
): Uint8Array | null {
  const digest = contentDigest(connection, scope, id);
  return digest === null ? null : readBytes(connection, digest, start, end);
}

/** Digest of a message's content; null when the scope has no such message or the message gave its content back. */
function contentDigest(connection: Connection, scope: Scope, id: string): string | null {
  const row = connection.get<{ view: View; domain: string; address: string; content: string | null }>(
    'SELECT view, owner_domain AS domain, owner_address AS address, content FROM messages WHERE id = ?',
    id,
  );
  return row && isWithin(scope, { domain: row.domain, address: row.address }, row.view) ? row.content : null;
}
