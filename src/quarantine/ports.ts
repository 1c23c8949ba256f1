// What the domain needs from the world: a storage, a clock and a log. Drivers in src/storage implement Storage; test/storage/contract.ts
// is run against each of them and is the exact meaning of these sentences.
//
// Every read takes a Scope and finds nothing outside it. The methods of `WorkerStorage` are the only unscoped ones; only the queue,
// the sweeps and the command line's job list use them.
//
// Durability: when a writing method resolves, what it wrote survives kill -9 and power loss, and every later read in any process
// sees it. When it rejects with TemporaryError, nothing or all was written and it may be called again: callers make their writes
// repeatable. Drivers throw TemporaryError for everything that may pass (locked, full, unreachable), never a driver's own class.
import type { LogFields } from './log-events.ts';
import type { Message, View } from './message.ts';
import type { Reading } from './reading/reading.ts';
import type { Scope } from './scope.ts';
import type { Condition } from './search/condition.ts';

/** A message as it arrives; the storage adds revision and UIDs. */
export type NewMessage = Omit<Message, 'revision'>;

export interface NewContent {
  /** SHA-256 of `bytes`, lower-case hex. */
  digest: string;
  bytes: Buffer;
  reading: Reading;
}

export interface Arrival {
  content: NewContent;
  messages: NewMessage[];
  /**
   * True: a message whose digest, owner, view and first envelope recipient are known, held or remembered as a tombstone, is not stored
   * again (imports). False: everything is stored.
   */
  skipKnown: boolean;
}

/** One change of one message: stored only if the stored revision is still `before.revision`. */
export interface Change {
  before: Message;
  /** Same id, digest, view, owner. `revision` is ignored. */
  after: Message;
}

/** Consumes UIDs of a drop folder, so that COPYUID and APPENDUID carry real, ascending ones. */
export interface DropUids {
  scope: Scope;
  mailbox: string;
  count: number;
}

export interface CommitResult {
  messages: Message[];
  /** First of the consumed drop UIDs, and the UIDVALIDITY they belong to; absent when none was asked for. */
  drop?: { uidValidity: number; firstUid: number };
}

/** Inclusive; `from` <= `to`; both UIDs. */
export interface UidRange {
  from: number;
  to: number;
}

export interface MailboxState {
  uidValidity: number;
  uidNext: number;
  /** Highest modseq of the sequence: everything up to it is in this snapshot. From 1. */
  modseq: number;
}

export interface MailboxStatus extends MailboxState {
  messages: number;
  unseen: number;
}

/** Messages with their flags, in as few bytes as numbers take: a mailbox may hold a million. */
export interface FlaggedUids {
  /** Ascending. */
  uids: Uint32Array;
  /** For each UID the place of its flags in `flagSets`. */
  flags: Uint32Array;
  /** Client flags of this role and our marks, each combination once. */
  flagSets: string[][];
}

export interface MailboxSnapshot extends MailboxState, FlaggedUids {}

export interface ListedMessage {
  uid: number;
  id: string;
  internalDate: number;
  sizeBytes: number;
  /** Client flags of this role and our marks. */
  flags: string[];
}

/** As in a reading; `content` is the message itself. */
export type PackedValue = 'envelope' | 'bodyStructure' | 'listHeader' | 'content';

export interface PackedQuery {
  values: readonly PackedValue[];
  /** What else is told of each message; the lists of what is not named here are empty. */
  also: readonly ('flags' | 'sizeBytes' | 'internalDates')[];
  /** Messages at most. Whole contents may end an answer before it is reached; one that has no messages has seen them all. */
  limit: number;
}

/** Messages and what is prepared of them, in a few large pieces instead of many small ones: a mailbox is listed from tens of thousands. */
export interface PackedMessages extends FlaggedUids, Disposable {
  sizeBytes: Uint32Array;
  internalDates: Float64Array;
  /** All values, as bytes for the wire. */
  bytes: Buffer;
  /**
   * Where the values are in `bytes`: for each message, for each of the query's values in its order, begin and end. Both are -1 for a value
   * that is not among them, because it is large, not there, or not packed yet: `readings` has it.
   */
  positions: Int32Array;
  /** Gives the memory back; nothing may be read from it any more. Left to V8, it is a reason to collect all garbage again and again. */
  [Symbol.dispose](): void;
}

/** When `uidValidity` is not the one that a session began with, its UIDs mean nothing any more and it has to begin anew. */
export interface MailboxChanges extends MailboxState {
  /** Shown now and changed since: new arrivals and changed flags. */
  shown: FlaggedUids;
  /** No longer shown under this UID, ascending. A client that never saw one ignores it. */
  gone: Uint32Array;
}

