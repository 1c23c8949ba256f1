// Reads `token; name=value; …` (Content-Type, Content-Disposition): for BODYSTRUCTURE as it stands with RFC 2231
// continuations joined, and decoded for people. Broken parameters are skipped, the next one is read.
// Called by content-fields and attachments.

import { decodeBytes } from './charsets.ts';
import { decodeHeaderText } from './encoded-words.ts';
import { trimSpace } from './header-fields.ts';
import type { StructuredText } from './structured-text.ts';

/** Binary strings. A value in RFC 2231 encoding keeps it and the `*` that ends its name. */
export interface Parameter {
  name: string;
  value: string;
}

interface Section {
  index: number;
  encoded: boolean;
  parameter: Parameter;
}

const TOKEN_ENDS = ' \t\r\n;(';

/** Parameters from where the text stands, at or before the first ";". The first of equal names counts. */
export function readParameters(source: StructuredText, max: number): { parameters: Parameter[]; complete: boolean } {
  const found: Parameter[] = [];
  for (;;) {
    source.until(';');
    if (source.done) return { parameters: joinSections(found), complete: true };
    if (found.length >= max) return { parameters: joinSections(found), complete: false };
    source.at++;
    source.skipSpaceAndComments();
    const name = trimSpace(source.until('=;'));
    if (source.char !== '=') continue;
    source.at++;
    source.skipSpaceAndComments();
    const value = source.quotedString() ?? unquotedValue(source);
    if (name !== '' && !name.includes(' ')) found.push({ name, value });
  }
}

/** A token; with what follows it up to the next ";" when a program forgot to quote a name with spaces. */
function unquotedValue(source: StructuredText): string {
  const start = source.at;
  if (source.char === '"') {
    // The closing quote is missing: everything is meant.
    const rest = source.text.slice(start + 1);
    source.at = source.text.length;
    return trimSpace(rest);
  }
  const token = source.until(TOKEN_ENDS);
  source.skipSpaceAndComments();
  if (source.done || source.char === ';') return token;
  source.until(';');
  return trimSpace(source.text.slice(start, source.at));
}

/** RFC 2231 section 3 and 6: an IMAP server joins `name*0`, `name*1` …; charset and language are left to the client. */
function joinSections(found: Parameter[]): Parameter[] {
  const sections = new Map<string, Section[]>();
  for (const parameter of found) {
    const match = /^([^*]+)\*(\d{1,4})(\*?)$/.exec(parameter.name);
    if (!match) continue;
    const base = (match[1] ?? '').toLowerCase();
    const section = { index: Number(match[2]), encoded: match[3] === '*', parameter };
    sections.set(base, [...(sections.get(base) ?? []), section]);
  }
  const joined = new Map<Parameter, Parameter | null>();
  for (const [base, list] of sections) joinOne(base, list, joined);
  const names = new Set<string>();
  const result: Parameter[] = [];
  for (const original of found) {
    const parameter = joined.has(original) ? (joined.get(original) ?? null) : original;
    if (parameter === null || names.has(parameter.name.toLowerCase())) continue;
    names.add(parameter.name.toLowerCase());
    result.push(parameter);
  }
  return result;
}

/** Puts the joined parameter in the place of the first of its sections. Sections with gaps stay as they are. */
function joinOne(base: string, list: Section[], joined: Map<Parameter, Parameter | null>): void {
  const ordered = [...list].sort((a, b) => a.index - b.index);
  if (ordered.some((section, position) => section.index !== position)) return;
  const encoded = ordered.some((section) => section.encoded);
  const values = ordered.map((section) =>
    encoded && !section.encoded ? percentEncode(section.parameter.value) : section.parameter.value,
  );
  // RFC 2231 section 4.1: an encoded value begins with charset'language', both may be empty.
  const prefix = encoded && !ordered[0]?.encoded ? "''" : '';
  const [first, ...others] = list;
  if (first) joined.set(first.parameter, { name: encoded ? `${base}*` : base, value: prefix + values.join('') });
  for (const other of others) joined.set(other.parameter, null);
}

function percentEncode(text: string): string {
  return text.replace(
    /[^A-Za-z0-9!#$&+.^_`{}~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The raw value of `name`, null when there is none. */
export function parameterValue(parameters: readonly Parameter[], name: string): string | null {
  return parameters.find((parameter) => parameter.name.toLowerCase() === name)?.value ?? null;
}

/** The value of `name` in Unicode: RFC 2231 first, else RFC 2047 (forbidden here, and common), else raw bytes. */
export function parameterText(parameters: readonly Parameter[], name: string): string | null {
  const extended = parameterValue(parameters, `${name}*`);
  if (extended !== null) {
    const match = /^([^']*)'[^']*'([\s\S]*)$/.exec(extended);
    return decodeBytes(percentDecode(match?.[2] ?? extended), match?.[1]);
  }
  const plain = parameterValue(parameters, name);
  return plain === null ? null : decodeHeaderText(plain);
}

function percentDecode(text: string): Buffer {
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
