// Everything in a SQLite store, in order, as `store copy` and `store verify` read it. Each piece is one snapshot; beside a running server
// they are not one and the same. What cannot be read is answered as such, so that one broken row hides no other.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Message } from '../../quarantine/message.ts';
import type { DomainRecord } from '../../quarantine/ports.ts';
import type { MovableReader, MovedContent, Place, StoredMessage, StoreNumbers, Unreadable } from '../movable.ts';
import { listAccounts } from './accounts.ts';
import { derivedColumns, fixedColumns } from './columns.ts';
import { inSnapshot } from './connection.ts';
import type { Bound, Connection } from './connection.ts';
import { readBytes } from './contents.ts';
import { listDomains } from './domains.ts';
import { fromSqlite } from './errors.ts';
import { fromStoredReading, readReading } from './prepared.ts';
import { isRestored } from './upkeep.ts';

const messagesPerPage = 200;

export function createMovableReader(connection: Connection): MovableReader {
  const read = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => resolve(withErrors(() => inSnapshot(connection, work))));
  return {
    numbers: () => read(() => readNumbers(connection)),
    records: () =>
      read(() => ({
        domains: listDomains(connection).map((document) => JSON.parse(document) as DomainRecord),
        accounts: listAccounts(connection),
      })),
    counts: () => read(() => readCounts(connection)),
    async *contents(after = '') {
      for (let last: string | undefined = after; ;) {
        const next = await read(() => nextContent(connection, last ?? ''));
        if (!next) return;
        if (next.item) yield next.item;
        last = next.digest;
        await breathe();
      }
    },
    async *messages(after = '') {
      for (let last = after; ;) {
        const page = await read(() => messagePage(connection, last));
        const end = page.at(-1);
        if (!end) return;
        yield* page.map(({ item }) => item);
        last = end.id;
        await breathe();
      }
    },
    missing: (digests) =>
      read(() =>
        digests.filter((digest) => connection.get('SELECT 1 FROM contents WHERE digest = ?', digest) === undefined),
      ),
    selfCheck: () => read(() => selfCheck(connection)),
  };
}

function withErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromSqlite(error);
  }
}

function readNumbers(connection: Connection): StoreNumbers {
  const [firstUidValidity = 0] = connection.column<number>(`SELECT value FROM store WHERE name = 'uid_validity'`);
  return {
    firstUidValidity,
    sequences: plain(
      connection.all(
        `SELECT key, last_ordinal AS lastOrdinal, modseq, uid_base AS uidBase, uid_validity AS uidValidity
           FROM sequences ORDER BY key`,
      ),
    ),
    mailboxes: plain(
      connection.all('SELECT login, view, last_ordinal AS lastOrdinal FROM mailboxes ORDER BY login, view'),
    ),
    drops: plain(
      connection.all(
        `SELECT login, mailbox, last_uid AS lastUid, uid_validity AS uidValidity FROM drops ORDER BY login, mailbox`,
      ),
    ),
    isRestored: isRestored(connection),
  };
}

/** Rows without SQLite's null prototype, so that they equal other drivers' objects. */
function plain<Row extends object>(rows: Row[]): Row[] {
  return rows.map((row) => ({ ...row }));
}

function readCounts(connection: Connection): { contents: number; contentBytes: number; messages: number } {
  const contents = connection.get<{ count: number; bytes: number }>(
    'SELECT count(*) AS count, total(size_bytes) AS bytes FROM contents',
  );
  const [messages = 0] = connection.column<number>('SELECT count(*) FROM messages');
  return { contents: contents?.count ?? 0, contentBytes: contents?.bytes ?? 0, messages };
}

function nextContent(
  connection: Connection,
  after: string,
): { digest: string; item: MovedContent | Unreadable } | undefined {
  const row = connection.get<{ digest: string; lastUsedAt: number }>(
    'SELECT digest, last_used_at AS lastUsedAt FROM contents WHERE digest > ? ORDER BY digest LIMIT 1',
    after,
  );
  if (!row) return undefined;
  const { digest, lastUsedAt } = row;
  return {
    digest,
    item: readable(digest, () => {
      const bytes = readBytes(connection, digest) ?? new Uint8Array();
      const sent = readReading(connection, digest);
      if (!sent) throw new Error('it left while it was read');
      return { digest, bytes: Buffer.from(bytes.buffer), reading: fromStoredReading(sent), lastUsedAt };
    }),
  };
}

