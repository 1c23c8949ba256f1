// Reads an address list (From, To, Cc …) into its entries: for ENVELOPE, and for people. One pass, no recursion, any
// number of recipients. Broken lists give what can be read of them; nothing is decoded and nothing is invented here.
// Called by envelope.

import { type Word, addWord, localPart, phrase, readWord, startOfLastRun } from './address-words.ts';
import { trimSpace } from './header-fields.ts';
import type { Budget } from './limits.ts';
import { StructuredText } from './structured-text.ts';

/** `mailbox` and `host` are `''` where the list names none. */
export interface MailboxEntry {
  kind: 'mailbox';
  name: string | null;
  route: string | null;
  mailbox: string;
  host: string;
}

export type AddressEntry = MailboxEntry | { kind: 'groupStart'; name: string } | { kind: 'groupEnd' };

/** What was read since the last comma. */
interface Pending {
  start: number;
  words: Word[];
  comment: string | null;
  address: MailboxEntry | null;
}

const WORD_ENDS = ' \t\r\n<>@,;:"(';
const ANGLE_WORD_ENDS = WORD_ENDS.replace(':', '');
const ANGLE_PART_ENDS = '<>@,;';

/** Entries of one field, in order; stops when the budget has no addresses left. A group is always closed. */
export function parseAddresses(value: string, budget: Budget): AddressEntry[] {
  return new AddressList(value, budget).parse();
}

class AddressList {
  readonly #source: StructuredText;
  readonly #budget: Budget;
  readonly #entries: AddressEntry[] = [];
  #inGroup = false;
  #full = false;
  /** White space or a comment stands before what comes next. */
  #apart = false;
  #pending: Pending = { start: 0, words: [], comment: null, address: null };

  constructor(value: string, budget: Budget) {
    this.#source = new StructuredText(value);
    this.#budget = budget;
  }

  parse(): AddressEntry[] {
    while (!this.#source.done && !this.#full) this.#step();
    this.#finishAddress();
    this.#endGroup();
    return this.#entries;
  }

  #step(): void {
    const source = this.#source;
    if (source.skipSpace()) this.#apart = true;
    if (source.done) return;
    const comment = source.comment();
    if (comment !== null) {
      this.#apart = true;
      this.#noteComment(comment);
      return;
    }
    switch (source.char) {
      case ',':
      case ';':
        this.#finishAddress();
        // Outside a group, ";" separates addresses as Outlook's users write them.
        if (source.char === ';') this.#endGroup();
        source.at++;
        this.#pending.start = source.at;
        return;
      case ':':
        if (this.#inGroup || this.#pending.address) this.#word();
        else this.#startGroup();
        return;
      case '<':
        this.#angleAddress();
        return;
      case '@':
        this.#plainAddress();
        return;
      case '>':
        source.at++;
        return;
      default:
        this.#word();
    }
  }

  #word(): void {
    addWord(this.#pending.words, readWord(this.#source, WORD_ENDS, this.#apart));
    this.#apart = false;
  }

  #noteComment(comment: string | null): void {
    const text = trimSpace(comment ?? '');
    if (text !== '') this.#pending.comment = text;
  }

  /** "@" after words: they end in the local part, what stands before it can only be meant as a name. */
  #plainAddress(): void {
    const source = this.#source;
    source.at++;
    const { words, address: earlier } = this.#pending;
    if (earlier) {
      if (words.length === 0) {
        this.#domain();
        return;
      }
      // "a@b c@d": the comma is missing.
      this.#pending.words = [];
      this.#finishAddress();
    }
    const first = startOfLastRun(words);
    const address: MailboxEntry = {
      kind: 'mailbox',
      name: phrase(words.slice(0, first)),
      route: null,
      mailbox: localPart(words.slice(first)),
      host: '',
    };
    address.host = this.#domain();
    this.#pending.words = [];
    this.#pending.address = address;
  }

  /** RFC 5322 section 3.4 angle-addr, and section 4.4 with a route; `at` is on the "<". */
  #angleAddress(): void {
    const source = this.#source;
    let name = phrase(this.#pending.words);
    const earlier = this.#pending.address;
    if (earlier) {
      // `boss@example.com <thief@example.net>` is one address with a misleading name; `<a@b> <c@d>` are two.
      const before = trimSpace(source.text.slice(this.#pending.start, source.at));
      if (before.includes('<')) {
        this.#pending.words = [];
        this.#finishAddress();
      } else name = before;
    }
    source.at++;
    this.#noteComment(source.skipSpaceAndComments());
    const route = source.char === '@' ? readRoute(source) : null;
    this.#noteComment(source.skipSpaceAndComments());
    const words: Word[] = [];
    let apart = false;
    while (!source.done && !ANGLE_PART_ENDS.includes(source.char)) {
      addWord(words, readWord(source, ANGLE_WORD_ENDS, apart));
      const end = source.at;
      this.#noteComment(source.skipSpaceAndComments());
      apart = source.at > end;
    }
    const address: MailboxEntry = { kind: 'mailbox', name, route, mailbox: localPart(words), host: '' };
    if (source.char === '@') {
      source.at++;
      address.host = this.#domain();
    }
    source.until('>,;<');
    if (source.char === '>') source.at++;
    this.#pending.words = [];
    this.#pending.address = address;
  }

  #domain(): string {
    const source = this.#source;
    this.#noteComment(source.skipSpaceAndComments());
    if (source.char === '[') {
      const literal = source.until(']>,;');
      if (!source.take(']')) return trimSpace(literal);
      return `${literal}]`;
    }
    let domain = source.until(WORD_ENDS);
    for (;;) {
      // RFC 5322 section 4.4: white space around the dots of a domain is obsolete syntax.
      const at = source.at;
      source.skipSpaceAndComments();
      if (source.done || (source.char !== '.' && !(domain.endsWith('.') && !WORD_ENDS.includes(source.char)))) {
        source.at = at;
        return domain;
      }
      domain += source.until(WORD_ENDS);
    }
  }

  #startGroup(): void {
    if (!this.#takeEntry()) return;
    this.#entries.push({ kind: 'groupStart', name: phrase(this.#pending.words) ?? '' });
    this.#inGroup = true;
    this.#source.at++;
    this.#pending = { start: this.#source.at, words: [], comment: null, address: null };
  }

  #endGroup(): void {
    if (this.#inGroup) this.#entries.push({ kind: 'groupEnd' });
    this.#inGroup = false;
  }

  #finishAddress(): void {
    const { words, comment, address } = this.#pending;
    this.#pending = { start: this.#source.at, words: [], comment: null, address: null };
    const entry = address ?? lonelyWords(words);
    if (!entry || !this.#takeEntry()) return;
    entry.name ??= comment;
    this.#entries.push(entry);
  }

  #takeEntry(): boolean {
    if (this.#full) return false;
    this.#full = !this.#budget.spendAddress();
    return !this.#full;
  }
}

/** Words without any address: one word is a mailbox on this host, several (or a quoted one) are a name. */
function lonelyWords(words: Word[]): MailboxEntry | null {
  const [first] = words;
  if (!first) return null;
  const isMailbox = words.length === 1 && !first.quoted;
  return {
    kind: 'mailbox',
    name: isMailbox ? null : phrase(words),
    route: null,
    mailbox: isMailbox ? first.text : '',
    host: '',
  };
}

/** RFC 5322 section 4.4 obs-route: "@a,@b:" before the local part. */
function readRoute(source: StructuredText): string | null {
  const start = source.at;
  const route = source.until(':><');
  if (source.char === ':') {
    source.at++;
    return route.replace(/[ \t]+/g, '');
  }
  source.at = start;
  return null;
}
