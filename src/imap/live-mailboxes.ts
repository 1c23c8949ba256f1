// The mailboxes that sessions of this process have open, one for all sessions of the same login and folder, and some that were open a
// moment ago: mail programs go from folder to folder and back. Called by SELECT.
import type { ScopedStorage } from '../quarantine/ports.ts';
import { loginName } from '../quarantine/scope.ts';
import { LiveMailbox } from './live-mailbox.ts';
import type { MailboxAddress } from './live-mailbox.ts';

/** Messages in all mailboxes together that are kept although nobody has them open: at eight bytes each, 16 MB. */
const keptMessages = 2_000_000;
/** And mailboxes, for what each costs besides. */
const keptMailboxes = 1000;
/** Bringing one up to date that was left alone for long may cost more than reading it anew. */
const keptMs = 5 * 60_000;

interface Kept {
  mailbox: LiveMailbox;
  leftAt: number;
  /** When it was left: a session that went away may have a refresh under way that changes it yet. */
  messages: number;
}

interface Entry {
  opening: Promise<LiveMailbox>;
  /** Null until it is there. */
  mailbox: LiveMailbox | null;
  sessions: number;
}

export class LiveMailboxes {
  readonly #storage: Pick<ScopedStorage, 'openMailbox' | 'changesSince'>;
  readonly #now: () => number;
  readonly #inUse = new Map<string, Entry>();
  /** In the order in which they were left. */
  readonly #kept = new Map<string, Kept>();
  #messagesKept = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(storage: Pick<ScopedStorage, 'openMailbox' | 'changesSince'>, now = () => performance.now()) {
    this.#storage = storage;
    this.#now = now;
  }

  /** The mailbox with everything that was committed before the call. Every successful call is followed by one of `leave`. */
  async enter(address: MailboxAddress): Promise<LiveMailbox> {
    const key = keyOf(address);
    for (;;) {
      const shared = this.#inUse.get(key) ?? this.#takeKept(key);
      const entry = shared ?? this.#open(key, address);
      entry.sessions++;
      try {
        const mailbox = await entry.opening;
        // Who found it there cannot know when it was read.
        if (shared) await mailbox.refresh();
        if (!mailbox.isRenumbered) return mailbox;
        // Those who have it open are told with their next announcement; who comes now gets another one.
        if (this.#inUse.get(key) === entry) this.#inUse.delete(key);
      } catch (error) {
        this.#left(key, entry);
        throw error;
      }
    }
  }

  leave(address: MailboxAddress, mailbox: LiveMailbox): void {
    const key = keyOf(address);
    const entry = this.#inUse.get(key);
    if (entry?.mailbox === mailbox) this.#left(key, entry);
  }

  #open(key: string, address: MailboxAddress): Entry {
    const opening = this.#storage
      .openMailbox(address.scope, address.view)
      .then((snapshot) => (entry.mailbox = new LiveMailbox(this.#storage, address, snapshot)));
    const entry: Entry = { opening, mailbox: null, sessions: 0 };
    this.#inUse.set(key, entry);
    return entry;
  }

  #takeKept(key: string): Entry | null {
    const kept = this.#kept.get(key);
    if (!kept) return null;
    this.#drop(key, kept);
    if (this.#now() - kept.leftAt > keptMs) return null;
    const entry: Entry = { opening: Promise.resolve(kept.mailbox), mailbox: kept.mailbox, sessions: 0 };
    this.#inUse.set(key, entry);
    return entry;
  }

  #left(key: string, entry: Entry): void {
    entry.sessions--;
    if (entry.sessions > 0 || this.#inUse.get(key) !== entry) return;
    this.#inUse.delete(key);
    if (entry.mailbox && !entry.mailbox.isRenumbered) this.#keep(key, entry.mailbox);
  }

  #keep(key: string, mailbox: LiveMailbox): void {
    const messages = mailbox.messages.length;
    this.#kept.set(key, { mailbox, leftAt: this.#now(), messages });
    this.#messagesKept += messages;
    for (const [oldest, kept] of this.#kept) {
      if (this.#messagesKept <= keptMessages && this.#kept.size <= keptMailboxes) return;
      this.#drop(oldest, kept);
    }
  }

  #drop(key: string, { messages }: Kept): void {
    this.#kept.delete(key);
    this.#messagesKept -= messages;
  }
}

function keyOf({ scope, view }: MailboxAddress): string {
  return `${view} ${loginName(scope)}`;
}
