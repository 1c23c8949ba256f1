// The index file as the indexer holds it open: opened anew when somebody removed or replaced it, and made anew when it is damaged. Several
// processes may do so beside each other: a file that another one has made meanwhile is taken as it is.
import { statSync } from 'node:fs';
import { openConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { indexPath, openIndex, removeIndex, removeLogs } from './index-file.ts';

export class OpenIndex {
  readonly #store: string;
  #connection: Connection | null = null;
  /** Which file the connection belongs to. */
  #file: number | null = null;

  /** @param store path of the store's file */
  constructor(store: string) {
    this.#store = store;
  }

  /** The connection to the file that is there now. */
  current(): Connection {
    const file = this.#fileNow();
    if (this.#connection && file === this.#file) return this.#connection;
    this.close();
    // They belong to the file that is gone.
    if (file === null) removeLogs(this.#store);
    try {
      return this.#open();
    } catch (error) {
      if (!saysDamaged(error)) throw error;
      removeIndex(this.#store);
      return this.#open();
    }
  }

  /** Whether an error came from damage of this file, and not of the store; the next `current` makes a new one then. */
  removeIfDamaged(error: unknown): boolean {
    if (!saysDamaged(error) || !this.#isDamaged()) return false;
    const isStillThere = this.#fileNow() === this.#file;
    this.close();
    if (isStillThere) removeIndex(this.#store);
    return true;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  #open(): Connection {
    this.#connection = openIndex(this.#store);
    this.#file = this.#fileNow();
    return this.#connection;
  }

  #isDamaged(): boolean {
    // One of its own, so that it sees what is on the disk, not what the other one remembers.
    let fresh: Connection | null = null;
    try {
      fresh = openConnection(indexPath(this.#store), { readOnly: true });
      return fresh.column('PRAGMA quick_check(1)')[0] !== 'ok';
    } catch (error) {
      if (saysDamaged(error)) return true;
      throw error;
    } finally {
      fresh?.close();
    }
  }

  #fileNow(): number | null {
    return statSync(indexPath(this.#store), { throwIfNoEntry: false })?.ino ?? null;
  }
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const damage = [11, 26];

/** Whether SQLite found the file that it read damaged. */
export function saysDamaged(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && damage.includes(Number(error.errcode) & 0xff);
}
