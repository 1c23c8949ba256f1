// What a writing operation is given and what it answers. The writer thread (writer.ts) runs several of them in one transaction.
import type { Connection } from './connection.ts';

export interface Write {
  connection: Connection;
  /** Largest UID that may be given before a sequence starts again under a new UIDVALIDITY. */
  uidLimit: number;
}

export interface Written<Result> {
  result: Result;
  /** What listeners are told: keys of the sequences that changed, or `all`. */
  changed: readonly string[] | 'all';
}
