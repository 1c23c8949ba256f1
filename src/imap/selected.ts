// The mailbox that one connection has open: the version of it that its client knows, and what the client was told beyond that. The only
// place that sends EXISTS, EXPUNGE and unasked FETCH: what is different between that version and the mailbox as it is (live-mailbox.ts).
// Nobody pushes into it, so that a change can be neither lost nor told twice, whichever process made it.
import type { Folder } from '../quarantine/folder.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { expunge } from '../quarantine/flags.ts';
import type { Scope } from '../quarantine/scope.ts';
import type { ImapConnection, SelectedMailbox } from './command.ts';
import type { CommitWatch } from './commit-watch.ts';
import type { LiveMailbox } from './live-mailbox.ts';
import { newsBetween } from './mailbox-news.ts';
import { MessageSequence } from './message-sequence.ts';

export interface OpenMailboxOptions {
  quarantine: Quarantine;
  commits: CommitWatch;
  scope: Scope;
  folder: Folder;
  readOnly: boolean;
  /** Null for a drop, which is always empty. */
  live: LiveMailbox | null;
  /** What the answer to SELECT has counted. */
  messages: MessageSequence;
  /** The quarantine is switched off for this login, so that the mailbox looks empty. */
  isHidden: boolean;
  /** Called once, when the mailbox is left. */
  onClose(): void;
}

export class OpenMailbox implements SelectedMailbox {
  readonly folder: Folder;
  readonly scope: Scope;
  readonly readOnly: boolean;
  readonly #quarantine: Quarantine;
  readonly #commits: CommitWatch;
  readonly #live: LiveMailbox | null;
  readonly #onClose: () => void;
  #messages: MessageSequence;
  #isHidden: boolean;
  /** By UID flags that this client was told by an answer, where its version has others (null: it may have any); made when there are any. */
  #told: Map<number, string | null> | null = null;
  #stopWatching = (): void => undefined;
  #isWatched = false;
  /** Something was told with the answer to something else: IDLE reminds of it once. */
  #wasToldInPassing = false;

  constructor(options: OpenMailboxOptions) {
    this.folder = options.folder;
    this.scope = options.scope;
    this.readOnly = options.readOnly;
    this.#quarantine = options.quarantine;
    this.#commits = options.commits;
    this.#live = options.live;
    this.#onClose = options.onClose;
    this.#messages = options.messages;
    this.#isHidden = options.isHidden;
  }

  /** What this client's sequence numbers count, until the next announcement. */
  get messages(): MessageSequence {
    return this.#messages;
  }

  /** By answers the client was told of other flags than its version of the mailbox has. */
  get wasToldMore(): boolean {
    return this.#told !== null;
  }

  /** The sequence number of a UID; 0 when the client does not know it. */
  sequenceNumber(uid: number): number {
    return this.#messages.positionOf(uid) + 1;
  }

  /** The mailbox with everything that was committed before the call; empty while the quarantine is switched off. */
  async refreshed(): Promise<MessageSequence> {
    await this.#live?.refresh();
    return this.#messagesNow();
  }

  /** UIDs that the client knows and that carry \Deleted now, ascending. */
  async deleted(): Promise<number[]> {
    const now = await this.refreshed();
    return [...now.where(({ isDeleted }) => isDeleted)].filter((uid) => this.#messages.positionOf(uid) >= 0);
  }

  /** Remembers flags that an answer has just told, as it wrote them, so that nothing but what is different from them is announced. */
  noteTold(uid: number, text: string): void {
    if (this.#messages.flagsOf(uid)?.text === text) this.#told?.delete(uid);
    else this.#noteTold(uid, text);
  }

  /** The flags that the client was told last; null when it can not know them. */
  knownFlags(uid: number): string[] | null {
    const told = this.#told?.get(uid);
    const text = told === undefined ? this.#messages.flagsOf(uid)?.text : told;
    return text?.slice(1, -1).split(' ').filter(Boolean) ?? null;
  }

  /** The client can not know which flags the message has: they are announced in any case. */
  noteUnsure(uid: number): void {
    this.#noteTold(uid, null);
  }

  async announce(connection: ImapConnection, inPassing = false): Promise<void> {
    if (!this.#live) return;
    await this.#live.refresh();
    if (this.#live.isRenumbered) {
      connection.bye(this.#quarantine.sentences.sessions.endings.renumbered);
      return;
    }
    const isSeen = this.#quarantine.domains.isSeenBy(this.scope);
    if (isSeen && this.#isHidden) {
      // RFC 9051 section 2.3.1.1: what was there before cannot appear below UIDNEXT, nor again after its EXPUNGE.
      connection.bye(this.#quarantine.sentences.sessions.endings.switchedOn);
      return;
    }
    this.#isHidden = !isSeen;
    const now = this.#messagesNow();
    let news = this.#newsOf(now);
    // RFC 9051 section 7: a client has to note whatever it is told at any time; but Thunderbird shows nothing of what comes with the
    // answer to its UID FETCH or UID STORE, and goes into IDLE, where any line makes it look. The same number said twice harms nobody.
    if (this.#isWatched && this.#wasToldInPassing) news ||= `* ${now.length} EXISTS\r\n`;
    this.#wasToldInPassing = !this.#isWatched && (this.#wasToldInPassing || (inPassing && news !== ''));
    this.#messages = now;
    this.#told = null;
    if (news) await connection.write(news);
  }

  #noteTold(uid: number, text: string | null): void {
    this.#told ??= new Map();
    this.#told.set(uid, text);
  }

  #messagesNow(): MessageSequence {
    const isSeen = this.#quarantine.domains.isSeenBy(this.scope);
    return this.#live && isSeen ? this.#live.messages : MessageSequence.empty;
  }

  #newsOf(now: MessageSequence): string {
    const isShared = this.#live?.messages === now && !this.#told;
    return isShared ? this.#live.newsSince(this.#messages) : newsBetween(this.#messages, now, this.#told ?? new Map());
  }

  watch(wake: () => void): () => void {
    if (!this.#live) return () => undefined;
    this.#stopWatching();
    const stopCommits = this.#commits.watch(this.scope, wake);
    // Whether the login sees anything at all is known only when the domains have been read again.
    const stopDomains = this.#quarantine.domains.watch(wake);
    this.#isWatched = true;
    this.#stopWatching = () => {
      this.#isWatched = false;
      stopCommits();
      stopDomains();
    };
    return this.#stopWatching;
  }

  async expungeSilently(): Promise<void> {
    if (this.readOnly || this.folder.kind === 'drop') return;
    await expunge(this.#quarantine, { scope: this.scope, view: this.folder.shows, uids: await this.deleted() });
  }

  close(): void {
    this.#stopWatching();
    this.#messages = MessageSequence.empty;
    this.#onClose();
  }
}
