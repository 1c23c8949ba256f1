// The tree of a message sequence: leaves of some hundred messages under branches that count them. Immutable: what changes is copied, leaf
// and branches above it, and everything else is shared with what was before. Messages come at the end only and leave anywhere, so nothing
// is ever inserted and all leaves stay at the same depth. Used by message-sequence.ts and mailbox-difference.ts.
import type { FlaggedMessages } from './flag-set.ts';
import { countBelow, leafSize, MessageLeaf } from './message-leaf.ts';

const branchSize = 64;

export type MessageNode = MessageLeaf | MessageBranch;

export class MessageBranch {
  /** 1 above leaves. */
  readonly height: number;
  /** Of messages. */
  readonly count: number;
  readonly lastUid: number;
  readonly children: readonly MessageNode[];
  /** How many messages precede each child. */
  readonly #starts: readonly number[];

  /** @param children at least one, all of the same height, ascending */
  constructor(children: readonly MessageNode[]) {
    let count = 0;
    this.#starts = children.map((child) => (count += child.count) - child.count);
    this.children = children;
    this.count = count;
    this.height = (children[0]?.height ?? 0) + 1;
    this.lastUid = children.at(-1)?.lastUid ?? 0;
  }

  /** The child that has the message at a position below `count`, and how many messages precede the child. */
  childAt(position: number): { child: MessageNode; start: number } {
    let low = 0;
    let high = this.children.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return this.#child(low);
  }

  /** The first child that reaches up to the UID, or the last one, and how many messages precede the child. */
  childFor(uid: number): { child: MessageNode; start: number } {
    let low = 0;
    let high = this.children.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.children[middle]?.lastUid ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    return this.#child(low);
  }

  #child(index: number): { child: MessageNode; start: number } {
    const child = this.children[index];
    if (!child) throw new Error('a branch without children');
    return { child, start: this.#starts[index] ?? 0 };
  }
}

/** In linear time; null without messages. */
export function buildTree(messages: FlaggedMessages): MessageNode | null {
  return underOneRoot(leavesOf(messages, 0));
}

/** All UIDs are higher than those of the tree. */
export function appended(root: MessageNode | null, messages: FlaggedMessages): MessageNode | null {
  if (!root) return buildTree(messages);
  return messages.uids.length ? underOneRoot(appendedTo(root, messages)) : root;
}

/** @param gone ascending; UIDs that are not there are passed over */
export function without(root: MessageNode | null, gone: Uint32Array): MessageNode | null {
  let left = root && withoutIn(root, gone, 0, gone.length);
  while (left instanceof MessageBranch && left.children.length === 1) left = left.children[0] ?? null;
  return left;
}

/** UIDs that are not there are passed over. */
export function withFlags(root: MessageNode | null, messages: FlaggedMessages): MessageNode | null {
  return root && withFlagsIn(root, messages, 0, messages.uids.length);
}

function leavesOf(messages: FlaggedMessages, from: number): MessageLeaf[] {
  const leaves: MessageLeaf[] = [];
  const { length } = messages.uids;
  for (let start = from; start < length; start += leafSize)
    leaves.push(MessageLeaf.of(messages, start, Math.min(start + leafSize, length)));
  return leaves;
}

function underOneRoot(nodes: readonly MessageNode[]): MessageNode | null {
  let level = nodes;
  while (level.length > 1) level = branchesOver(level);
  return level[0] ?? null;
}

function branchesOver(nodes: readonly MessageNode[]): MessageBranch[] {
  const branches: MessageBranch[] = [];
  for (let start = 0; start < nodes.length; start += branchSize)
    branches.push(new MessageBranch(nodes.slice(start, start + branchSize)));
  return branches;
}

/** Nodes of the same height in the place of `node`. */
function appendedTo(node: MessageNode, messages: FlaggedMessages): MessageNode[] {
  if (node instanceof MessageLeaf) {
    const room = Math.min(leafSize - node.count, messages.uids.length);
    const filled = room ? node.followedBy(MessageLeaf.of(messages, 0, room)) : node;
    return [filled, ...leavesOf(messages, room)];
  }
  const last = node.children.at(-1);
  return branchesOver([...node.children.slice(0, -1), ...(last ? appendedTo(last, messages) : [])]);
}

function withoutIn(node: MessageNode, gone: Uint32Array, start: number, end: number): MessageNode | null {
  if (node instanceof MessageLeaf) return node.without(gone, start, end);
  const children = eachChild(node, gone, start, end, (child, from, to) => withoutIn(child, gone, from, to));
  if (children === node.children) return node;
  return children.length ? new MessageBranch(mergeSmall(children)) : null;
}

function withFlagsIn(node: MessageNode, messages: FlaggedMessages, start: number, end: number): MessageNode {
  if (node instanceof MessageLeaf) return node.withFlags(messages, start, end);
  const { uids } = messages;
  const children = eachChild(node, uids, start, end, (child, from, to) => withFlagsIn(child, messages, from, to));
  return children === node.children ? node : new MessageBranch(children);
}

/**
 * The children after `change`, which is called for those that some of the UIDs may belong to, with the part of the UIDs that may: the very
 * same list when nothing changed.
 */
function eachChild(
  { children }: MessageBranch,
  uids: Uint32Array,
  start: number,
  end: number,
  change: (child: MessageNode, start: number, end: number) => MessageNode | null,
): readonly MessageNode[] {
  let isChanged = false;
  let from = start;
  const changed: MessageNode[] = [];
  for (const child of children) {
    let to = from;
    if (from < end && (uids[from] ?? 0) <= child.lastUid) to = Math.min(countBelow(uids, child.lastUid + 1, from), end);
    const after = to > from ? change(child, from, to) : child;
    if (after) changed.push(after);
    isChanged ||= after !== child;
    from = to;
  }
  return isChanged ? changed : children;
}

/** Where two neighbours would together fill half a node they become one, so that what is left of many messages takes little room. */
function mergeSmall(nodes: readonly MessageNode[]): MessageNode[] {
  const merged: MessageNode[] = [];
  for (const node of nodes) {
    const before = merged.at(-1);
    if (before instanceof MessageLeaf && node instanceof MessageLeaf && before.count + node.count <= leafSize / 2)
      merged[merged.length - 1] = before.followedBy(node);
    else if (
      before instanceof MessageBranch &&
      node instanceof MessageBranch &&
      before.children.length + node.children.length <= branchSize / 2
    )
      merged[merged.length - 1] = new MessageBranch([...before.children, ...node.children]);
    else merged.push(node);
  }
  return merged;
}
