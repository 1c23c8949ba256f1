// One mailbox as it is now, for all sessions of this process that have it open. Follows the storage's change feed by modseq, once for all
// of them: who wants to know asks it to refresh, and those who ask together share one answer. Its messages are immutable, so that a session
// keeps the version that its client knows of, at the cost of what is different. Made by live-mailboxes.ts, read by selected.ts.
import type { MailboxChanges, MailboxSnapshot, MailboxState, ScopedStorage } from '../quarantine/ports.ts';
import type { View } from '../quarantine/message.ts';
import type { Scope } from '../quarantine/scope.ts';
import { flaggedMessages } from './flag-set.ts';
import type { FlaggedMessages } from './flag-set.ts';
import { newsBetween } from './mailbox-news.ts';
import { countBelow } from './message-leaf.ts';
import { MessageSequence } from './message-sequence.ts';

export interface MailboxAddress {
  scope: Scope;
  view: View;
}

export class LiveMailbox {
  readonly #storage: Pick<ScopedStorage, 'changesSince'>;
  readonly #address: MailboxAddress;
  #messages: MessageSequence;
  #state: MailboxState;
  /** Nothing may appear up to this UID: some session may have seen what is above. */
  #highestUid: number;
  #isRenumbered = false;
  #reading: Promise<void> = Promise.resolve();
  /** The reading that has not begun yet. */
  #next: Promise<void> | null = null;
  #lastNews: { before: MessageSequence; now: MessageSequence; text: string } | null = null;

  constructor(
    storage: Pick<ScopedStorage, 'changesSince'>,
    address: MailboxAddress,
    { uids, flags, flagSets, ...state }: MailboxSnapshot,
  ) {
    this.#storage = storage;
    this.#address = address;
    this.#messages = MessageSequence.of(flaggedMessages({ uids, flags, flagSets }));
    this.#state = state;
    this.#highestUid = this.#messages.lastUid;
  }

  get messages(): MessageSequence {
    return this.#messages;
  }

  /** As of the last refresh. */
  get state(): MailboxState {
    return this.#state;
  }

  /** Its UIDs mean nothing any more: UIDVALIDITY has changed. It stays as it was. */
  get isRenumbered(): boolean {
    return this.#isRenumbered;
  }

  /** When it resolves, `messages` has everything that any process had committed before the call. */
  refresh(): Promise<void> {
    // One that is under way may have read too early. The next begins after it, and not before everybody who is called in the same moment
    // could ask: a commit wakes all sessions in IDLE at once.
    this.#next ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        this.#reading = this.#read();
        return this.#reading;
      });
    return this.#next;
  }

  /** For a client that knows exactly this version. Sessions that know the same one ask for the same, one after the other. */
  newsSince(before: MessageSequence): string {
    const now = this.#messages;
    if (this.#lastNews?.before !== before || this.#lastNews.now !== now)
      this.#lastNews = { before, now, text: newsBetween(before, now, new Map()) };
    return this.#lastNews.text;
  }

  async #read(): Promise<void> {
    if (this.#isRenumbered) return;
    const { scope, view } = this.#address;
    const changes = await this.#storage.changesSince(scope, view, this.#state.modseq);
    if (changes.uidValidity === this.#state.uidValidity) this.#apply(changes);
    else this.#isRenumbered = true;
  }

  #apply({ shown, gone, ...state }: MailboxChanges): void {
    const messages = flaggedMessages(shown);
    // What is told again is there already, or has gone for good.
    const known = countBelow(messages.uids, this.#highestUid + 1);
    this.#messages = this.#messages
      .remove(gone)
      .setFlags(partOf(messages, 0, known))
      .append(partOf(messages, known, messages.uids.length));
    this.#highestUid = Math.max(this.#highestUid, messages.uids.at(-1) ?? 0);
    this.#state = state;
  }
}

function partOf({ uids, flags, flagSets }: FlaggedMessages, start: number, end: number): FlaggedMessages {
  return { uids: uids.subarray(start, end), flags: flags.subarray(start, end), flagSets };
}
