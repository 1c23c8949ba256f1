// The shape of a folder definition. Every file in folders/ is one definition, data only: who reads them knows what the product does.
// A view shows messages; a drop acts on what is put into it. The words are those of IMAPSIEVE (mailbox, from, cause), except that
// MOVE is kept apart from COPY, because they differ for the source. What the definitions mean is decided in decide.ts.
import type { Verdict } from './job.ts';
import type { View } from './message.ts';
import type { Role } from './scope.ts';

/** A name in the settings (`folders:`) that switches a folder on or off. */
export type FolderSwitch = 'outgoing' | 'training' | 'trash';

interface FolderBase {
  /** The name that mail programs show, decoded (on the wire it is modified UTF-7). */
  mailbox: string;
  /** One sentence for README, web page, log and for people: what it is for. */
  purpose: string;
  switch?: FolderSwitch;
  /** IMAP special-use attribute (RFC 6154). Never \Junk: clients' own junk filters would file reports by themselves. */
  specialUse?: '\\Trash';
}

export interface ViewFolder extends FolderBase {
  kind: 'view';
  shows: View;
  /** Roles whose logins list it. */
  shownTo: readonly Role[];
  /** How the filter classed what is in here; reporting the same verdict again would teach it nothing. */
  classedAs?: Verdict;
  /** The mail in here already reached its recipients, so there is nothing to release. */
  alreadyDelivered?: boolean;
}

/** What a drop does with each message, in order. */
export type FolderEffect =
  | { deliver: 'envelope recipients' }
  | { report: Verdict }
  /** Takes the message out of the login's view; never trains. */
  | { remove: 'from view' };

/**
 * What APPEND may stand for. `held`: only for a message that is in the quarantine, found by its bytes or, where a client wrote it anew,
 * by Message-ID, From, Date and Subject. `any`: also mail from elsewhere, which is reported as it was appended. `none`: refused.
 */
export type AppendRule = 'held' | 'any' | 'none';

export interface DropFolder extends FolderBase {
  kind: 'drop';
  /** Names accepted on input and never listed. */
  aliases?: readonly string[];
  accepts: {
    /** Mailbox names of the views that messages may come from. */
    from: readonly string[];
    append: AppendRule;
  };
  then: readonly FolderEffect[];
}

export type Folder = ViewFolder | DropFolder;

/** Types a definition; it changes nothing. */
export function defineFolder<const F extends Folder>(folder: F): F {
  return folder;
}

export function delivers(drop: DropFolder): boolean {
  return drop.then.some((effect) => 'deliver' in effect);
}

/** What a drop reports; null when it reports nothing. */
export function verdictOf(drop: DropFolder): Verdict | null {
  return drop.then.flatMap((effect) => ('report' in effect ? [effect.report] : []))[0] ?? null;
}
