// Evaluates a condition for many messages at once, as far as it can be known: each part for those messages that the parts before it have
// left open. Whatever an index cannot tell stays "maybe"; match.ts decides that. Pure.
import type { Condition, ListedCondition, ReadCondition } from '../../../quarantine/search/condition.ts';
import { Bits } from './bits.ts';

/** Disjoint; messages that are in neither do not match. */
export interface Verdict {
  yes: Bits;
  maybe: Bits;
}

/** What is known of the messages, each at its number. */
export interface Knowledge {
  isListedAs(condition: ListedCondition, message: number): boolean;
  /** For the messages of `among`. */
  read(condition: ReadCondition, among: Bits): Verdict;
}

/** Judges the messages of `among`. */
export function judge(condition: Condition, among: Bits, known: Knowledge): Verdict {
  const none = new Bits(among.size);
  switch (condition.kind) {
    case 'all':
      return { yes: among, maybe: none };
    case 'none':
      return { yes: none, maybe: none };
    case 'and':
      return judgeAll(condition.parts, among, known);
    case 'or':
      return judgeAny(condition.parts, among, known);
    case 'not': {
      const { yes, maybe } = judge(condition.part, among, known);
      return { yes: among.without(yes).without(maybe), maybe };
    }
    case 'sentDay':
    case 'header':
    case 'body':
    case 'text':
      return known.read(condition, among);
    default: {
      const yes = new Bits(among.size);
      for (const message of among) if (known.isListedAs(condition, message)) yes.add(message);
      return { yes, maybe: none };
    }
  }
}

function judgeAll(parts: readonly Condition[], among: Bits, known: Knowledge): Verdict {
  let yes = among;
  let left = among;
  for (const part of parts) {
    if (left.isEmpty) break;
    const verdict = judge(part, left, known);
    yes = yes.and(verdict.yes);
    left = left.and(verdict.yes.or(verdict.maybe));
  }
  return { yes, maybe: left.without(yes) };
}

function judgeAny(parts: readonly Condition[], among: Bits, known: Knowledge): Verdict {
  let yes = new Bits(among.size);
  let maybe = new Bits(among.size);
  for (const part of parts) {
    const left = among.without(yes);
    if (left.isEmpty) break;
    const verdict = judge(part, left, known);
    yes = yes.or(verdict.yes);
    maybe = maybe.or(verdict.maybe);
  }
  return { yes, maybe: maybe.without(yes) };
}
