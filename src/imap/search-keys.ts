// Reads the arguments of SEARCH into a condition of the domain, parentheses and all: numbers, days and ages become what they mean in the
// open mailbox now. Knows nothing of messages: the storage evaluates the condition. Called by SEARCH and UID SEARCH.

import { Refusal } from '../quarantine/errors.ts';
import type { Condition } from '../quarantine/search/condition.ts';
import { dayMs } from '../quarantine/search/sent-day.ts';
import { BadCommand } from './answers.ts';
import type { Answer, Argument } from './command.ts';
import { parseSearchDate } from './dates.ts';
import { canonicalFlag } from './flags.ts';
import type { MessageSequence } from './message-sequence.ts';
import { readAstring, readText } from './read-arguments.ts';
import { parseSequenceSet, positionsByUid, positionsWithin, uidRangesAt } from './sequence-set.ts';
import type { PositionRange, SequenceSet } from './sequence-set.ts';

/** The mailbox as the client that searches knows it. */
export interface SearchedMailbox {
  readonly messages: MessageSequence;
  /** Milliseconds since 1970, for OLDER and YOUNGER. */
  readonly now: number;
}

/** Nested NOT and OR are read by recursion, and programs do nest: OR OR OR … for a list of senders. */
const maxDepth = 200;
/** A line has room for 10,000 keys, each of which would be compared with every message. */
const maxKeys = 1000;

const flagKeys = new Map([
  ['ANSWERED', '\\Answered'],
  ['DELETED', '\\Deleted'],
  ['DRAFT', '\\Draft'],
  ['FLAGGED', '\\Flagged'],
  ['SEEN', '\\Seen'],
]);
const dateKeys = new Set(['BEFORE', 'ON', 'SINCE', 'SENTBEFORE', 'SENTON', 'SENTSINCE']);

/** All keys must match. `refused` is the answer to a CHARSET that we do not know. Throws BadCommand, Refusal. */
export function parseSearch(
  args: readonly Argument[],
  mailbox: SearchedMailbox,
): { condition: Condition } | { refused: Answer } {
  const [first] = args;
  if (first?.kind !== 'atom' || first.value.toUpperCase() !== 'CHARSET')
    return { condition: new KeyReader(args, mailbox).readAll(0) };
  const charset = readAstring(args[1], 'The name of the CHARSET').toUpperCase();
  if (charset !== 'UTF-8' && charset !== 'US-ASCII') {
    // RFC 9051 section 6.4.4: the client learns what it may use instead, and most repeat the search in UTF-8.
    return {
      refused: {
        response: 'NO',
        code: 'BADCHARSET (US-ASCII UTF-8)',
        text: 'Searches must be written in UTF-8 or US-ASCII.',
      },
    };
  }
  return { condition: new KeyReader(args.slice(2), mailbox).readAll(0) };
}

class KeyReader {
  readonly #args: readonly Argument[];
  readonly #mailbox: SearchedMailbox;
  readonly #count: { keys: number };
  #at = 0;

  constructor(args: readonly Argument[], mailbox: SearchedMailbox, count = { keys: 0 }) {
    this.#args = args;
    this.#mailbox = mailbox;
    this.#count = count;
  }