export interface MessageQuery {
  view?: View;
  /** Message ids. */
  ids?: string[];
  /** Content digests. */
  digests?: string[];
  likeness?: string;
  /** Default `held`: shown to anybody. `all` also finds messages that left their view, down to tombstones. */
  which?: 'held' | 'all';
  /** Owner's address; only inside the scope. */
  owner?: string;
  domain?: string;
  /** Substring of sender, recipients or subject, case-insensitive (command line). */
  text?: string;
  /** Newest first (last stored first). Default 100; with `ids`, as many as there are ids. */
  limit?: number;
}

export interface DomainRecord {
  /** Canonical: lower case, A-labels. */
  name: string;
  aliases: string[];
  /** smtp:// smtps:// lmtp:// lmtp:/socket or mx; where releases of incoming mail go. */
  deliverTo: string;
  /** Character that separates a sub-address (`+`), or '' for none. */
  subaddress: string;
  /** Local parts that exist; null: any. */
  recipients: string[] | null;
  /** Overrides the settings' retention, in milliseconds, for what the domain's views hold. */
  retentionMs: number | null;
  /** False: the domain's logins and its users see nothing; mail is kept for `global`. */
  quarantine: boolean;
  /** Addresses whose quarantine is switched off: they see nothing; mail is kept for the logins above. */
  quarantineOff: string[];
}

export interface AccountRecord {
  /** Login name: `global`, a domain or an address; canonical. */
  name: string;
  /** PHC string ($argon2id$…). */
  passwordHash: string;
  createdAt: number;
  /** When its INBOX got the help for new logins; absent until then. */
  greetedAt?: number;
}

/** Reads and writes within a scope. */
export interface ScopedStorage {
  /** For SELECT: one snapshot. `view` messages that the scope's role is shown. */
  openMailbox(scope: Scope, view: View): Promise<MailboxSnapshot>;
  mailboxStatus(scope: Scope, view: View): Promise<MailboxStatus>;
  /** Always empty, counting for itself. */
  dropStatus(scope: Scope, mailbox: string): Promise<MailboxState>;
  /** Everything that changed with a modseq above `since`, as one snapshot. Cheap when nothing did. */
  changesSince(scope: Scope, view: View, since: number): Promise<MailboxChanges>;
  /** Ascending by UID, at most `limit` (default 1,000) from `ranges`; call again with ranges above the last UID for more. */
  list(scope: Scope, view: View, ranges: readonly UidRange[], limit?: number): Promise<ListedMessage[]>;
  /** As `list`, with prepared values; a snapshot. No answer is larger than some megabytes, whatever the messages hold. */
  listPacked(scope: Scope, view: View, ranges: readonly UidRange[], query: PackedQuery): Promise<PackedMessages>;
  /** The stored readings of messages, in the order of `ids`; null for one that is not (or no longer) there. */
  readings(scope: Scope, ids: readonly string[]): Promise<(Reading | null)[]>;
  /**
   * Bytes [start, end) of a message's content, in a buffer that is the caller's alone; null when the content is gone. Least work for ranges
   * between multiples of 256 kB.
   */
  content(scope: Scope, id: string, start?: number, end?: number): Promise<Buffer | null>;
  /** Whole documents by UID, ascending; UIDs that are not shown are left out. */
  messagesByUid(scope: Scope, view: View, uids: readonly number[]): Promise<{ uid: number; message: Message }[]>;
  find(scope: Scope, query: MessageQuery): Promise<Message[]>;
  /**
   * UIDs of the messages that the mailbox shows and that the condition is true of (search/match.ts), ascending. What arrives, changes or
   * leaves meanwhile may be told as it was or as it is. Null when it would take too long, so that one has to ask for less, or when the
   * signal says that nobody waits for it any more.
   */
  search(scope: Scope, view: View, condition: Condition, signal?: AbortSignal): Promise<Uint32Array | null>;
}

/** Unscoped: for workers, sweeps and the command line's job list only. */
export interface WorkerStorage {
  get(id: string): Promise<Message | null>;
  contentOf(id: string): Promise<Buffer | null>;
  /**
   * Messages with a job that may be claimed at `now`, earliest first. Those of `exceptDomains` are passed over (their destinations are
   * busy), and those where nothing but reports to `exceptTargets` may be claimed, so that one slow destination never hides the others'
   * work. Passing over a target costs a look into each message that is due; ask for it only when it is needed.
   */
  due(
    now: number,
    limit: number,
    exceptDomains?: readonly string[],
    exceptTargets?: readonly string[],
  ): Promise<Message[]>;
  /** When the earliest job may be claimed; null when there is none. */
  nextDueAt(): Promise<number | null>;
  /** Messages with a job under a lease at `now`, whoever holds it: what all processes together are working on. The longest leases first. */
  leased(now: number, limit: number): Promise<Message[]>;
  /** Messages with a job that has not ended (`hasOpenJobs`), or (with `ended`) that ever had one; newest order first. */
  withJobs(query: { ended: boolean; limit: number }): Promise<Message[]>;
  /** Held messages of a view whose holding began before `before`; `domain` undefined: any domain not in `exceptDomains`. */
  heldBefore(query: {
    view: View;
    before: number;
    domain?: string;
    exceptDomains?: string[];
    limit: number;
  }): Promise<Message[]>;
  /** Messages whose `endedAt` (message.ts) is before `before`, with content still referred to (`content`) or already tombstones. */
  endedBefore(query: { before: number; tombstones: boolean; limit: number }): Promise<Message[]>;
  /** Deletes tombstones for good, each only if its revision is still that one. */
  forget(messages: readonly Message[]): Promise<number>;
  /**
   * One round of the content purge: marks contents that no message (without `contentReleased`) refers to and that were last used
   * before `now - graceMs`; deletes those marked before `now - graceMs` that are still unreferenced and unused since. What `signal` cuts
   * short is done by the next round.
   */
  purgeContents(
    now: number,
    graceMs: number,
    signal?: AbortSignal,
  ): Promise<{ marked: number; deleted: number; bytes: number }>;
}

