// For the keeper of the whole store: how much is in it, and what a restored backup needs. Counting goes in slices, so that no reader waits
// for it; everything else is small. Reads run in the reader threads, the rest in the writer's transaction.
import { statSync } from 'node:fs';
import type { View } from '../../quarantine/message.ts';
import { nextUidValidity } from '../shown.ts';
import type { Connection } from './connection.ts';
import type { Write, Written } from './write.ts';

/** Rows that one slice counts. */
const sliceSize = 10_000;

export interface MessageCounts {
  counts: { view: View; held: number; released: number; count: number }[];
  /** Where to go on; null at the end. */
  next: number | null;
}

export function countMessages(connection: Connection, after: number): MessageCounts {
  const last = lastOfSlice(connection, 'messages', after);
  if (last === null) return { counts: [], next: null };
  const counts = connection.all<MessageCounts['counts'][number]>(
    `SELECT view, held, released, count(*) AS count FROM messages NOT INDEXED
      WHERE number > ? AND number <= ? GROUP BY view, held, released`,
    after,
    last,
  );
  return { counts, next: last };
}

export interface ContentCounts {
  count: number;
  bytes: number;
  next: number | null;
}

export function countContents(connection: Connection, after: number): ContentCounts {
  const last = lastOfSlice(connection, 'contents', after);
  if (last === null) return { count: 0, bytes: 0, next: null };
  const counted = connection.get<{ count: number; bytes: number }>(
    `SELECT count(*) AS count, total(size_bytes) AS bytes FROM contents NOT INDEXED WHERE number > ? AND number <= ?`,
    after,
    last,
  );
  return { count: counted?.count ?? 0, bytes: counted?.bytes ?? 0, next: last };
}

function lastOfSlice(connection: Connection, table: 'messages' | 'contents', after: number): number | null {
  const sql = `SELECT max(number) AS last FROM
    (SELECT number FROM ${table} NOT INDEXED WHERE number > ? ORDER BY number LIMIT ${sliceSize})`;
  return connection.get<{ last: number | null }>(sql, after)?.last ?? null;
}

/** The database with its write-ahead log. */
export function diskBytes({ database }: Connection): number | null {
  const path = database.location();
  if (path === null) return null;
  return ['', '-wal'].reduce((sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** When it was marked, in seconds, is kept for whoever looks into the file. */
export function markRestored({ connection }: Write): Written<null> {
  connection.run(`INSERT INTO store VALUES ('restored', unixepoch()) ON CONFLICT DO NOTHING`);
  return { result: null, changed: [] };
}

export function isRestored(connection: Connection): boolean {
  return connection.get(`SELECT 1 FROM store WHERE name = 'restored'`) !== undefined;
}

export function settled({ connection }: Write): Written<null> {
  connection.run(`DELETE FROM store WHERE name = 'restored'`);
  return { result: null, changed: [] };
}

/** The same new one for all: above every one that is stored, and of today, so that it is above those that the backup knows nothing of. */
export function raiseUidValidity({ connection }: Write): Written<null> {
  const highest = connection.get<{ highest: number }>(
    `SELECT max(value) AS highest FROM (
       SELECT value FROM store WHERE name = 'uid_validity'
       UNION ALL SELECT uid_validity FROM sequences UNION ALL SELECT uid_validity FROM drops)`,
  )?.highest;
  const raised = nextUidValidity(highest ?? 0);
  connection.run(`UPDATE store SET value = ? WHERE name = 'uid_validity'`, raised);
  connection.run('UPDATE sequences SET uid_validity = ?', raised);
  connection.run('UPDATE drops SET uid_validity = ?', raised);
  return { result: null, changed: 'all' };
}
