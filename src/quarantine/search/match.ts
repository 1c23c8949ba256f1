// The meaning of a search: which messages a condition is true of. The cheapest parts come first: what the list of a mailbox tells (flags,
// dates, sizes, numbers), then the kept header fields, then the header, and only then the body. Texts are compared as people read them:
// decoded, without regard to case, white space of any length the same. Called by the storages, each for what it has no index for.
import type { ReadBytes } from '../reading/decoded-text.ts';
import { FieldNames } from '../reading/header-fields.ts';
import type { Reading } from '../reading/reading.ts';
import type { Condition, ListedCondition, ReadCondition } from './condition.ts';
import { foldText } from './folded-text.ts';
import { holdsText } from './holds-text.ts';
import { ContentGone, keptFields, MessageText } from './message-text.ts';

/** What the list of a mailbox tells about a message. */
export interface ListedCandidate {
  readonly uid: number;
  /** Client flags as they are stored; our marks included. */
  readonly flags: readonly string[];
  readonly internalDate: number;
  readonly sizeBytes: number;
}

/** Everything that a search may look at; `content` is asked only when nothing cheaper decides. */
export interface SearchCandidate extends ListedCandidate {
  readonly reading: Reading;
  readonly content: ReadBytes;
}

const kept = new Set(keptFields);

export class SearchPlan {
  /** The condition with its texts folded and its cheap parts first. */
  readonly condition: Condition;
  readonly #fields: FieldNames;

  constructor(condition: Condition) {
    this.condition = prepare(condition);
    this.#fields = new FieldNames(fieldsOf(condition));
  }

  /** Decides by the list alone; null when the message itself must be looked at. */
  decide(candidate: ListedCandidate): boolean | null {
    return decideByList(this.condition, candidate);
  }

  /** False, too, when the message left while it was being looked at. Rejects with what `content` rejects with. */
  async matches(candidate: SearchCandidate): Promise<boolean> {
    const text = new MessageText(candidate.reading, candidate.content, this.#fields);
    try {
      return await evaluate(this.condition, candidate, text);
    } catch (error) {
      if (error instanceof ContentGone) return false;
      throw error;
    }
  }
}

async function evaluate(condition: Condition, candidate: SearchCandidate, text: MessageText): Promise<boolean> {
  const decided = decideByList(condition, candidate);
  if (decided !== null) return decided;
  switch (condition.kind) {
    case 'and':
    case 'or': {
      // The one value that settles it: the rest need not be looked at.
      const settling = condition.kind === 'or';
      for (const part of condition.parts) {
        if ((await evaluate(part, candidate, text)) === settling) return settling;
      }
      return !settling;
    }
    case 'not':
      return !(await evaluate(condition.part, candidate, text));
    case 'header':
      return (await text.field(condition.field)).some((value) => holdsText(value, condition.text));
    case 'sentDay':
      return isSentWithin(condition, await text.sentDay());
    case 'body':
      return holdsText(await text.body(), condition.text);
    case 'text':
      return holdsText(await text.header(), condition.text) || holdsText(await text.body(), condition.text);
    default:
      return false;
  }
}

/** A message without a readable Date was sent on no day. */
export function isSentWithin({ from, before }: Extract<Condition, { kind: 'sentDay' }>, day: number | null): boolean {
  return day !== null && day >= from && day < before;
}

/** Three-valued: null is "cannot tell yet", and spreads only as far as it matters. */
function decideByList(condition: Condition, candidate: ListedCandidate): boolean | null {
  switch (condition.kind) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'and':
    case 'or':
      return decideTogether(condition, candidate);
    case 'not': {
      const decided = decideByList(condition.part, candidate);
      return decided === null ? null : !decided;
    }
    case 'body':
    case 'text':
    case 'header':
    case 'sentDay':
      return decidesByItself(condition) ? true : null;
    default:
      return isListedAs(condition, candidate);
  }
}

/** Every text contains the empty one. A field may be absent, so the empty text of a field asks for something. */
export function decidesByItself(condition: ReadCondition): boolean {
  return (condition.kind === 'body' || condition.kind === 'text') && condition.text === '';
}

function decideTogether(
  { kind, parts }: Extract<Condition, { kind: 'and' | 'or' }>,
  candidate: ListedCandidate,
): boolean | null {
  const settling = kind === 'or';
  let decided: boolean | null = !settling;
  for (const part of parts) {
    const one = decideByList(part, candidate);
    if (one === settling) return settling;
    if (one === null) decided = null;
  }
  return decided;
}

export function isListedAs(condition: ListedCondition, candidate: ListedCandidate): boolean {
  switch (condition.kind) {
    case 'flag':
      return candidate.flags.includes(condition.flag);
    case 'uid':
      return isWithinRanges(condition.ranges, candidate.uid);
    case 'internalDate':
      return candidate.internalDate >= condition.from && candidate.internalDate < condition.before;
    case 'size':
      return condition.is === 'larger' ? candidate.sizeBytes > condition.bytes : candidate.sizeBytes < condition.bytes;
  }
}

function isWithinRanges(ranges: readonly { from: number; to: number }[], uid: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.to ?? Infinity) >= uid) high = middle;
    else low = middle + 1;
  }
  const range = ranges[low];
  return range !== undefined && range.from <= uid;
}

/** Folds the texts, once for all messages, and puts the cheap parts first. */
function prepare(condition: Condition): Condition {
  switch (condition.kind) {
    case 'not':
      return { kind: 'not', part: prepare(condition.part) };
    case 'and':
    case 'or': {
      const parts = condition.parts.map(prepare).sort((a, b) => costOf(a) - costOf(b));
      return { kind: condition.kind, parts };
    }
    case 'header':
    case 'body':
    case 'text':
      return { ...condition, text: foldText(condition.text) };
    default:
      return condition;
  }
}

function costOf(condition: Condition): number {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return Math.max(0, ...condition.parts.map(costOf));
    case 'not':
      return costOf(condition.part);
    case 'sentDay':
      return 1;
    case 'header':
      return kept.has(condition.field) ? 1 : 2;
    case 'body':
    case 'text':
      return 3;
    default:
      return 0;
  }
}

function fieldsOf(condition: Condition): string[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.parts.flatMap(fieldsOf);
    case 'not':
      return fieldsOf(condition.part);
    case 'sentDay':
      return ['date'];
    case 'header':
      return [condition.field];
    default:
      return [];
  }
}
