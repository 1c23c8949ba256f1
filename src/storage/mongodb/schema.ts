// The collections, their documents and their indexes. A message is one document: what is stored now (`message` and the fields derived from
// it) beside what mailboxes show (`user`, `domain`, `global` and the places), because a change counts for them only when it has its number
// (sequences.ts). Sizes, shard keys and what each index is for in numbers: README.md.
import type { Binary, CreateIndexesOptions, IndexSpecification, ObjectId } from 'mongodb';
import type { Message, View } from '../../quarantine/message.ts';
import type { ReportTargetState } from '../../quarantine/job.ts';
import type { AccountRecord, DomainRecord } from '../../quarantine/ports.ts';
import type { Role } from '../../quarantine/scope.ts';

/** Numbers of a message in one sequence. `ordinal` is null when nobody of the sequence sees this holding; `modseq` is of its last change. */
export interface Place {
  ordinal: number | null;
  modseq: number;
}

/** What a role's mailbox shows of a message. */
export interface Shown {
  shown: boolean;
  seen: boolean;
  /** Client flags and marks. */
  flags: string[];
}

/** A change that is stored and has no number yet. `revision` is the one that it made. */
export interface Unnumbered {
  revision: number;
  /** Takes a new UID, not only a modseq. */
  arrives: boolean;
}

/** The message with the reports' targets as a list: a name may hold a dot, which no field name should. */
export type StoredMessage = Omit<Message, 'report'> & {
  report: (Omit<NonNullable<Message['report']>, 'targets'> & { targets: StoredTarget[] }) | null;
};
export type StoredTarget = ReportTargetState & { name: string };

/** Fields that stay as they are for the message's whole life. */
export interface FixedFields {
  view: View;
  ownerDomain: string;
  ownerAddress: string;
  digest: string;
  likeness: string;
  firstRecipient: string;
  /** Text that `find` searches. */
  searched: string;
}

/** Fields that follow from the message (fields.ts); null where there is nothing to find it by. Times are whole milliseconds. */
export interface DerivedFields {
  held: boolean;
  heldSince: number;
  released: boolean;
  dueAt: number | null;
  hasOpenJobs: boolean;
  /** The jobs that `dueAt` is the earliest of; `target` is null for the delivery. */
  claims: { target: string | null; claimableAt: number }[];
  leasedUntil: number | null;
  endedAt: number | null;
  orderedAt: number | null;
}

export type SequenceName = 'domain' | 'global';

export interface MessageDocument extends FixedFields, DerivedFields {
  _id: string;
  revision: number;
  message: StoredMessage;
  user?: Shown;
  domain?: Shown;
  global?: Shown;
  domainPlace?: Place;
  globalPlace?: Place;
  /** Numbers of earlier holdings: open sessions are told that they are gone. */
  domainGone?: Place[];
  globalGone?: Place[];
  domainUnnumbered?: Unnumbered;
  globalUnnumbered?: Unnumbered;
  /** The purge has not looked yet whether the content that the message gave back is still needed. */
  contentUnchecked?: boolean;
  /** Only the numbers are left, for sessions that have not asked yet. */
  forgottenAt?: number;
}

export interface ContentDocument {
  _id: string;
  sizeBytes: number;
  lastUsedAt: number;
  markedAt: number | null;
  /** The purge has not looked yet whether a message refers to it. */
  unchecked: boolean;
  readingVersion: number;
  /** JSON. */
  reading: string;
  /** Small contents; large ones are a GridFS file. */
  bytes?: Binary | Buffer;
  file?: ObjectId;
}

/** One batch of numbers as it was taken: ordinals and modseqs ascend from the first ones in the order of the items. */
export interface Taken {
  ordinal: number;
  modseq: number;
  items: { id: string; revision: number; ordinals: 0 | 1 }[];
}

/** `_id`: '' is the sequence of global, the others are domains. */
export interface SequenceDocument {
  _id: string;
  lastOrdinal: number;
  modseq: number;
  /** UID = ordinal - base. */
  uidBase: number;
  uidValidity: number;
  /** Batches whose numbers are not in their messages yet, by batch. */
  taken: Record<string, Taken>;
  /** While what is shown gets new ordinals above `base`; nobody takes numbers meanwhile. */
  renumbering?: { base: number; uidValidity: number };
}

/** `_id`: login and view. */
export interface MailboxDocument {
  _id: string;
  /** Ordinal of the last message that arrived. */
  lastOrdinal: number;
}

/** `_id`: login and mailbox. */
export interface DropDocument {
  _id: string;
  lastUid: number;
  uidValidity: number;
}

/** A name that a domain has, as its name or as an alias. */
export interface NameDocument {
  _id: string;
  domain: string;
  claimedAt: number;
}

/** Of the store as a whole; one document for each of its concerns. */
export interface StoreDocument {
  _id: 'numbers' | 'schema' | 'domains' | 'restored' | 'copy';
  /** `numbers`: UIDVALIDITY of what was not used yet. */
  uidValidity?: number;
  /** `schema`; and `domains`: rises with every change of the domains. */
  version?: number;
  /** `restored`: when the store was found to be put back from a backup. */
  since?: number;
  /** `copy`: an unfinished copy of that store, how far it has come (movable.ts). */
  origin?: string;
  digest?: string;
  messageId?: string;
}

export type DomainDocument = DomainRecord & { _id: string };
export type AccountDocument = AccountRecord & { _id: string };

/** Of a large content (GridFS files collection). */
export interface FileDocument {
  _id: ObjectId;
  length: number;
}

/** A part of a large content (GridFS chunks collection). */
export interface ChunkDocument {
  _id: ObjectId;
  files_id: ObjectId;
}

