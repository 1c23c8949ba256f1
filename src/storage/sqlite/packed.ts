// Lists of messages with what is prepared of them, many in one answer: SQLite itself strings the values together, so that neither a message
// nor a value becomes an object, and the bytes change hands without being copied. Ten thousand messages take about 10 ms. Runs in the reader
// threads.
import type { PackedMessages, PackedQuery, UidRange } from '../../quarantine/ports.ts';
import { FlagTable } from '../flagged-uids.ts';
import { largestPackedBytes } from '../packed-values.ts';
import { inOrder } from '../uid-ranges.ts';
import type { Connection } from './connection.ts';
import type { Mailbox } from './mailboxes.ts';
import { placeContents, readContents } from './packed-contents.ts';
import type { PlacedContents } from './packed-contents.ts';
import { readNumbers } from './number-texts.ts';
import { lengthBytes, preparedTables } from './prepared.ts';
import type { PreparedTable } from './prepared.ts';
import { mailboxColumns } from './scoped.ts';
import { readState } from './sequences.ts';

/** With the bytes in a buffer of their own. */
export type SentPackedMessages = Omit<PackedMessages, 'bytes' | typeof Symbol.dispose> & { bytes: Uint8Array };

export interface PackedRequest {
  ranges: readonly UidRange[];
  query: PackedQuery;
  /** Contents are put there, if they fit. */
  memory: ArrayBuffer | null;
}

/** One range of UIDs as SQLite strings it together; null where nothing was asked for. */
interface Strung {
  count: number;
  uids: string;
  flags: string | null;
  sizes: string | null;
  dates: string | null;
  bytes: Uint8Array | null;
}

export function listPacked(
  connection: Connection,
  { ranges, query, memory, ...mailbox }: Mailbox & PackedRequest,
): SentPackedMessages {
  const { uidBase } = readState(connection, mailbox.scope, mailbox.view);
  const tables = tablesFor(query);
  const sql = sqlFor(mailbox, query, tables);
  const { values } = mailboxColumns(mailbox.scope, mailbox.view);
  const found: Strung[] = [];
  const ordinals = inOrder(ranges).map(({ from, to }) => ({ from: from + uidBase, to: to + uidBase }));
  const contents = query.values.includes('content') ? readContents(connection, mailbox, ordinals, query.limit) : null;
  let left = contents?.length ?? query.limit;
  for (const { from, to } of ordinals) {
    if (left <= 0) break;
    const strung = connection.get<Strung>(sql, uidBase, ...values, from, to, left);
    if (!strung?.count) continue;
    found.push(strung);
    left -= strung.count;
  }
  const messages = unstrung(found, query, tables);
  return contents ? withContents(messages, placeContents(messages.bytes, contents, memory), query) : messages;
}

function tablesFor({ values }: PackedQuery): PreparedTable[] {
  const names = Object.keys(preparedTables) as PreparedTable[];
  return names.filter((name) => preparedTables[name].some((value) => values.includes(value)));
}

function sqlFor({ scope, view }: Mailbox, { also }: PackedQuery, tables: readonly PreparedTable[]): string {
  const { sql, ordinal, shown, flags, shownIndex } = mailboxColumns(scope, view);
  const strung = (name: PackedQuery['also'][number], value: string, separator: string): string =>
    also.includes(name) ? `group_concat(${value}, ${separator})` : 'NULL';
  const bytes = tables.length ? `CAST(group_concat(packed, '') AS BLOB)` : 'NULL';
  // The limit is what makes SQLite keep to the order of the rows when it strings them together. CAST: SQLite looks into a bare parameter there
  // for the best plan, and therefore plans anew whenever one is bound.
  return `SELECT count(*) AS count, group_concat(uid, ',') AS uids,
      ${strung('flags', `iif(flags = '[]', NULL, concat(uid, flags))`, 'char(10)')} AS flags,
      ${strung('sizeBytes', 'size_bytes', `','`)} AS sizes, ${strung('internalDates', 'internal_date', `','`)} AS dates,
      ${bytes} AS bytes
    FROM (SELECT ${ordinal} - CAST(? AS INTEGER) AS uid, ${flags} AS flags, size_bytes, internal_date, ${packedSql(tables)} AS packed
            FROM messages INDEXED BY ${shownIndex} ${tables.map(joinSql).join(' ')}
           WHERE ${sql} AND ${shown} = 1 AND ${ordinal} BETWEEN ? AND ? ORDER BY ${ordinal} LIMIT CAST(? AS INTEGER))`;
}

