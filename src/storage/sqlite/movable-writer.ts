// The writing half of a copy into a SQLite store: everything exactly as it is told, each batch and the progress in one transaction.
import { PermanentError } from '../../quarantine/errors.ts';
import { notEmpty, otherOrigin } from '../movable.ts';
import type {
  CopyProgress,
  MovableWriter,
  MovedContent,
  MovedMessage,
  StoreNumbers,
  StoreRecords,
} from '../movable.ts';
import { largestUid } from '../shown.ts';
import { putAccount } from './accounts.ts';
import { derivedColumns, fixedColumns } from './columns.ts';
import type { Connection } from './connection.ts';
import { referredContent, storeContent } from './contents.ts';
import { putDomain } from './domains.ts';
import { fromSqlite } from './errors.ts';
import { toSentReading } from './prepared.ts';
import { insertSql, placeColumns } from './messages.ts';
import { removeIndex } from './search/index-file.ts';
import { markFinished, markProgress, markUnfinished, readUnfinished } from './unfinished.ts';
import { markRestored } from './upkeep.ts';
import type { Write } from './write.ts';

export function createMovableWriter(connection: Connection): MovableWriter {
  const write = <T>(work: () => T): Promise<T> => new Promise((resolve) => resolve(atOnce(connection, work)));
  return {
    begin: (origin) => write(() => begin(connection, origin)),
    putContents: (contents) => write(() => putContents(connection, contents)),
    putMessages: (messages) => write(() => putMessages(connection, messages)),
    putRecords: (records) => write(() => putRecords(connection, records)),
    putNumbers: (numbers) => write(() => putNumbers(connection, numbers)),
    finish: () => write(() => markFinished(connection)),
  };
}

function atOnce<T>({ database }: Connection, work: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE');
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw fromSqlite(error);
  }
}

function begin(connection: Connection, origin: string): CopyProgress {
  const unfinished = readUnfinished(connection);
  if (unfinished) {
    if (unfinished.origin !== origin) throw new PermanentError(otherOrigin);
    return { digest: unfinished.digest, messageId: unfinished.messageId };
  }
  const tables = ['messages', 'contents', 'domains', 'accounts', 'sequences', 'mailboxes', 'drops', 'gone'];
  if (tables.some((table) => connection.get(`SELECT 1 FROM ${table} LIMIT 1`))) throw new PermanentError(notEmpty);
  // Of a store that was here before: its contents may have the numbers that others get now.
  removeIndex(connection.database.location() ?? '');
  markUnfinished(connection, origin);
  return { digest: '', messageId: '' };
}

function putContents(connection: Connection, contents: readonly MovedContent[]): void {
  for (const { digest, bytes, reading, lastUsedAt } of contents) {
    storeContent(connection, { digest, bytes, reading: toSentReading(reading) }, lastUsedAt);
  }
  markProgress(connection, { digest: contents.at(-1)?.digest });
}

function putMessages(connection: Connection, messages: readonly MovedMessage[]): void {
  for (const moved of messages) putMessage(connection, moved);
  markProgress(connection, { messageId: messages.at(-1)?.message.id });
}

function putMessage(connection: Connection, { message, searched, places, gone }: MovedMessage): void {
  const { id, view, owner } = message;
  connection.run('DELETE FROM messages WHERE id = ?', id);
  connection.run('DELETE FROM gone WHERE message = ?', id);
  const nowhere = { ordinal: null, modseq: null };
  const row = {
    ...fixedColumns(message, searched),
    ...derivedColumns(message),
    content_number: referredContent(connection, message),
    document: JSON.stringify(message),
  };
  Object.assign(row, placeColumns('', nowhere), placeColumns(owner.domain, nowhere));
  for (const { sequence, ordinal, modseq } of places) Object.assign(row, placeColumns(sequence, { ordinal, modseq }));
  connection.runNamed(insertSql(Object.keys(row)), row);
  for (const { sequence, ordinal, modseq } of gone)
    connection.run(
      'INSERT INTO gone (sequence, view, owner_address, message, ordinal, modseq) VALUES (?, ?, ?, ?, ?, ?)',
      sequence,
      view,
      owner.address,
      id,
      ordinal,
      modseq,
    );
}

function putRecords(connection: Connection, { domains, accounts }: StoreRecords): void {
  const write: Write = { connection, uidLimit: largestUid };
  connection.run('DELETE FROM domains');
  connection.run('DELETE FROM accounts');
  for (const domain of domains) putDomain(write, domain);
  for (const account of accounts) putAccount(write, account);
}

function putNumbers(connection: Connection, numbers: StoreNumbers): void {
  for (const table of ['sequences', 'mailboxes', 'drops']) connection.run(`DELETE FROM ${table}`);
  for (const { key, lastOrdinal, modseq, uidBase, uidValidity } of numbers.sequences)
    connection.run(
      'INSERT INTO sequences (key, last_ordinal, modseq, uid_base, uid_validity) VALUES (?, ?, ?, ?, ?)',
      key,
      lastOrdinal,
      modseq,
      uidBase,
      uidValidity,
    );
  for (const { login, view, lastOrdinal } of numbers.mailboxes)
    connection.run('INSERT INTO mailboxes (login, view, last_ordinal) VALUES (?, ?, ?)', login, view, lastOrdinal);
  for (const { login, mailbox, lastUid, uidValidity } of numbers.drops)
    connection.run(
      'INSERT INTO drops (login, mailbox, last_uid, uid_validity) VALUES (?, ?, ?, ?)',
      login,
      mailbox,
      lastUid,
      uidValidity,
    );
  connection.run(`UPDATE store SET value = ? WHERE name = 'uid_validity'`, numbers.firstUidValidity);
  if (numbers.isRestored) markRestored({ connection, uidLimit: largestUid });
}
