// Walks the fields of a header in the raw bytes, one pass, no copies: the only place that knows where a field begins
// and ends. A field is a line and the lines after it that begin with a space or tab; its value is folded raw bytes
// until somebody asks for it. Must stay linear: headers of 50 MB arrive.
// Called by everything in this folder that looks at a header.

import type { Budget } from './limits.ts';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const UPPER_A = 65;
const UPPER_Z = 90;
const LOWER_A = 97;

/** Where a field lies in the content: its name ends at `nameEnd`, its value is [valueStart, end) with the line end. */
export interface FieldRange {
  start: number;
  nameEnd: number;
  valueStart: number;
  end: number;
}

/**
 * End of the header that begins at `start`, the empty line included; `limit` when there is no empty line.
 * Lines that are no header fields don't end a header. Dovecot does the same, and it is the only definition under which
 * BODY[HEADER] and BODY[TEXT] are the whole message whatever arrives, with no guess about what a line was meant to be:
 * a message without an empty line is all header, one that begins with an empty line is all body.
 */
export function endOfHeader(raw: Buffer, start: number, limit: number): number {
  let at = start;
  while (at < limit) {
    if (raw[at] === LF) return at + 1;
    if (raw[at] === CR && at + 1 < limit && raw[at + 1] === LF) return at + 2;
    at = endOfLine(raw, at, limit);
  }
  return limit;
}

/** Position after the next LF. A bare CR is no line end: mail servers disagree about it, clients count LF. */
export function endOfLine(raw: Buffer, from: number, limit: number): number {
  let at = from;
  while (at < limit && raw[at] !== LF) at++;
  return at < limit ? at + 1 : limit;
}

/** Steps through the fields of the header [start, limit); the object itself holds the range of the current one. */
export class HeaderCursor implements FieldRange {
  start: number;
  nameEnd: number;
  valueStart: number;
  end: number;
  readonly #raw: Buffer;
  readonly #limit: number;

  constructor(raw: Buffer, start: number, limit: number) {
    this.#raw = raw;
    this.#limit = limit;
    this.start = this.nameEnd = this.valueStart = this.end = start;
  }

  /** False at the empty line or at the end. A line without a colon is a field with an empty name. */
  next(): boolean {
    const raw = this.#raw;
    const limit = this.#limit;
    let at = this.end;
    if (at >= limit || raw[at] === LF || (raw[at] === CR && raw[at + 1] === LF)) return false;
    this.start = this.nameEnd = this.valueStart = at;
    let colon = -1;
    for (; at < limit && raw[at] !== LF; at++) {
      if (colon < 0 && raw[at] === COLON) colon = at;
    }
    if (at < limit) at++;
    while (at < limit && (raw[at] === SPACE || raw[at] === TAB)) at = endOfLine(raw, at, limit);
    this.end = at;
    if (colon >= 0) {
      this.valueStart = colon + 1;
      // RFC 5322 section 4.5.8: white space before the colon is obsolete syntax, and still the same field.
      while (colon > this.start && (raw[colon - 1] === SPACE || raw[colon - 1] === TAB)) colon--;
      this.nameEnd = colon;
    }
    return true;
  }

  /** Name as written; empty for a line that is no field, and for names that no standard or program uses. */
  get name(): string {
    const length = this.nameEnd - this.start;
    return length > 200 ? '' : this.#raw.toString('latin1', this.start, this.nameEnd);
  }

  /** Whether it has this name, given in lower case; a longer name: whether it begins so. Only A to Z have two cases. */
  isNamed(name: Buffer): boolean {
    for (let i = 0; i < name.length; i++) {
      let byte = this.#raw[this.start + i] ?? 0;
      if (byte >= UPPER_A && byte <= UPPER_Z) byte += LOWER_A - UPPER_A;
      if (byte !== name[i]) return false;
    }
    return true;
  }
}

/** More names of one length are not compared one by one: a client may ask for thousands. */
const fewNames = 16;

/** A set of field names that compares bytes: to make a string of each name would cost more than everything else. */
export class FieldNames {
  /** By length, in lower case. */
  readonly #names = new Map<number, { text: string; bytes: Buffer }[]>();
  readonly #texts: ReadonlySet<string>;

  /** @param names one byte per character */
  constructor(names: Iterable<string>) {
    this.#texts = new Set([...names].map(lowerCase));
    for (const text of this.#texts) {
      const name = { text, bytes: Buffer.from(text, 'latin1') };
      const same = this.#names.get(text.length);
      if (same) same.push(name);
      else this.#names.set(text.length, [name]);
    }
  }

  /** The name in lower case when it is in the set, else null. */
  match(field: HeaderCursor): string | null {
    const candidates = this.#names.get(field.nameEnd - field.start);
    if (!candidates) return null;
    if (candidates.length > fewNames && field.name !== '') {
      const text = lowerCase(field.name);
      return this.#texts.has(text) ? text : null;
    }
    return candidates.find(({ bytes }) => field.isNamed(bytes))?.text ?? null;
  }
}

/** Only A to Z have two cases. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The fields of one header that somebody will read, by lower-case name, in order of appearance. */
export class CollectedFields {
  readonly #fields = new Map<string, FieldRange[]>();
  /** True when there were more than `max`; the rest was passed over. */
  readonly incomplete: boolean;

  constructor(header: HeaderCursor, names: FieldNames, max: number) {
    let count = 0;
    while (count <= max && header.next()) {
      const name = names.match(header);
      if (name === null || ++count > max) continue;
      const { start, nameEnd, valueStart, end } = header;
      const same = this.#fields.get(name);
      if (same) same.push({ start, nameEnd, valueStart, end });
      else this.#fields.set(name, [{ start, nameEnd, valueStart, end }]);
    }
    this.incomplete = count > max;
  }

  all(name: string): readonly FieldRange[] {
    return this.#fields.get(name) ?? [];
  }

  /** Where a field that may occur once occurs twice, the first counts: that is the one that mail programs show. */
  first(name: string): FieldRange | undefined {
    return this.#fields.get(name)?.[0];
  }
}

/**
 * The value of a field as a binary string: folding removed, outer spaces and tabs removed, nothing decoded, a bare CR
 * or a NUL kept. At most `maxBytes` of it are looked at.
 */
export function fieldText(raw: Buffer, field: FieldRange, maxBytes: number): string {
  const folded = raw.toString('latin1', field.valueStart, Math.min(field.end, field.valueStart + maxBytes));
  // RFC 5322 section 2.2.3: unfolding takes out the line end only; the white space after it stays.
  return trimSpace(folded.includes('\n') ? folded.replace(/\r?\n/g, '') : folded);
}

/** `fieldText` within the limits of the message; a value that is cut is remembered. */
export function budgetedFieldText(raw: Buffer, field: FieldRange, budget: Budget): string {
  const max = budget.limits.fieldBytes;
  if (field.end - field.valueStart > max) budget.limited = true;
  return fieldText(raw, field, max);
}

/** Without outer spaces and tabs. `String.trim` would take a raw 0xA0 away, a pattern may be quadratic. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && (text[start] === ' ' || text[start] === '\t')) start++;
  while (end > start && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text.slice(start, end);
}
