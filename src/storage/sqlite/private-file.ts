// Files that hold mail: readable for nobody else, and under names that survive a power loss. Called when a store or a copy of one is made.
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { TemporaryError } from '../../quarantine/errors.ts';

/**
 * Makes the file and its directory, unless they are there. SQLite gives its -wal and -shm files the permissions of the database. What
 * exists keeps what its owner chose.
 * @throws TemporaryError
 */
export function makePrivate(file: string): void {
  try {
    const made = mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    // The new names themselves must survive a power loss, not only what is in the files.
    syncDirectory(dirname(file));
    if (made) syncDirectory(dirname(made));
  } catch (error) {
    throw new TemporaryError('The file of the store cannot be opened or made.', { cause: error });
  }
}

export function syncFile(file: string): void {
  sync(file);
}

export function syncDirectory(directory: string): void {
  // Windows has no handle for a directory and needs none.
  if (process.platform !== 'win32') sync(directory);
}

function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
