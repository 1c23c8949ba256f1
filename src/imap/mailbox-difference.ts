// What is different between the mailbox as a client knows it and as it is now. Costs what changed, not what is there: nodes that both
// have in common are passed over without a look. Pure; mailbox-news.ts puts it into words.
import type { FlagSet } from './flag-set.ts';
import { MessageBranch } from './message-tree.ts';
import type { MessageNode } from './message-tree.ts';
import { MessageLeaf } from './message-leaf.ts';
import type { MessageSequence } from './message-sequence.ts';

export interface ChangedMessage {
  /** Now. */
  readonly position: number;
  readonly uid: number;
  readonly flags: FlagSet;
}

export interface MailboxDifference {
  /** Positions before, ascending, of messages that are not there now. */
  readonly gone: readonly number[];
  /** Messages that were there and have other flags, ascending. */
  readonly changed: readonly ChangedMessage[];
  /** How many messages are there now, at the end, that were not. */
  readonly arrived: number;
}

/** @param now what became of `before`: messages came with higher UIDs, went, and changed their flags */
export function differenceBetween(before: MessageSequence, now: MessageSequence): MailboxDifference {
  const gone: number[] = [];
  const changed: ChangedMessage[] = [];
  const a = new NodeCursor(before.root);
  const b = new NodeCursor(now.root);
  while (a.node && b.node) {
    if (a.node === b.node && a.isWhole && b.isWhole) {
      a.skip();
      b.skip();
    } else if (a.node instanceof MessageBranch && a.node.height >= b.node.height) a.descend();
    else if (b.node instanceof MessageBranch) b.descend();
    else compareLeaves(a, b, gone, changed);
  }
  for (; a.node; a.skip()) for (let i = a.position; i < a.end; i++) gone.push(i);
  return { gone, changed, arrived: now.length - (before.length - gone.length) };
}

/** From where both stand to the end of one of them. */
function compareLeaves(a: NodeCursor, b: NodeCursor, gone: number[], changed: ChangedMessage[]): void {
  const [was, is] = [a.node, b.node];
  if (!(was instanceof MessageLeaf && is instanceof MessageLeaf)) return;
  while (a.index < was.count && b.index < is.count) {
    const [uidBefore = 0, uidNow = 0] = [was.uids[a.index], is.uids[b.index]];
    const flags = is.flagsAt(b.index);
    if (uidBefore < uidNow) gone.push(a.position);
    else if (!was.flagsAt(a.index).equals(flags)) changed.push({ position: b.position, uid: uidNow, flags });
    a.index++;
    if (uidBefore === uidNow) b.index++;
  }
  if (a.index === was.count) a.skip();
  if (b.index === is.count) b.skip();
}

/** Walks a tree from left to right, as deep as it is told to. */
class NodeCursor {
  /** Where it stands; null at the end. */
  node: MessageNode | null;
  /** In a leaf: the message that is next. */
  index = 0;
  #start = 0;
  /** Siblings that follow, those of the deepest node last; the next one of each list is its last. */
  readonly #rest: MessageNode[][] = [];

  constructor(root: MessageNode | null) {
    this.node = root;
  }

  /** Nothing of the node was passed yet. */
  get isWhole(): boolean {
    return this.index === 0;
  }

  /** In the whole sequence. */
  get position(): number {
    return this.#start + this.index;
  }

  /** The position behind the node. */
  get end(): number {
    return this.#start + (this.node?.count ?? 0);
  }

  descend(): void {
    if (!(this.node instanceof MessageBranch)) return;
    const [first, ...others] = this.node.children;
    this.#rest.push(others.reverse());
    this.node = first ?? null;
  }

  skip(): void {
    this.#start += this.node?.count ?? 0;
    this.index = 0;
    this.node = null;
    while (!this.node && this.#rest.length) {
      this.node = this.#rest.at(-1)?.pop() ?? null;
      if (!this.node) this.#rest.pop();
    }
  }
}
