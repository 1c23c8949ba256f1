// A store that `store copy` began and has not finished: marked by a table of its own, so that nobody takes the half for the whole. The
// table holds how far the copy has come and goes when it is finished.
import { PermanentError } from '../../quarantine/errors.ts';
import { unfinishedCopy } from '../movable.ts';
import type { CopyProgress } from '../movable.ts';
import type { Connection } from './connection.ts';

export interface UnfinishedCopy extends CopyProgress {
  /** Of what it is a copy. */
  origin: string;
}

export function readUnfinished(connection: Connection): UnfinishedCopy | undefined {
  if (!connection.get(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'unfinished_copy'`))
    return undefined;
  return connection.get<UnfinishedCopy>('SELECT origin, digest, message_id AS messageId FROM unfinished_copy');
}

/** @throws PermanentError when the store is the unfinished copy of another one */
export function checkFinished(connection: Connection): void {
  if (readUnfinished(connection)) throw new PermanentError(unfinishedCopy);
}

export function markUnfinished(connection: Connection, origin: string): void {
  connection.database.exec('CREATE TABLE unfinished_copy (origin TEXT, digest TEXT, message_id TEXT) STRICT');
  connection.run('INSERT INTO unfinished_copy VALUES (?, ?, ?)', origin, '', '');
}

export function markProgress(connection: Connection, progress: Partial<CopyProgress>): void {
  connection.run(
    'UPDATE unfinished_copy SET digest = coalesce(?, digest), message_id = coalesce(?, message_id)',
    progress.digest ?? null,
    progress.messageId ?? null,
  );
}

export function markFinished(connection: Connection): void {
  connection.database.exec('DROP TABLE unfinished_copy');
}
