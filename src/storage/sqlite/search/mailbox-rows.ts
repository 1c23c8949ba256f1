// All messages of a mailbox as a search needs them: in columns, read from the mailbox's index alone, SQLite stringing the numbers together.
import type { UidRange } from '../../../quarantine/ports.ts';
import type { Condition, ListedCondition } from '../../../quarantine/search/condition.ts';
import { isListedAs } from '../../../quarantine/search/match.ts';
import { FlagTable } from '../../flagged-uids.ts';
import { inOrder } from '../../uid-ranges.ts';
import type { Connection } from '../connection.ts';
import type { Mailbox } from '../mailboxes.ts';
import { mailboxColumns } from '../scoped.ts';
import { readState } from '../sequences.ts';

/** Row i of each column is one message; ascending by UID. Columns that the condition does not ask for are empty. */
export interface MailboxRows {
  uids: number[];
  /** Numbers of their contents; 0 where an older version of the program did not note it. */
  contents: number[];
  sizes: number[];
  internalDates: number[];
  /** Places in `flagSets`. */
  flags: number[];
  flagSets: string[][];
}

type Column = 'sizes' | 'internalDates' | 'flags';

interface Strung {
  uids: string | null;
  contents: string | null;
  sizes: string | null;
  dates: string | null;
  flags: string | null;
}

export function readRows(
  connection: Connection,
  { condition, ranges, ...mailbox }: Mailbox & { condition: Condition; ranges: readonly UidRange[] },
): MailboxRows {
  const { uidBase } = readState(connection, mailbox.scope, mailbox.view);
  const sql = sqlFor(mailbox, columnsFor(condition));
  const { values } = mailboxColumns(mailbox.scope, mailbox.view);
  const rows: MailboxRows = { uids: [], contents: [], sizes: [], internalDates: [], flags: [], flagSets: [] };
  const flagTable = new FlagTable();
  for (const { from, to } of inOrder(ranges)) {
    const strung = connection.get<Strung>(sql, uidBase, ...values, from + uidBase, to + uidBase);
    if (!strung?.uids) continue;
    rows.uids = joined(rows.uids, numbers(strung.uids));
    rows.contents = joined(rows.contents, numbers(strung.contents));
    rows.sizes = joined(rows.sizes, numbers(strung.sizes));
    rows.internalDates = joined(rows.internalDates, numbers(strung.dates));
    rows.flags = joined(rows.flags, strung.flags?.split('\n').map((text) => flagTable.place(text)) ?? []);
  }
  return { ...rows, flagSets: flagTable.sets };
}

function sqlFor({ scope, view }: Mailbox, columns: ReadonlySet<Column>): string {
  const { sql, ordinal, shown, flags, shownIndex } = mailboxColumns(scope, view);
  const strung = (column: Column, name: string, separator: string): string =>
    columns.has(column) ? `group_concat(${name}, ${separator})` : 'NULL';
  // The limit is what makes SQLite keep to the order of the rows when it strings them together.
  return `SELECT group_concat(uid, ',') AS uids, group_concat(content, ',') AS contents, ${strung('sizes', 'size_bytes', `','`)} AS sizes,
      ${strung('internalDates', 'internal_date', `','`)} AS dates, ${strung('flags', 'flags', 'char(10)')} AS flags
    FROM (SELECT ${ordinal} - CAST(? AS INTEGER) AS uid, coalesce(content_number, 0) AS content, size_bytes, internal_date, ${flags} AS flags
            FROM messages INDEXED BY ${shownIndex}
           WHERE ${sql} AND ${shown} = 1 AND ${ordinal} BETWEEN ? AND ? ORDER BY ${ordinal} LIMIT ${Number.MAX_SAFE_INTEGER})`;
}

function columnsFor(condition: Condition, columns = new Set<Column>()): ReadonlySet<Column> {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const part of condition.parts) columnsFor(part, columns);
      break;
    case 'not':
      columnsFor(condition.part, columns);
      break;
    case 'flag':
      columns.add('flags');
      break;
    case 'size':
      columns.add('sizes');
      break;
    case 'internalDate':
      columns.add('internalDates');
      break;
    default:
      break;
  }
  return columns;
}

/** Mostly there is one range. */
function joined(before: number[], more: number[]): number[] {
  return before.length ? before.concat(more) : more;
}

function numbers(text: string | null): number[] {
  return text === null ? [] : (JSON.parse(`[${text}]`) as number[]);
}

/** Whether a row is listed as the condition says. */
export function rowIsListedAs(rows: MailboxRows, condition: ListedCondition, row: number): boolean {
  return isListedAs(condition, {
    uid: rows.uids[row] ?? 0,
    sizeBytes: rows.sizes[row] ?? 0,
    internalDate: rows.internalDates[row] ?? 0,
    flags: rows.flagSets[rows.flags[row] ?? 0] ?? [],
  });
}
