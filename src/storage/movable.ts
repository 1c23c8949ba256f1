// A store as a whole, number for number, whatever its driver: what `store copy` moves to another one and what `store verify` looks
// through. Each driver implements it in its own movable.ts, beside the storage port and not through it; copy-store.ts and verify-store.ts
// call it, open-movable.ts chooses the driver. The same UIDs under the same UIDVALIDITY mean that mail programs notice nothing.
//
// Not part of a store here: leases of processes that end anyway (they are in the messages), and the last numbers of forgotten messages,
// which only sessions ask for that were open at the time. A driver that numbers a message after it wrote it finishes that before `numbers`
// and `messages` of a source begin.
import type { Message, View } from '../quarantine/message.ts';
import type { AccountRecord, DomainRecord } from '../quarantine/ports.ts';
import type { Reading } from '../quarantine/reading/reading.ts';

export interface MovedContent {
  digest: string;
  bytes: Buffer;
  reading: Reading;
  lastUsedAt: number;
}

/** A number that a message has, or had, in one sequence. `sequence`: '' is that of global, else a domain. */
export interface Place {
  sequence: string;
  ordinal: number;
  modseq: number;
}

export interface MovedMessage {
  /** The document with its revision. */
  message: Message;
  /** Text that `find` searches (shown.ts): a tombstone's cannot be made again, its content is gone. */
  searched: string;
  /** At most one for each sequence, by key; none where nobody of the sequence ever saw this holding. */
  places: Place[];
  /** Numbers of earlier holdings, by sequence, then modseq. */
  gone: Place[];
}

export interface StoredMessage extends MovedMessage {
  /**
   * For `store verify`: each thing that the driver keeps beside the document to find it by and that is not what follows from the document
   * (`derive`, `shownRoles` …), as a short phrase: `due_at is 5, expected null`. Ignored when written.
   */
  drifted: string[];
}

/** Something that is there and cannot be read: `id` is a digest or a message's id, `fault` a phrase for the administrator. */
export interface Unreadable {
  id: string;
  fault: string;
}

/** Everything that counts, apart from the messages' own places. Lists are in the order of their keys. */
export interface StoreNumbers {
  /** UIDVALIDITY of every sequence and drop folder that was not used yet. */
  firstUidValidity: number;
  sequences: { key: string; lastOrdinal: number; modseq: number; uidBase: number; uidValidity: number }[];
  /** What UIDNEXT follows from. `login` as `loginKey` (shown.ts). */
  mailboxes: { login: string; view: View; lastOrdinal: number }[];
  drops: { login: string; mailbox: string; lastUid: number; uidValidity: number }[];
  /** `StoreUpkeep.isRestored`. */
  isRestored: boolean;
}

export interface StoreRecords {
  /** By name. */
  domains: DomainRecord[];
  /** By name. */
  accounts: AccountRecord[];
}

/** How far an unfinished copy has come: all up to and including these are stored. '' before the first. */
export interface CopyProgress {
  digest: string;
  messageId: string;
}

/** What the store is opened for. A `source` has to be there already; a `target` is made if need be. */
export type MovableUse = 'verify' | 'source' | 'target';

export interface MovableStore {
  readonly source: MovableReader;
  readonly target: MovableWriter;
  close(): Promise<void>;
}

/**
 * Opened as a source (or target), the driver keeps everybody else out until `close`, where it can; where it cannot, the copy notices what
 * was changed meanwhile. Opened to verify, it works beside running servers: each item is one moment's truth, and numbers are asked for
 * after the messages, since they only rise.
 */
export interface MovableReader {
  numbers(): Promise<StoreNumbers>;
  records(): Promise<StoreRecords>;
  /** For progress only; may be estimates. */
  counts(): Promise<{ contents: number; contentBytes: number; messages: number }>;
  /** Ascending by digest, from the first one after `after`; read in pages, bytes of a few contents in memory at a time. */
  contents(after?: string): AsyncIterable<MovedContent | Unreadable>;
  /** Ascending by id, from the first one after `after`; read in pages. Held, left and tombstones alike. */
  messages(after?: string): AsyncIterable<StoredMessage | Unreadable>;
  /** Those of the digests for which no content is stored. */
  missing(digests: readonly string[]): Promise<string[]>;
  /** For `store verify`: what the database finds broken in itself, beyond single messages and contents; phrases for the administrator. */
  selfCheck(): Promise<string[]>;
}

/**
 * Used in this order: begin, putContents…, putMessages…, putRecords, putNumbers, finish. Everything is durable when it resolves and may be
 * repeated after a crash at any point: what is there is replaced by the same. Until `finish`, openStorage refuses the store with
 * `unfinishedCopy`; progress is kept in the store.
 */
export interface MovableWriter {
  /**
   * Into an empty store, or one that an earlier `begin` with the same `origin` (a digest of the source's numbers) left unfinished. Answers
   * how far that one had come.
   * @throws PermanentError the store holds something else
   */
  begin(origin: string): Promise<CopyProgress>;
  /** Ascending, above all before; raises the progress. */
  putContents(contents: readonly MovedContent[]): Promise<void>;
  /** Ascending, above all before, their contents stored; raises the progress. Numbers, revision and `gone` exactly as they are told. */
  putMessages(messages: readonly MovedMessage[]): Promise<void>;
  putRecords(records: StoreRecords): Promise<void>;
  putNumbers(numbers: StoreNumbers): Promise<void>;
  /** From now on it is a store like any other. */
  finish(): Promise<void>;
}

/** What a driver refuses to open such a store with (PermanentError). */
export const unfinishedCopy =
  'This store is an unfinished copy. Give the same "store copy --from … --to …" again to go on with it, or remove the store and begin anew.';

/** What `begin` refuses with (PermanentError). */
export const notEmpty =
  'The store to copy to is not empty. A copy is made into a new store only; name another one, or remove this one first.';
export const otherOrigin =
  'The store to copy to holds an unfinished copy of another store, or the source was used after that copy began. Remove it and begin anew.';