/** `_id`: a file that is just being stored or deleted, or was when a process died (files.ts). */
export interface UnsettledFile {
  _id: ObjectId;
  /** Of the content that is to name the file, or did. */
  digest: string;
  begunAt: number;
}

export const schemaVersion = 1;

export function sequenceName(key: string): SequenceName {
  return key === '' ? 'global' : 'domain';
}

export function placeField(name: SequenceName): 'domainPlace' | 'globalPlace' {
  return `${name}Place`;
}

/** `_id` of a mailbox and of a drop folder. */
export function mailboxId(login: string, mailbox: string): string {
  return `${login} ${mailbox}`;
}

/** The reverse. A local part may hold spaces and a folder's name may; a domain holds none, and no folder's name an `@`. */
export function mailboxOf(id: string): { login: string; mailbox: string } {
  const end = id.indexOf(' ', Math.max(id.lastIndexOf('@'), 0));
  return { login: id.slice(0, end), mailbox: id.slice(end + 1) };
}

interface Index {
  key: IndexSpecification;
  options: CreateIndexesOptions & { name: string };
}

function index(name: string, key: Record<string, 1 | -1>, only?: object): Index {
  return { key, options: only ? { name, partialFilterExpression: only } : { name } };
}

/**
 * A mailbox as SELECT, STATUS and FETCH want it. The key has every field that counting and listing UIDs ask for, so that they read the index
 * alone: also `shown`, because MongoDB looks the condition of a partial index up in the document.
 */
function mailboxIndex(role: Role, owner: Record<string, 1>): Index {
  const place = role === 'global' ? 'globalPlace' : 'domainPlace';
  const key = { ...owner, view: 1, [`${role}.shown`]: 1, [`${place}.ordinal`]: 1, [`${role}.seen`]: 1 } as const;
  return index(`shown_to_${role}`, key, { [`${role}.shown`]: true });
}

/** The messages of a mailbox that have any flags, which are few: SELECT looks at no others. No flag is an empty text. */
function flaggedIndex(role: Role, owner: Record<string, 1>): Index {
  const place = role === 'global' ? 'globalPlace' : 'domainPlace';
  const key = { ...owner, view: 1, [`${role}.shown`]: 1, [`${place}.ordinal`]: 1 } as const;
  return index(`flagged_for_${role}`, key, { [`${role}.shown`]: true, [`${role}.flags.0`]: { $gt: '' } });
}

/** Numbers begin at 0 or above; null and absent are neither. */
const isNumber = { $gte: 0 };

/**
 * Every index is there for one of the driver's queries; partial ones hold only what is looked for. MongoDB takes an index only for a query
 * with a condition on (or a sort by) the first field of its key, and a partial one only if the query implies its condition; before version
 * 5 no two may have the same key. scripts/mongodb/plans.test.ts checks it for every query that the driver makes.
 */
export const indexes: { collection: 'messages' | 'contents' | 'unsettled'; index: Index }[] = [
  ...[
    mailboxIndex('user', { ownerDomain: 1, ownerAddress: 1 }),
    mailboxIndex('domain', { ownerDomain: 1 }),
    mailboxIndex('global', {}),
    flaggedIndex('user', { ownerDomain: 1, ownerAddress: 1 }),
    flaggedIndex('domain', { ownerDomain: 1 }),
    flaggedIndex('global', {}),
    // The change feed.
    index(
      'changed_for_user',
      { ownerAddress: 1, view: 1, 'domainPlace.modseq': 1 },
      { 'domainPlace.modseq': isNumber },
    ),
    index(
      'changed_for_domain',
      { ownerDomain: 1, view: 1, 'domainPlace.modseq': 1 },
      { 'domainPlace.modseq': isNumber },
    ),
    index('changed_for_global', { view: 1, 'globalPlace.modseq': 1 }, { 'globalPlace.modseq': isNumber }),
    // What a dead writer left without a number.
    index('unnumbered_domain', { 'domainUnnumbered.revision': 1 }, { 'domainUnnumbered.revision': isNumber }),
    index('unnumbered_global', { 'globalUnnumbered.revision': 1 }, { 'globalUnnumbered.revision': isNumber }),
    // Search, newest first.
    index('digest', { digest: 1, _id: -1 }),
    index('likeness', { likeness: 1, _id: -1 }, { likeness: { $gt: '' } }),
    index('owner_domain', { ownerDomain: 1, _id: -1 }),
    index('owner_address', { ownerAddress: 1, _id: -1 }),
    // Workers and sweeps.
    index('due', { dueAt: 1, ownerDomain: 1 }, { dueAt: isNumber }),
    index('leased', { leasedUntil: 1 }, { leasedUntil: isNumber }),
    index('ordered', { orderedAt: -1, _id: -1 }, { orderedAt: isNumber }),
    index('open_jobs', { hasOpenJobs: 1, orderedAt: -1, _id: -1 }, { hasOpenJobs: true }),
    index('held', { view: 1, ownerDomain: 1, heldSince: 1 }, { held: true }),
    index('ended', { released: 1, endedAt: 1 }, { endedAt: isNumber }),
    index('content_unchecked', { contentUnchecked: 1 }, { contentUnchecked: true }),
    index('forgotten', { forgottenAt: 1 }, { forgottenAt: isNumber }),
  ].map((each) => ({ collection: 'messages' as const, index: each })),
  { collection: 'contents', index: index('unchecked', { lastUsedAt: 1 }, { unchecked: true }) },
  { collection: 'contents', index: index('marked', { markedAt: 1 }, { markedAt: isNumber }) },
  { collection: 'unsettled', index: index('begun', { begunAt: 1 }) },
];
