// The schema, as numbered steps that are never changed once released: a store is brought up to date when it is opened, and one that a
// newer Lazaretto wrote is refused. Several processes may open the same file at the same moment. Called by the writer thread.
import { PermanentError } from '../../quarantine/errors.ts';
import type { Connection } from './connection.ts';
import { firstSchema, flaggedMessages, greetedAccounts, leases, openJobs, preparedValues } from './schema.ts';

/** `LZRT`; tells `file` and us that a database is a Lazaretto store. */
export const applicationId = 0x4c5a5254;

/** Step n leads from version n to version n + 1. */
export const migrations: readonly string[] = [
  firstSchema,
  leases,
  openJobs,
  flaggedMessages,
  preparedValues,
  greetedAccounts,
];

/**
 * @throws PermanentError when the file is another program's, or was written by a newer version of this one
 */
export function migrate(connection: Connection, steps: readonly string[] = migrations): void {
  const { database } = connection;
  while (checkVersion(connection, steps.length) < steps.length) {
    // Read again under the lock: another process may have taken the same step meanwhile.
    database.exec('BEGIN EXCLUSIVE');
    try {
      const version = checkVersion(connection, steps.length);
      const step = steps[version];
      if (step !== undefined) {
        database.exec(step);
        database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}`);
      }
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The schema's version, once it is certain that it is ours to write to. */
export function checkVersion(connection: Connection, newest: number = migrations.length): number {
  const application = connection.get<{ application_id: number }>('PRAGMA application_id')?.application_id ?? 0;
  const version = connection.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  const isEmpty = connection.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined;
  if (application !== applicationId && !(isEmpty && application === 0 && version === 0))
    throw new PermanentError(
      'The database of the settings (store) is not a Lazaretto store: another program wrote it.',
    );
  if (version > newest)
    throw new PermanentError(
      `The store has schema version ${version}, but this version of Lazaretto knows versions up to ${newest}: ` +
        'a newer one wrote it. Start that newer version, or restore a backup.',
    );
  return version;
}
