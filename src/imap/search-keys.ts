// Reads the arguments of SEARCH into a tree of keys, parentheses and all. Knows nothing of messages: search-match.ts
// evaluates the tree. Called by SEARCH and UID SEARCH.

import { Refusal } from '../quarantine/errors.ts';
import { BadCommand } from './answers.ts';
import type { Answer, Argument } from './command.ts';
import { parseSearchDate } from './dates.ts';
import { canonicalFlag } from './flags.ts';
import { readAstring, readText } from './read-arguments.ts';
import { parseSequenceSet } from './sequence-set.ts';
import type { SequenceSet } from './sequence-set.ts';

/** Days are counted from 1970-01-01 (dates.ts). Texts are as the client wrote them, in Unicode. */
export type SearchKey =
  | { readonly kind: 'all' | 'none' }
  | { readonly kind: 'and' | 'or'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'sequence' | 'uid'; readonly set: SequenceSet }
  | { readonly kind: 'internalDate' | 'sentDate'; readonly is: 'before' | 'on' | 'since'; readonly day: number }
  | { readonly kind: 'size'; readonly is: 'larger' | 'smaller'; readonly bytes: number }
  | { readonly kind: 'age'; readonly is: 'older' | 'younger'; readonly seconds: number }
  /** `field` in lower case. An empty text asks whether the field is there. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string };

/** Nested NOT and OR are read by recursion, and programs do nest: OR OR OR … for a list of senders. */
const maxDepth = 200;
/** A line has room for 10,000 keys, each of which would be compared with every message. */
const maxKeys = 1000;

const none: SearchKey = { kind: 'none' };
const flagKeys = new Map([
  ['ANSWERED', '\\Answered'],
  ['DELETED', '\\Deleted'],
  ['DRAFT', '\\Draft'],
  ['FLAGGED', '\\Flagged'],
  ['SEEN', '\\Seen'],
]);
const dateKeys = new Map<string, Pick<Extract<SearchKey, { day: number }>, 'kind' | 'is'>>([
  ['BEFORE', { kind: 'internalDate', is: 'before' }],
  ['ON', { kind: 'internalDate', is: 'on' }],
  ['SINCE', { kind: 'internalDate', is: 'since' }],
  ['SENTBEFORE', { kind: 'sentDate', is: 'before' }],
  ['SENTON', { kind: 'sentDate', is: 'on' }],
  ['SENTSINCE', { kind: 'sentDate', is: 'since' }],
]);

/** All keys must match. `refused` is the answer to a CHARSET that we do not know. Throws BadCommand, Refusal. */
export function parseSearch(args: readonly Argument[]): { key: SearchKey } | { refused: Answer } {
  const [first] = args;
  if (first?.kind !== 'atom' || first.value.toUpperCase() !== 'CHARSET') return { key: new KeyReader(args).readAll(0) };
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
  return { key: new KeyReader(args.slice(2)).readAll(0) };
}

class KeyReader {
  readonly #args: readonly Argument[];
  readonly #count: { keys: number };
  #at = 0;

  constructor(args: readonly Argument[], count = { keys: 0 }) {
    this.#args = args;
    this.#count = count;
  }

  readAll(depth: number): SearchKey {
    const keys: SearchKey[] = [];
    while (this.#at < this.#args.length) keys.push(this.#readKey(depth));
    const [first] = keys;
    if (first === undefined) throw new BadCommand('A search needs at least one key');
    return keys.length === 1 ? first : { kind: 'and', keys };
  }

  #readKey(depth: number): SearchKey {
    if (depth > maxDepth) throw new Refusal('LIMIT', `A search may be nested ${maxDepth} deep at most.`);
    if (++this.#count.keys > maxKeys) throw new Refusal('LIMIT', `A search may have ${maxKeys} keys at most.`);
    const argument = this.#args[this.#at++];
    if (argument?.kind === 'list') return new KeyReader(argument.items, this.#count).readAll(depth + 1);
    if (argument === undefined) throw new BadCommand('A search key is missing at the end');
    if (argument.kind !== 'atom') throw new BadCommand('A search key is a word such as UNSEEN, not a string or NIL');
    const word = argument.value.toUpperCase();
    if (word === 'NOT') return { kind: 'not', key: this.#readKey(depth + 1) };
    if (word === 'OR') return { kind: 'or', keys: [this.#readKey(depth + 1), this.#readKey(depth + 1)] };
    return this.#readWord(word);
  }

  #readWord(word: string): SearchKey {
    if (/^[\d*]/.test(word)) return { kind: 'sequence', set: setOf(word, 'The message set') };
    const flag = flagKeys.get(word) ?? flagKeys.get(word.replace(/^UN/, ''));
    if (flag !== undefined) return withFlag(flag, word.startsWith('UN'));
    const date = dateKeys.get(word);
    if (date !== undefined) return { ...date, day: this.#date(word) };
    switch (word) {
      case 'ALL':
      // RFC 9051 section 6.4.4 (appendix E): no message is ever \Recent here, so all of them are OLD.
      case 'OLD':
        return { kind: 'all' };
      case 'NEW':
      case 'RECENT':
        return none;
      case 'KEYWORD':
      case 'UNKEYWORD':
        return withFlag(this.#keyword(word), word === 'UNKEYWORD');
      case 'LARGER':
      case 'SMALLER':
        return { kind: 'size', is: word === 'LARGER' ? 'larger' : 'smaller', bytes: this.#number(word) };
      case 'OLDER':
      case 'YOUNGER':
        return { kind: 'age', is: word === 'OLDER' ? 'older' : 'younger', seconds: this.#age(word) };
      case 'UID':
        return {
          kind: 'uid',
          set: setOf(readAstring(this.#args[this.#at++], 'The set after UID'), 'The set after UID'),
        };
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

  #age(word: string): number {
    const seconds = this.#number(word);
    // RFC 5032 section 4: an interval is never zero.
    if (seconds === 0) throw new BadCommand(`The interval after ${word} must be at least one second`);
    return seconds;
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

function withFlag(flag: string, absent: boolean): SearchKey {
  return absent ? { kind: 'not', key: { kind: 'flag', flag } } : { kind: 'flag', flag };
}
