// A SQLite store as a whole (../movable.ts), for `store copy` and `store verify`. It works in the calling thread: such a command has nothing
// else to do. A source or target is held under an exclusive lock, so that no process can use it meanwhile.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { PermanentError } from '../../quarantine/errors.ts';
import type { MovableStore, MovableUse } from '../movable.ts';
import { openStoreFile, setDurable } from './connection.ts';
import type { Connection } from './connection.ts';
import { fromSqlite } from './errors.ts';
import { checkVersion, migrate, migrations } from './migrations.ts';
import { createMovableReader } from './movable-reader.ts';
import { createMovableWriter } from './movable-writer.ts';
import { makePrivate } from './private-file.ts';
import { checkFinished } from './unfinished.ts';

/** Long enough for a short command that ends just now. */
const waitForOthersMs = 2_000;

/**
 * @throws PermanentError the file is not there (unless it is a target), not ours, or in use where it must not be
 * @throws TemporaryError it cannot be read or made
 */
export async function openMovableSqlite(path: string, use: MovableUse): Promise<MovableStore> {
  const file = resolve(path);
  if (use === 'target') makePrivate(file);
  else if (!existsSync(file)) throw new PermanentError(`There is no store ${path}.`);
  const connection = open(file, path, use);
  return {
    source: createMovableReader(connection),
    target: createMovableWriter(connection),
    close: () => Promise.resolve(connection.close()),
  };
}

function open(file: string, path: string, use: MovableUse): Connection {
  try {
    return use === 'verify' ? openToVerify(file) : openAlone(file, path, use);
  } catch (error) {
    throw fromSqlite(error);
  }
}

/** Writes nothing, unless an older version of Lazaretto wrote the store: it is brought up to date first, as by every command. */
function openToVerify(file: string): Connection {
  const connection = openStoreFile(file, { readOnly: true });
  try {
    if (checkVersion(connection) === migrations.length) {
      checkFinished(connection);
      return connection;
    }
  } catch (error) {
    connection.close();
    throw error;
  }
  // Alone, so that nothing is left beside the file: only the last connection puts a write-ahead log into it.
  connection.close();
  bringUpToDate(file);
  return openToVerify(file);
}

function bringUpToDate(file: string): void {
  const connection = openStoreFile(file, { readOnly: false });
  try {
    // A backup keeps no write-ahead log, and gets none here.
    migrate(connection);
  } finally {
    connection.close();
  }
}

function openAlone(file: string, path: string, use: MovableUse): Connection {
  const connection = openStoreFile(file, { readOnly: false });
  try {
    checkVersion(connection);
    lockOut(connection, path);
    setDurable(connection);
    migrate(connection);
    if (use === 'source') checkFinished(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** In this mode SQLite never gives a lock back, so that the first transaction keeps everybody out until the connection is closed. */
function lockOut({ database }: Connection, path: string): void {
  database.exec(`PRAGMA busy_timeout = ${waitForOthersMs}; PRAGMA locking_mode = EXCLUSIVE`);
  try {
    database.exec('BEGIN EXCLUSIVE; COMMIT');
  } catch (error) {
    throw new PermanentError(
      `The store ${path} is in use. Stop every Lazaretto process that uses it and give the command again.`,
      { cause: error },
    );
  }
}
