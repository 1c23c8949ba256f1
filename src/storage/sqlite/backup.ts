// A copy of a SQLite store beside running processes: one consistent moment of it, complete and on the disk before it gets its name. It says
// of itself that it was restored, so that nobody who puts it back can forget to (src/quarantine/restored.ts). Called by `store backup`.
import { closeSync, existsSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PermanentError, TemporaryError } from '../../quarantine/errors.ts';
import { largestUid } from '../shown.ts';
import { openConnection } from './connection.ts';
import { fromSqlite } from './errors.ts';
import { checkVersion } from './migrations.ts';
import { syncDirectory, syncFile } from './private-file.ts';
import { checkFinished } from './unfinished.ts';
import { markRestored } from './upkeep.ts';

/**
 * Durable when it returns.
 * @throws PermanentError there is no store, it is not ours, or `to` exists
 * @throws TemporaryError no room, or a file that cannot be used
 */
export function backUpSqlite(from: string, to: string): void {
  const file = resolve(to);
  const partial = `${file}.partial`;
  if (!existsSync(resolve(from))) throw new PermanentError(`There is no store ${from}.`);
  checkAbsent(file);
  try {
    // Empty and private before anything is written into it.
    removePartial(partial);
    closeSync(openSync(partial, 'wx', 0o600));
    writeCopy(resolve(from), partial);
    syncFile(partial);
    giveName(partial, file);
    syncDirectory(dirname(file));
  } catch (error) {
    removePartial(partial);
    if (error instanceof PermanentError || error instanceof TemporaryError) throw error;
    throw new TemporaryError(`The backup ${to} could not be written.`, { cause: error });
  }
}

function writeCopy(from: string, partial: string): void {
  try {
    const store = openConnection(from, { readOnly: true });
    try {
      checkVersion(store);
      checkFinished(store);
      // One read transaction: what is committed meanwhile is not in it, and nobody waits for it.
      store.run('VACUUM INTO ?', partial);
    } finally {
      store.close();
    }
    const copy = openConnection(partial, { readOnly: false });
    try {
      markRestored({ connection: copy, uidLimit: largestUid });
    } finally {
      copy.close();
    }
  } catch (error) {
    throw fromSqlite(error);
  }
}

function giveName(partial: string, file: string): void {
  try {
    // Unlike a rename this never replaces a file.
    linkSync(partial, file);
    rmSync(partial);
  } catch {
    // A file system without hard links.
    checkAbsent(file);
    renameSync(partial, file);
  }
}

/** Also what an earlier file of this name has left behind: SQLite would take it for a part of the new one, and spoil that. */
function checkAbsent(file: string): void {
  const there = ['', '-wal', '-journal'].map((ending) => file + ending).find((one) => existsSync(one));
  if (there !== undefined)
    throw new PermanentError(`${there} is there already. A backup never replaces a file; name another one.`);
}

function removePartial(partial: string): void {
  for (const ending of ['', '-wal', '-journal']) rmSync(partial + ending, { force: true });
}
