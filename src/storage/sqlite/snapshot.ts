// What SELECT asks for: all messages of a mailbox with their flags, as one snapshot. Reads indexes alone, one for the messages and one for
// those among them that have any flags, and lets SQLite write the numbers into one text: a row for each would take ten times as long.
// Runs in the reader threads.
import type { MailboxSnapshot } from '../../quarantine/ports.ts';
import { FlagTable } from '../flagged-uids.ts';
import type { Connection } from './connection.ts';
import type { Mailbox } from './mailboxes.ts';
import { readNumbers } from './number-texts.ts';
import { mailboxColumns } from './scoped.ts';
import { readState } from './sequences.ts';

export function openMailbox(connection: Connection, { scope, view }: Mailbox): MailboxSnapshot {
  const { uidBase, ...state } = readState(connection, scope, view);
  const { sql, values, ordinal, shown, flags, shownIndex, flaggedIndex } = mailboxColumns(scope, view);
  const all = connection.get<{ count: number; uids: string | null }>(
    `SELECT count(*) AS count, group_concat(uid) AS uids
       FROM (SELECT ${ordinal} - CAST(? AS INTEGER) AS uid
               FROM messages INDEXED BY ${shownIndex} WHERE ${sql} AND ${shown} = 1 ORDER BY ${ordinal})`,
    uidBase,
    ...values,
  );
  const flagged = connection.all<{ flags: string; count: number; uids: string }>(
    `SELECT flags, count(*) AS count, group_concat(uid) AS uids
       FROM (SELECT ${flags} AS flags, ${ordinal} - CAST(? AS INTEGER) AS uid
               FROM messages INDEXED BY ${flaggedIndex} WHERE ${sql} AND ${shown} = 1 AND ${flags} <> '[]'
              ORDER BY ${flags}, ${ordinal})
      GROUP BY flags`,
    uidBase,
    ...values,
  );
  const uids = readNumbers(all?.uids ?? '', all?.count ?? 0);
  const table = new FlagTable();
  table.place('[]');
  const places = new Uint32Array(uids.length);
  for (const set of flagged) placeEach(uids, readNumbers(set.uids, set.count), places, table.place(set.flags));
  return { ...state, uids, flags: places, flagSets: table.sets };
}

/** Sets `place` for the UIDs of `some`, ascending as `uids` are. Looks ahead in growing steps: they may be few among many, or all. */
function placeEach(uids: Uint32Array, some: Uint32Array, places: Uint32Array, place: number): void {
  let low = 0;
  for (const uid of some) {
    let step = 1;
    while ((uids[low + step] ?? Infinity) <= uid) step *= 2;
    let high = Math.min(low + step, uids.length);
    low += step >> 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((uids[middle] ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    places[low] = place;
  }
}
