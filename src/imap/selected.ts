// The mailbox that one connection has open: the UIDs that its client knows, in the client's numbering, and what changed since. The only
// place that sends EXISTS, EXPUNGE and unasked FETCH. It follows the storage's change feed by modseq; nobody pushes into it, so that
// a change can be neither lost nor told twice, whichever process made it.
import type { Folder } from '../quarantine/folder.ts';
import type { MailboxChanges, MailboxSnapshot } from '../quarantine/ports.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { expunge } from '../quarantine/flags.ts';
import { sequenceKey } from '../quarantine/scope.ts';
import type { Scope } from '../quarantine/scope.ts';
import type { ImapConnection, SelectedMailbox } from './command.ts';
import { formatFlags } from './flags.ts';

export interface OpenMailboxOptions {
  quarantine: Quarantine;
  scope: Scope;
  folder: Folder;
  readOnly: boolean;
  /** Of a view; a drop is always empty. */
  snapshot: Pick<MailboxSnapshot, 'uids' | 'uidValidity' | 'modseq'>;
}

export class OpenMailbox implements SelectedMailbox {
  readonly folder: Folder;
  readonly scope: Scope;
  readonly readOnly: boolean;
  readonly #quarantine: Quarantine;
  readonly #uidValidity: number;
  #uids: number[];
  #modseq: number;
  /** The quarantine is switched off for this login, so that the mailbox looks empty. */
  #isHidden: boolean;
  /** Flags that this client was told as the answer to its own STORE: not told again. */
  readonly #told = new Map<number, string>();
  #stopWatching = (): void => undefined;
  #isWatched = false;
  /** Something was told with the answer to something else: IDLE reminds of it once. */
  #wasToldInPassing = false;

  constructor(options: OpenMailboxOptions) {
    this.folder = options.folder;
    this.scope = options.scope;
    this.readOnly = options.readOnly;
    this.#quarantine = options.quarantine;
    this.#uidValidity = options.snapshot.uidValidity;
    this.#uids = [...options.snapshot.uids];
    this.#modseq = options.snapshot.modseq;
    this.#isHidden = !options.quarantine.domains.isSeenBy(options.scope);
  }

  /** Ascending; the message at index i has sequence number i + 1 for this client, until the next announcement. */
  get uids(): readonly number[] {
    return this.#uids;
  }

  /** The sequence number of a UID; 0 when the client does not know it. */
  sequenceNumber(uid: number): number {
    const index = indexOf(this.#uids, uid);
    return index < 0 ? 0 : index + 1;
  }

  /** UIDs whose flags others have changed since the last announcement. */
  async changedByOthers(): Promise<ReadonlySet<number>> {
    if (this.folder.kind === 'drop') return new Set();
    const { shown } = await this.#quarantine.storage.changesSince(this.scope, this.folder.shows, this.#modseq);
    return new Set(shown.filter(({ uid, flags }) => this.#told.get(uid) !== formatFlags(flags)).map(({ uid }) => uid));
  }

  /** Remembers flags that an answer has just told, so that the feed does not repeat them. */
  noteTold(uid: number, flags: readonly string[]): void {
    this.#told.set(uid, formatFlags(flags));
  }

  async announce(connection: ImapConnection, inPassing = false): Promise<void> {
    if (this.folder.kind === 'drop') return;
    const { storage, domains } = this.#quarantine;
    const changes = await storage.changesSince(this.scope, this.folder.shows, this.#modseq);
    if (changes.uidValidity !== this.#uidValidity) {
      connection.bye('The messages of this folder were numbered anew. Please connect again.');
      return;
    }
    const isSeen = domains.isSeenBy(this.scope);
    if (isSeen && this.#isHidden) {
      // RFC 9051 section 2.3.1.1: what was there before cannot appear below UIDNEXT, nor again after its EXPUNGE.
      connection.bye('The quarantine was switched on. Please connect again.');
      return;
    }
    this.#isHidden = !isSeen;
    const gone = isSeen ? changes.gone : this.#uids;
    const lines = gone.length ? this.#removeGone(new Set(gone)) : [];
    if (isSeen) lines.push(...this.#addShown(changes));
    // RFC 9051 section 7: a client has to note whatever it is told at any time; but Thunderbird shows nothing of what comes with the
    // answer to its UID FETCH or UID STORE, and goes into IDLE, where any line makes it look. The same number said twice harms nobody.
    if (this.#isWatched && this.#wasToldInPassing && !lines.length) lines.push(`* ${this.#uids.length} EXISTS\r\n`);
    this.#wasToldInPassing = !this.#isWatched && (this.#wasToldInPassing || (inPassing && lines.length > 0));
    if (lines.length) await connection.write(lines.join(''));
    this.#modseq = changes.modseq;
    this.#told.clear();
  }

  // RFC 9051 section 7.5.1: each EXPUNGE renumbers what follows, so the highest goes first and no number needs correcting.
  #removeGone(gone: ReadonlySet<number>): string[] {
    const lines: string[] = [];
    for (let index = this.#uids.length - 1; index >= 0; index--) {
      if (gone.has(this.#uids[index] ?? 0)) lines.push(`* ${index + 1} EXPUNGE\r\n`);
    }
    if (lines.length) this.#uids = this.#uids.filter((uid) => !gone.has(uid));
    return lines;
  }

  #addShown(changes: MailboxChanges): string[] {
    const highest = this.#uids.at(-1) ?? 0;
    const arrived = changes.shown.filter(({ uid }) => uid > highest);
    const lines: string[] = [];
    if (arrived.length) {
      for (const { uid } of arrived) this.#uids.push(uid);
      lines.push(`* ${this.#uids.length} EXISTS\r\n`);
    }
    for (const { uid, flags } of changes.shown) {
      const number = uid > highest ? 0 : this.sequenceNumber(uid);
      const text = formatFlags(flags);
      if (number && this.#told.get(uid) !== text) lines.push(`* ${number} FETCH (UID ${uid} FLAGS ${text})\r\n`);
    }
    return lines;
  }

  watch(wake: () => void): () => void {
    if (this.folder.kind === 'drop') return () => undefined;
    this.#stopWatching();
    const key = sequenceKey(this.scope);
    const { storage, domains } = this.#quarantine;
    const stopStorage = storage.watch((keys) => {
      if (keys === 'all' || keys.has(key)) wake();
    });
    // Whether the login sees anything at all is known only when the domains have been read again.
    const stopDomains = domains.watch(wake);
    this.#isWatched = true;
    this.#stopWatching = () => {
      this.#isWatched = false;
      stopStorage();
      stopDomains();
    };
    return this.#stopWatching;
  }

  async expungeSilently(): Promise<void> {
    if (this.readOnly || this.folder.kind === 'drop') return;
    await expunge(this.#quarantine, { scope: this.scope, view: this.folder.shows, uids: this.#uids });
  }

  close(): void {
    this.#stopWatching();
    this.#uids = [];
  }
}

function indexOf(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = ascending[middle] ?? 0;
    if (found === value) return middle;
    if (found < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
