// Whether a response of the server is the one that a transcript expects: character by character, except that `...` stands for anything,
// `{...}` for any literal, and a placeholder for whatever it is bound to or may be bound to. Strings hold one byte per character.
import { placeholder, shapeOf } from './placeholders.ts';
import type { ExpectedResponse } from './transcript.ts';

export type Bindings = ReadonlyMap<string, string>;

/** The bindings with what this response binds; null when it does not fit. */
export function matchResponse(
  expected: ExpectedResponse,
  response: string,
  bound: Bindings,
): Map<string, string> | null {
  const names: string[] = [];
  const source = expected.parts.map((part) => sourceOf(part, names, bound)).join('');
  const match = new RegExp(`^${source}$`, 's').exec(response);
  return match && new Map([...bound, ...names.map((name, i): [string, string] => [name, match[i + 1] ?? ''])]);
}

function sourceOf(part: ExpectedResponse['parts'][number], names: string[], bound: Bindings): string {
  if ('literal' in part) return escaped(`{${part.literal.length}}\r\n${part.literal.toString('latin1')}`);
  const text = Buffer.from(part.text).toString('latin1');
  let source = '';
  let end = 0;
  for (const { index, 0: whole, 1: name = '' } of text.matchAll(placeholder)) {
    source += plainSource(text.slice(end, index)) + valueSource(name, names, bound);
    end = index + whole.length;
  }
  return source + plainSource(text.slice(end));
}

function valueSource(name: string, names: string[], bound: Bindings): string {
  const value = bound.get(name);
  if (value !== undefined) return escaped(value);
  const earlier = names.indexOf(name);
  if (earlier >= 0) return `\\${earlier + 1}(?!\\d)`;
  names.push(name);
  return `(${shapeOf(name) ?? ''})`;
}

function plainSource(text: string): string {
  return text
    .split(/(\{\.\.\.\}|\.\.\.)/)
    .map((piece) => (piece === '{...}' ? '\\{\\d+\\}\\r\\n.*?' : piece === '...' ? '.*?' : escaped(piece)))
    .join('');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

const forbidden: readonly [what: string, where: RegExp][] = [
  ['\\Recent', /\\Recent/i],
  ['RECENT above 0', /^\* [1-9]\d* RECENT|\bRECENT [1-9]/i],
  ['TRYCREATE', /TRYCREATE/i],
  ['\\Noselect on a folder', /^\* (?:X?LIST|LSUB) \([^)]*\\Noselect[^)]*\) "[^"]*" "[^"]/i],
];

/** What no response may hold, whether or not a transcript looks at it: mail programs would show ghosts, ask questions or refuse drops. */
export function forbiddenIn(response: string): string | null {
  // Not in what a message says.
  const text = response.replace(/\{(\d+)\}\r\n.*$/s, '');
  return forbidden.find(([, where]) => where.test(text))?.[0] ?? null;
}

/** For people: as the transcript has it, with the values of what is bound. */
export function showExpected({ parts }: ExpectedResponse, bound: Bindings): string {
  const text = parts
    .map((part) => ('text' in part ? part.text : `{${part.literal.length}} ${shorten(part.literal.toString())}`))
    .join('');
  const values = new Map(
    [...text.matchAll(placeholder)].flatMap(([whole, name = '']): [string, string][] => {
      const value = bound.get(name);
      return value === undefined ? [] : [[whole, value]];
    }),
  );
  return values.size ? `${text}   (${[...values].map(([name, value]) => `${name} is ${value}`).join(', ')})` : text;
}

/** For people: one line, UTF-8 decoded. */
export function showResponse(response: string): string {
  return shorten(Buffer.from(response, 'latin1').toString());
}

function shorten(text: string): string {
  const line = text.replaceAll('\r', '\\r').replaceAll('\n', '\\n');
  return line.length > 600 ? `${line.slice(0, 600)}… (${line.length} characters)` : line;
}
