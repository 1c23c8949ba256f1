// One quarantined mail for one envelope recipient (outgoing: one mail with all its recipients), with everything that is known and
// ordered about it. The document is the unit of writing: whatever an action changes, it changes here, once.
import { jobsEndedAt, lastLeaseEnd, nextClaimAt } from './job.ts';
import type { Delivery, Report } from './job.ts';
import type { Evidence } from './reading/evidence.ts';
import type { Role, Scope } from './scope.ts';

/**
 * Which view holds a message for its whole life. `reports` is shown nowhere: it keeps bytes that a person appended to Spam or Not Spam
 * and that stand for no held message.
 */
export type View = 'caught' | 'outgoing' | 'training' | 'notices' | 'reports';

/** RFC 5321 envelope, exactly as received. `sender: ''` is the null reverse-path `<>`. */
export interface Envelope {
  sender: string;
  recipients: string[];
}

/**
 * Whose login sees the message. `address` is '' when only a domain's (or only the global) login owns it; `domain` is '' when only
 * `global` does. Canonical. Who sees, never where a release goes.
 */
export interface Owner {
  domain: string;
  address: string;
}

/** As whose a message is kept that is for this login alone. */
export function ownerOfLogin(scope: Scope): Owner {
  return {
    domain: scope.role === 'global' ? '' : scope.domain,
    address: scope.role === 'user' ? scope.address : '',
  };
}

/** Keywords that tell the story in the mail program; set by us alone, seen by every login that sees the message. */
export type Mark = '$Released' | '$Reported' | '$ReleaseFailed';

export interface Removal {
  at: number;
  why: 'released' | 'reported' | 'deleted' | 'expired';
  /** Login name, `cli` or `retention`. */
  by: string;
}

export interface Message {
  /** Ours: sorts by arrival, safe in file names and headers. */
  id: string;
  /** Raised by the storage with each commit; a commit names the one it was based on. 0 before the first. */
  revision: number;
  /** SHA-256 of the content, hex. */
  digest: string;
  sizeBytes: number;
  view: View;
  owner: Owner;
  envelope: Envelope;
  receivedAt: number;
  internalDate: number;
  /** The header's Message-ID, From, Date and Subject in one comparable line; APPEND of a re-written copy is matched by it. */
  likeness: string;
  category: string;
  evidence: Evidence | null;
  /** Number of the current holding, from 1; raised when the message comes back. */
  holding: number;
  /** Begin of the current holding: retention counts from here, never from INTERNALDATE. */
  heldSince: number;
  /** Roles whose mailbox shows the message now. Empty when removed. */
  visibleTo: Role[];
  removed: Removal | null;
  /** True once the content may be purged: the message is then a tombstone for feed, audit and APPEND. */
  contentReleased: boolean;
  /** Flags set by clients, per role: an administrator who reads does not mark the user's mail as read. */
  flags: Record<Role, string[]>;
  marks: Mark[];
  delivery: Delivery | null;
  report: Report | null;
}

/** Roles that see a message of this view and owner when its holding begins. */
export function audience(view: View, owner: Owner): Role[] {
  if (view === 'reports') return [];
  // A notice belongs to one login alone.
  if (view === 'notices') return [owner.address ? 'user' : owner.domain ? 'domain' : 'global'];
  const seers: Role[] = ['global'];
  if (owner.domain) seers.push('domain');
  if (owner.address && view !== 'outgoing') seers.push('user');
  return seers;
}

/** What every message begins with: its first holding, seen by everybody entitled, nothing ordered yet. */
export function firstHolding(view: View, owner: Owner, now: number) {
  return {
    view,
    owner,
    receivedAt: now,
    holding: 1,
    heldSince: now,
    visibleTo: audience(view, owner),
    removed: null,
    contentReleased: false,
    flags: { global: [], domain: [], user: [] },
    marks: [],
    delivery: null,
    report: null,
  } satisfies Partial<Message>;
}

/** Whether the message belongs to the scope at all, shown or not. Drivers put the same test into their queries. */
export function isWithin(scope: Scope, owner: Owner, view: View): boolean {
  switch (scope.role) {
    case 'global':
      return view !== 'notices' || !owner.domain;
    case 'domain':
      return owner.domain === scope.domain && (view !== 'notices' || !owner.address);
    case 'user':
      return owner.address === scope.address && view !== 'outgoing';
  }
}

/** What a driver indexes beside the document; always derived, never set by hand. */
export interface Derived {
  /** Earliest moment at which a worker may claim one of the jobs; null also when all that are due are parked. */
  dueAt: number | null;
  /** One of the jobs has not ended: it is due, deferred, leased or parked. */
  hasOpenJobs: boolean;
  /** End of the longest lease on a job that is due: somebody is working on it until then. Null without a lease. */
  leasedUntil: number | null;
  /** The message left its view and its last job ended: undo and history count from here. Null while held or while a job is due. */
  endedAt: number | null;
}

export function derive(message: Message): Derived {
  const jobsEnded = jobsEndedAt(message.delivery, message.report);
  return {
    dueAt: nextClaimAt(message.delivery, message.report),
    hasOpenJobs: jobsEnded === null,
    leasedUntil: lastLeaseEnd(message.delivery, message.report),
    endedAt: message.removed && jobsEnded !== null ? Math.max(message.removed.at, jobsEnded) : null,
  };
}

/**
 * What a commit means to open sessions: `arrives` takes new UIDs in the sequences of those who see it, `changes` takes a modseq only,
 * `silent` (a lease, an attempt) takes neither.
 */
export type Effect = 'arrives' | 'changes' | 'silent';

export function effectOf(before: Message, after: Message): Effect {
  if (after.holding !== before.holding) return 'arrives';
  const seen = (message: Message): string => JSON.stringify([message.visibleTo, message.flags, message.marks]);
  return seen(before) === seen(after) ? 'silent' : 'changes';
}
