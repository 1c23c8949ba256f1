// The messages of a mailbox with their flags, in the order of their UIDs: what sequence numbers count. Immutable and shared: a change makes
// a new sequence that has all but a few hundred of its messages in common with the former one, so that each session can keep the one that
// its client knows of. Finding, removing and appending cost the logarithm of its length; a message takes four to eight bytes.
import type { FlaggedMessages, FlagSet } from './flag-set.ts';
import type { MessageLeaf } from './message-leaf.ts';
import { appended, buildTree, MessageBranch, withFlags, without } from './message-tree.ts';
import type { MessageNode } from './message-tree.ts';

/** A part of a leaf: its messages from index `start` up to `end`, of which the first is at `position` in the sequence. */
export interface MessageRun {
  readonly leaf: MessageLeaf;
  readonly start: number;
  readonly end: number;
  readonly position: number;
}

export class MessageSequence {
  static readonly empty = new MessageSequence(null);
  readonly root: MessageNode | null;

  private constructor(root: MessageNode | null) {
    this.root = root;
  }

  /** In linear time. */
  static of(messages: FlaggedMessages): MessageSequence {
    return MessageSequence.empty.#after(buildTree(messages));
  }

  get length(): number {
    return this.root?.count ?? 0;
  }

  /** 0 without messages. */
  get lastUid(): number {
    return this.root?.lastUid ?? 0;
  }

  /** The UID at a position, counted from 0; undefined behind the end. */
  uidAt(position: number): number | undefined {
    const found = this.#leafAt(position);
    return found?.leaf.uids[position - found.start];
  }

  /** How many messages have a lower UID: also the position of the UID, if it is there. */
  countBelow(uid: number): number {
    if (!this.root) return 0;
    const { leaf, start } = leafFor(this.root, uid);
    return start + leaf.countBelow(uid);
  }

  /** Position of a UID, counted from 0; -1 when it is not there. */
  positionOf(uid: number): number {
    if (!this.root) return -1;
    const { leaf, start } = leafFor(this.root, uid);
    const index = leaf.countBelow(uid);
    return leaf.uids[index] === uid ? start + index : -1;
  }

  flagsOf(uid: number): FlagSet | undefined {
    const leaf = this.leafOf(uid);
    const index = leaf?.countBelow(uid) ?? 0;
    return leaf?.uids[index] === uid ? leaf.flagsAt(index) : undefined;
  }

  /** The leaf that has the UID, if any has. */
  leafOf(uid: number): MessageLeaf | undefined {
    return this.root ? leafFor(this.root, uid).leaf : undefined;
  }

  /** The messages from position `start` up to `end`, leaf by leaf. */
  *runs(start = 0, end = this.length): Generator<MessageRun> {
    for (let position = Math.max(start, 0); position < Math.min(end, this.length);) {
      const found = this.#leafAt(position);
      if (!found) return;
      const { leaf, start: leafStart } = found;
      const run = { leaf, start: position - leafStart, end: Math.min(leaf.count, end - leafStart), position };
      yield run;
      position = leafStart + leaf.count;
    }
  }

  /** UIDs of the messages with such flags, ascending. A leaf where nobody has them costs nothing. */
  *where(test: (flags: FlagSet) => boolean): Generator<number> {
    for (const { leaf } of this.runs()) {
      if (!leaf.some(test)) continue;
      for (let i = 0; i < leaf.count; i++) if (test(leaf.flagsAt(i))) yield leaf.uids[i] ?? 0;
    }
  }

  /** With messages whose UIDs are all higher than those that are there. */
  append(messages: FlaggedMessages): MessageSequence {
    return this.#after(appended(this.root, messages));
  }

  /** @param gone ascending; UIDs that are not there are passed over */
  remove(gone: Uint32Array): MessageSequence {
    return this.#after(without(this.root, gone));
  }

  /** With other flags; UIDs that are not there are passed over. */
  setFlags(messages: FlaggedMessages): MessageSequence {
    return this.#after(withFlags(this.root, messages));
  }

  /** The very same sequence when nothing changed. */
  #after(root: MessageNode | null): MessageSequence {
    if (root === this.root) return this;
    return root ? new MessageSequence(root) : MessageSequence.empty;
  }

  #leafAt(position: number): { leaf: MessageLeaf; start: number } | null {
    if (!this.root || position < 0 || position >= this.length) return null;
    let node = this.root;
    let start = 0;
    while (node instanceof MessageBranch) {
      const found = node.childAt(position - start);
      node = found.child;
      start += found.start;
    }
    return { leaf: node, start };
  }
}

/** The leaf that has the UID if any has, and how many messages precede it. */
function leafFor(root: MessageNode, uid: number): { leaf: MessageLeaf; start: number } {
  let node = root;
  let start = 0;
  while (node instanceof MessageBranch) {
    const found = node.childFor(uid);
    node = found.child;
    start += found.start;
  }
  return { leaf: node, start };
}
