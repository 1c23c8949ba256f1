// What the quarantine says to people in their mail programs: the shape that each language fills in, one file for each in src/languages/.
// Mail programs show these sentences as they stand, often with nothing around them, so each is whole, says what happened or why not, and
// what would be accepted. No host names, no internals. Names of folders are never translated. The command line speaks English:
// command-refusals.ts.
import type { DropFolder, Folder, ViewFolder } from './folder.ts';
import type { Role } from './scope.ts';

export interface Sentences {
  /** Language tag (RFC 5646), for the notices' headers. */
  readonly tag: string;
  /**
   * What a folder is for and how it is used, by mailbox name: a sentence or two that can stand alone. A folder that is not named here is
   * told by its own `purpose`.
   */
  readonly folders: Readonly<Record<string, string>>;
  readonly refusals: Refusals;
  readonly sessions: SessionSentences;
  /** What a drop did, for the tagged OK. */
  dropped(drop: DropFolder, tally: DropTally): string;
  /** UIDs that are all gone: nothing was done, and that is no fault. */
  readonly noMessages: string;
  /** What it is: the name that notices come from, and that mail programs give to the account. */
  readonly sender: string;
  /** What a configuration profile adds to a telephone or computer, for whoever is asked to install it. */
  profile(address: string): string;
  failureNotice(facts: FailureFacts): { subject: string; lines: string[] };
  readonly helpNotice: {
    readonly subject: string;
    /** Leads to the list of folders. `login` is the name of the account. */
    opening(login: string): string;
    /** Paragraphs. `drops` are the login's folders that look empty. */
    closing(drops: readonly string[]): string[];
  };
}

/** Each is about one message or about many: what it says of "messages" holds for the one that was dragged, too. */
export interface Refusals {
  wrongSource(drop: DropFolder, source: ViewFolder): string;
  notice(): string;
  /** Something was dragged into a view; `drops` are the folders that take it. */
  view(view: ViewFolder, drops: readonly string[]): string;
  noWayBack(drop: DropFolder): string;
  /** `allowed`: roles that may release the category. */
  category(category: string, allowed: readonly Role[]): string;
  outgoing(allowed: readonly Role[]): string;
  noSuchFolder(): string;
  /** There is such a folder, but the settings switch it off. */
  switchedOff(folder: Folder): string;
  fixedFolders(): string;
  exists(): string;
  notHeld(drop: DropFolder): string;
  noLongerHeld(): string;
  severalMeant(drop: DropFolder): string;
  appendNotAccepted(drop: DropFolder): string;
  emptyAppend(): string;
  tooBig(maxBytes: number): string;
  dropNotReadable(drop: DropFolder): string;
  tooManyFlags(max: number): string;
  tooManyCopied(max: number): string;
  readOnly(): string;
  /** A search that cannot be answered within its limits. */
  searchTooLong(): string;
  /**
   * After what was done (`done`, a sentence of `dropped`): why the rest, `refused` of them, stayed. Every reason with how many messages it
   * stands for.
   */
  someRefused(done: string, refused: number, reasons: ReadonlyMap<string, number>): string;
  /** Of `total` messages none was taken; `refused` could not be, and so the others were left alone as well. */
  noneDone(total: number, refused: number, reasons: ReadonlyMap<string, number>): string;
}

/** Logging in, and why the server ends a connection. Mail programs show few of these, but then in place of everything else. */
export interface SessionSentences {
  /** The name or the password: which of them, nobody is told. */
  readonly wrongPassword: string;
  /** `waitSeconds` is at least 1. */
  tooManyWrongPasswords(waitSeconds: number): string;
  readonly passwordsCannotBeChecked: string;
  readonly tooManyConnections: string;
  readonly passwordInClear: string;
  readonly endings: {
    readonly wrongPasswords: string;
    readonly loginTooSlow: string;
    readonly silence: string;
    /** The process is told to stop. */
    readonly stopping: string;
    /** UIDVALIDITY rose. */
    readonly renumbered: string;
    /** The login's mail was hidden until now. */
    readonly switchedOn: string;
  };
}

/** What a drop did. */
export interface DropTally {
  /** Messages that took part. */
  total: number;
  deliveries: number;
  reports: number;
  /** Messages that left the login's view without a delivery or a report being part of the folder's purpose. */
  deleted: number;
  /** Orders that had been given before, or that teach nothing. */
  nothing: number;
}

/** A release that failed. All texts are one line each, safe to be shown; '' and null are told as missing. */
export interface FailureFacts {
  /** The message's own. */
  subject: string;
  sender: string;
  refused: readonly { address: string; reply: string | null }[];
  accepted: readonly string[];
  messageId: string;
}

/** `50 MB`, `64 kB`: no more than there is. */
export function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.floor(bytes / 1_000)} kB` : `${Math.floor(bytes / 1_000_000)} MB`;
}

/** What the folder is for, in this language. */
export function purposeOf({ folders }: Pick<Sentences, 'folders'>, folder: Folder): string {
  return Object.hasOwn(folders, folder.mailbox) ? (folders[folder.mailbox] ?? folder.purpose) : folder.purpose;
}