function joinSql(table: PreparedTable): string {
  return `LEFT JOIN ${table} ON ${table}.content = messages.content_number`;
}

/** The packed rows of a message one after the other; marks in the place of lengths where a row is not there or too large. */
function packedSql(tables: readonly PreparedTable[]): string {
  const rows = tables.map((table) => {
    const marks = 'ff'.repeat(lengthBytes * preparedTables[table].length);
    return `iif(octet_length(${table}.packed) <= ${largestPackedBytes}, ${table}.packed, x'${marks}')`;
  });
  return rows.length > 1 ? `concat(${rows.join(', ')})` : (rows[0] ?? 'NULL');
}

function unstrung(
  found: readonly Strung[],
  { values, also }: PackedQuery,
  tables: readonly PreparedTable[],
): SentPackedMessages {
  const count = found.reduce((sum, strung) => sum + strung.count, 0);
  const numbers = (name: 'uids' | 'sizes' | 'dates'): string => found.flatMap((strung) => strung[name] ?? []).join();
  const uids = readNumbers(numbers('uids'), count);
  const bytes = joined(found.map((strung) => strung.bytes ?? new Uint8Array()));
  // What each table holds, as places among the values that were asked for; -1 for what was not.
  const places = tables.flatMap((table) => preparedTables[table].map((value) => values.indexOf(value)));
  const flagged = found.flatMap(({ flags }) => flags?.split('\n') ?? []);
  return {
    uids,
    ...flagsOf(uids, also.includes('flags') ? flagged : null),
    sizeBytes: readNumbers(numbers('sizes'), also.includes('sizeBytes') ? count : 0),
    internalDates: new Float64Array(JSON.parse(`[${numbers('dates')}]`) as number[]),
    bytes,
    positions: positionsIn(bytes, count, places, values.length),
  };
}

/** @param flagged of the messages that have any, ascending: `12["\\Seen"]` */
function flagsOf(uids: Uint32Array, flagged: readonly string[] | null): { flags: Uint32Array; flagSets: string[][] } {
  const table = new FlagTable();
  if (!flagged) return { flags: new Uint32Array(), flagSets: [] };
  const flags = new Uint32Array(uids.length).fill(table.place('[]'));
  let index = 0;
  for (const text of flagged) {
    const list = text.indexOf('[');
    const uid = Number(text.slice(0, list));
    while ((uids[index] ?? uid) < uid) index++;
    flags[index] = table.place(text.slice(list));
  }
  return { flags, flagSets: table.sets };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only && pieces.length === 1) return only;
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function withContents(
  messages: SentPackedMessages,
  { bytes, positions }: PlacedContents,
  { values }: PackedQuery,
): SentPackedMessages {
  const place = values.indexOf('content');
  for (const [message, [start, end]] of positions.entries())
    messages.positions.set([start, end], (message * values.length + place) * 2);
  return { ...messages, bytes };
}

/** Walks through the lengths: begin and end of each value that was asked for, -1 where a mark stands. */
function positionsIn(bytes: Uint8Array, messages: number, places: readonly number[], width: number): Int32Array {
  const positions = new Int32Array(messages * width * 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let message = 0; message < messages; message++) {
    for (const place of places) {
      const length = view.getInt32(at, true);
      const start = at + lengthBytes;
      at = length < 0 ? start : start + length;
      if (place < 0) continue;
      const slot = (message * width + place) * 2;
      positions[slot] = length < 0 ? -1 : start;
      positions[slot + 1] = length < 0 ? -1 : at;
    }
  }
  return positions;
}