  readAll(depth: number): Condition {
    const parts: Condition[] = [];
    while (this.#at < this.#args.length) parts.push(this.#readKey(depth));
    const [first] = parts;
    if (first === undefined) throw new BadCommand('A search needs at least one key');
    return parts.length === 1 ? first : { kind: 'and', parts };
  }

  #readKey(depth: number): Condition {
    if (depth > maxDepth) throw new Refusal('LIMIT', `A search may be nested ${maxDepth} deep at most.`);
    if (++this.#count.keys > maxKeys) throw new Refusal('LIMIT', `A search may have ${maxKeys} keys at most.`);
    const argument = this.#args[this.#at++];
    if (argument?.kind === 'list') return new KeyReader(argument.items, this.#mailbox, this.#count).readAll(depth + 1);
    if (argument === undefined) throw new BadCommand('A search key is missing at the end');
    if (argument.kind !== 'atom') throw new BadCommand('A search key is a word such as UNSEEN, not a string or NIL');
    const word = argument.value.toUpperCase();
    if (word === 'NOT') return { kind: 'not', part: this.#readKey(depth + 1) };
    if (word === 'OR') return { kind: 'or', parts: [this.#readKey(depth + 1), this.#readKey(depth + 1)] };
    return this.#readWord(word);
  }

  #readWord(word: string): Condition {
    const { messages } = this.#mailbox;
    if (/^[\d*]/.test(word)) return this.#withUids(positionsWithin(setOf(word, 'The message set'), messages.length));
    const flag = flagKeys.get(word) ?? flagKeys.get(word.replace(/^UN/, ''));
    if (flag !== undefined) return withFlag(flag, word.startsWith('UN'));
    if (dateKeys.has(word)) return withDate(word, this.#date(word));
    switch (word) {
      case 'ALL':
      // RFC 9051 section 6.4.4 (appendix E): no message is ever \Recent here, so all of them are OLD.
      case 'OLD':
        return { kind: 'all' };
      case 'NEW':
      case 'RECENT':
        return { kind: 'none' };
      case 'KEYWORD':
      case 'UNKEYWORD':
        return withFlag(this.#keyword(word), word === 'UNKEYWORD');
      case 'LARGER':
      case 'SMALLER':
        return { kind: 'size', is: word === 'LARGER' ? 'larger' : 'smaller', bytes: this.#number(word) };
      case 'OLDER':
      case 'YOUNGER':
        return this.#withAge(word);
      case 'UID':
        return this.#withUids(positionsByUid(this.#set(word), messages));
      case 'FROM':
      case 'TO':
      case 'CC':
      case 'BCC':
      case 'SUBJECT':
        return { kind: 'header', field: word.toLowerCase(), text: this.#text(word) };
      case 'HEADER': {
        const field = readAstring(this.#args[this.#at++], 'The field name after HEADER').toLowerCase();
        return { kind: 'header', field, text: this.#text('HEADER') };
      }
      case 'BODY':
      case 'TEXT':
        return { kind: word === 'BODY' ? 'body' : 'text', text: this.#text(word) };
    }
    throw new BadCommand(/^[A-Z]{1,20}$/.test(word) ? `SEARCH does not know ${word}` : 'SEARCH does not know a key');
  }

  #text(word: string): string {
    return readText(this.#args[this.#at++], `The text after ${word}`);
  }

  #set(word: string): SequenceSet {
    return setOf(readAstring(this.#args[this.#at++], `The set after ${word}`), `The set after ${word}`);
  }

  #date(word: string): number {
    const day = parseSearchDate(readAstring(this.#args[this.#at++], `The date after ${word}`));
    if (day === null) throw new BadCommand(`The date after ${word} must be written like 1-Jan-2025`);
    return day;
  }

  #number(word: string): number {
    const text = readAstring(this.#args[this.#at++], `The number after ${word}`);
    // RFC 9051 section 9 (number64).
    if (!/^\d{1,15}$/.test(text)) throw new BadCommand(`The number after ${word} must be a number of bytes or seconds`);
    return Number(text);
  }

  #withUids(positions: PositionRange[]): Condition {
    return { kind: 'uid', ranges: uidRangesAt(this.#mailbox.messages, positions) };
  }

  #withAge(word: string): Condition {
    const seconds = this.#number(word);
    // RFC 5032 section 4: an interval is never zero.
    if (seconds === 0) throw new BadCommand(`The interval after ${word} must be at least one second`);
    const limit = this.#mailbox.now - seconds * 1000;
    return word === 'OLDER'
      ? { kind: 'internalDate', from: -Infinity, before: limit + 1 }
      : { kind: 'internalDate', from: limit, before: Infinity };
  }

  #keyword(word: string): string {
    const flag = canonicalFlag(readAstring(this.#args[this.#at++], `The keyword after ${word}`));
    if (flag === null) throw new BadCommand(`The keyword after ${word} is no valid keyword`);
    return flag;
  }
}

function setOf(text: string, what: string): SequenceSet {
  const set = parseSequenceSet(text);
  if (set === null) throw new BadCommand(`${what} must be a set such as 1:3,5,7:*`);
  return set;
}

function withFlag(flag: string, absent: boolean): Condition {
  return absent ? { kind: 'not', part: { kind: 'flag', flag } } : { kind: 'flag', flag };
}

/** RFC 9051 section 6.4.4: the day alone counts, that of INTERNALDATE as it is shown (in UTC), that of Date as it is written. */
function withDate(word: string, day: number): Condition {
  const from = word.endsWith('BEFORE') ? -Infinity : day;
  const before = word.endsWith('SINCE') ? Infinity : word.endsWith('BEFORE') ? day : day + 1;
  return word.startsWith('SENT')
    ? { kind: 'sentDay', from, before }
    : { kind: 'internalDate', from: from * dayMs, before: before * dayMs };
}