/** What a store holds, for `store stats`. */
export interface StoreStats {
  /** Messages by view: shown to somebody; left their view with their content kept; tombstones. */
  messages: Record<View, { held: number; left: number; tombstones: number }>;
  contents: { count: number; bytes: number };
  domains: number;
  accounts: number;
  /** What the store takes on disk, as far as it tells; null when it does not. */
  diskBytes: number | null;
}

/** For the keeper of a store as a whole. */
export interface StoreUpkeep {
  stats(): Promise<StoreStats>;
  /**
   * A store that was put back from a backup is behind what mail programs and far ends have seen since. True from `markRestored` (a backup
   * marks itself) until `settled`.
   */
  isRestored(): Promise<boolean>;
  markRestored(): Promise<void>;
  /** Gives every mailbox, also those that are not there yet, a UIDVALIDITY that was never used. */
  raiseUidValidity(): Promise<void>;
  settled(): Promise<void>;
  /**
   * Keeps the index that searches are answered from up to date, in the background, until the returned function was called; that resolves
   * when nothing is under way any more. For a process that serves mail programs, one or several at the same time; a store without such an
   * index does nothing. Searches find the same with and without it. What is deleted from the store is out of the index within a day.
   */
  startIndexing(): Promise<() => Promise<void>>;
}

export interface Storage extends ScopedStorage {
  readonly worker: WorkerStorage;
  readonly upkeep: StoreUpkeep;
  /**
   * Stores content and messages in one write; renews the content's last use. Resolves when durable, with what became of each message in
   * order: the stored message, or `known` (skipKnown). A message whose id is stored already is `known` too, whatever became of it, so
   * that a repeated write adds nothing.
   */
  insert(arrival: Arrival, now: number): Promise<({ stored: Message } | { known: true })[]>;
  /** Renews or re-creates a content that a message is about to refer to again; durable when it resolves. */
  keepContent(content: NewContent, now: number): Promise<void>;
  /**
   * All changes or none (a store without transactions may have done a part; then it throws StaleError or TemporaryError and the caller
   * reads again and repeats). UIDs and modseq are taken as `effectOf` says; a role that begins to see a message sees it under a new UID,
   * also within a holding. Without changes it only takes drop UIDs.
   * @throws StaleError when any stored revision differs from its `before.revision`, or the message is not there any more
   * @throws TemporaryError also when a message is to refer again to a content that was purged meanwhile: `keepContent` first
   */
  commit(changes: readonly Change[], drop?: DropUids): Promise<CommitResult>;
  domains: {
    list(): Promise<DomainRecord[]>;
    /**
     * Adds or replaces.
     * @throws Refusal when its name or an alias belongs to another domain
     */
    put(domain: DomainRecord): Promise<void>;
    /** False when there was none. */
    remove(name: string): Promise<boolean>;
  };
  accounts: {
    get(name: string): Promise<AccountRecord | null>;
    list(): Promise<AccountRecord[]>;
    put(account: AccountRecord): Promise<void>;
    /** Sets `greetedAt` and nothing else of this very account. False when it is not there any more. */
    markGreeted(account: Pick<AccountRecord, 'name' | 'createdAt'>, at: number): Promise<boolean>;
    remove(name: string): Promise<boolean>;
  };
  /**
   * Calls `listener` after every commit: of this process at once, of others as soon as the driver notices (well under a second).
   * `keys` are sequence keys (scope.ts) that changed: none after a silent commit, `all` when unknown and after a change of the domains.
   * Spurious calls are allowed, missing ones are not.
   * Returns how to stop.
   */
  watch(listener: (keys: ReadonlySet<string> | 'all') => void): () => void;
  /** Flushes, ends threads and connections; the storage is unusable afterwards. */
  close(): Promise<void>;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Structured log; a subset of pino's Logger. Which events there are, and what a line may hold: log-events.ts. */
export interface Log {
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
}
