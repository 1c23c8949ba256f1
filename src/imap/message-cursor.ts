// Goes through a message sequence along ascending UIDs: where a search from the top for each of them costs as much as everything else that a
// list does with a message, the next one is mostly a step away. Called by fetch-list.ts.
import type { FlagSet } from './flag-set.ts';
import type { MessageLeaf } from './message-leaf.ts';
import type { MessageSequence } from './message-sequence.ts';

export class MessageCursor {
  readonly #messages: MessageSequence;
  #leaf: MessageLeaf | undefined;
  /** Sequence number of the leaf's first message. */
  #first = 0;
  #index = 0;

  constructor(messages: MessageSequence) {
    this.#messages = messages;
  }

  /** Goes to a UID, higher than those before; false when the sequence does not have it. */
  moveTo(uid: number): boolean {
    if (!this.#leaf || this.#leaf.lastUid < uid) this.#enterLeaf(uid);
    const { uids } = this.#leaf ?? { uids: [] };
    while ((uids[this.#index] ?? Infinity) < uid) this.#index++;
    return uids[this.#index] === uid;
  }

  /** Sequence number of the message that `moveTo` found. */
  get number(): number {
    return this.#first + this.#index;
  }

  /** Its flags as the sequence has them. */
  get flags(): FlagSet | undefined {
    return this.#leaf?.flagsAt(this.#index);
  }

  #enterLeaf(uid: number): void {
    this.#leaf = this.#messages.leafOf(uid);
    this.#index = this.#leaf?.countBelow(uid) ?? 0;
    this.#first = this.#messages.countBelow(uid) - this.#index + 1;
  }
}
