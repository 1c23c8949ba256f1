// The change feed: what a mailbox gained, changed and lost since a modseq, as one snapshot. It costs what changed, not what is there.
// Runs in the reader threads.
import type { MailboxChanges } from '../../quarantine/ports.ts';
import { sequenceKey } from '../../quarantine/scope.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { flaggedUids } from '../flagged-uids.ts';
import type { Connection } from './connection.ts';
import type { Mailbox } from './mailboxes.ts';
import { mailboxColumns, within } from './scoped.ts';
import type { Condition } from './scoped.ts';
import { readState } from './sequences.ts';

export function changesSince(
  connection: Connection,
  { scope, view, since }: Mailbox & { since: number },
): MailboxChanges {
  const { uidBase, ...state } = readState(connection, scope, view);
  const shown: { uid: number; flags: string }[] = [];
  const gone = new Set<number>();
  if (state.modseq > since) {
    const mailbox = mailboxColumns(scope, view);
    const inScope = within(scope);
    const rows = connection.all<{ ordinal: number; shown: number; flags: string }>(
      `SELECT ${mailbox.ordinal} AS ordinal, ${mailbox.shown} AS shown, ${mailbox.flags} AS flags
         FROM messages INDEXED BY ${mailbox.changedIndex}
        WHERE ${mailbox.sql} AND ${mailbox.modseq} > ? AND ${mailbox.ordinal} > ? AND ${inScope.sql}
        ORDER BY ${mailbox.ordinal}`,
      ...mailbox.values,
      since,
      uidBase,
      ...inScope.values,
    );
    for (const row of rows) {
      const uid = row.ordinal - uidBase;
      if (row.shown) shown.push({ uid, flags: row.flags });
      else gone.add(uid);
    }
    for (const ordinal of formerOrdinals(connection, { scope, view, since, above: uidBase }))
      gone.add(ordinal - uidBase);
  }
  return { ...state, shown: flaggedUids(shown), gone: Uint32Array.from(gone).sort() };
}

function formerOrdinals(
  connection: Connection,
  { scope, view, since, above }: Mailbox & { since: number; above: number },
): number[] {
  const { sql, values } = goneWithin(scope);
  return connection.column<number>(
    `SELECT ordinal FROM gone WHERE sequence = ? AND ${sql} AND view = ? AND modseq > ? AND ordinal > ?`,
    sequenceKey(scope),
    ...values,
    view,
    since,
    above,
  );
}

/** The SQL of `isWithin` for a row of `gone`; the sequence of global holds nothing that is not within global. */
function goneWithin(scope: Scope): Condition {
  switch (scope.role) {
    case 'global':
      return { sql: 'TRUE', values: [] };
    case 'domain':
      return { sql: `(view <> 'notices' OR owner_address = '')`, values: [] };
    case 'user':
      return { sql: `owner_address = ? AND view <> 'outgoing'`, values: [scope.address] };
  }
}