/** @throws what SQLite throws: then nothing more can be read */
function readable<T extends object>(id: string, open: () => T): T | Unreadable {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof Error) || 'errcode' in error) throw error;
    return { id, fault: `cannot be read: ${error.message}` };
  }
}

type Row = Record<string, Bound> & { id: string; document: string; searched: string };

function messagePage(connection: Connection, after: string): { id: string; item: StoredMessage | Unreadable }[] {
  const rows = connection.all<Row>(`SELECT * FROM messages WHERE id > ? ORDER BY id LIMIT ${messagesPerPage}`, after);
  return rows.map((row) => ({ id: row.id, item: readable(row.id, () => storedMessage(connection, row)) }));
}

function storedMessage(connection: Connection, row: Row): StoredMessage {
  const message = JSON.parse(row.document) as Message;
  const { domain } = message.owner;
  const places = [
    ...place('', row.ordinal_global, row.modseq_global),
    ...(domain ? place(domain, row.ordinal_domain, row.modseq_domain) : []),
  ];
  const gone = plain(
    connection.all<Place>(
      `SELECT sequence, ordinal, modseq FROM gone WHERE message = ? AND forgotten_at IS NULL ORDER BY sequence, modseq`,
      row.id,
    ),
  );
  return { message, searched: row.searched, places, gone, drifted: drifted(message, row) };
}

function place(sequence: string, ordinal: Bound | undefined, modseq: Bound | undefined): Place[] {
  return typeof ordinal === 'number' && typeof modseq === 'number' ? [{ sequence, ordinal, modseq }] : [];
}

function drifted(message: Message, row: Row): string[] {
  const expected = { ...fixedColumns(message, row.searched), ...derivedColumns(message) };
  return Object.entries(expected)
    .filter(([name, value]) => row[name] !== value)
    .map(([name, value]) => `${name} is ${JSON.stringify(row[name])}, expected ${JSON.stringify(value)}`);
}

function selfCheck(connection: Connection): string[] {
  const integrity = connection.column<string>('PRAGMA integrity_check').filter((line) => line !== 'ok');
  const shared = (['global', 'domain'] as const).flatMap((sequence) => sharedNumbers(connection, sequence));
  const miscounted = connection.column<string>(
    `SELECT digest FROM contents
      WHERE referrers <> (SELECT count(*) FROM messages INDEXED BY messages_content WHERE messages.content = contents.digest)`,
  );
  // What an older version of the program stored has no number before it is moved (older-readings.ts).
  const misled = connection.column<string>(
    `SELECT id FROM messages
      WHERE content_number IS NOT (SELECT number FROM contents WHERE contents.digest = messages.content)
        AND (content_number IS NOT NULL OR NOT EXISTS (SELECT 1 FROM store WHERE name = 'unprepared'))`,
  );
  const [lost = 0] = connection.column<number>(
    `SELECT count(*) FROM chunks WHERE content NOT IN (SELECT number FROM contents)
        AND content NOT IN (SELECT content FROM discarded)`,
  );
  return [
    ...integrity,
    ...shared,
    ...miscounted.map((digest) => `content ${digest}: the number of messages that refer to it is wrong`),
    ...misled.map((id) => `message ${id}: it is listed with another content`),
    ...(lost ? [`${lost} pieces of contents that are not there any more`] : []),
  ];
}

/** Messages of one sequence with the same number; also one that has a number now and had the same one in a former holding. */
function sharedNumbers(connection: Connection, sequence: 'global' | 'domain'): string[] {
  const key = sequence === 'global' ? `''` : 'owner_domain';
  const rows = connection.all<{ key: string; ordinal: number; ids: string }>(
    `SELECT key, ordinal, group_concat(id, ', ') AS ids FROM (
       SELECT ${key} AS key, ordinal_${sequence} AS ordinal, id FROM messages WHERE ordinal_${sequence} IS NOT NULL
       UNION ALL
       SELECT sequence, ordinal, message FROM gone
        WHERE forgotten_at IS NULL AND sequence ${sequence === 'global' ? '=' : '<>'} '')
      GROUP BY key, ordinal HAVING count(*) > 1`,
  );
  return rows.map(
    ({ key: name, ordinal, ids }) => `number ${ordinal} of ${name || 'global'} belongs to several messages: ${ids}`,
  );
}
