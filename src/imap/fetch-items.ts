// What a FETCH asks for: its arguments as a list of typed items, each with the label under which the answer goes out.
// Decides nothing about messages. Called by FETCH and UID FETCH.

import { Refusal } from '../quarantine/errors.ts';
import { BadCommand } from './answers.ts';
import type { BodySection } from './body-section.ts';
import type { Argument, SectionArgument } from './command.ts';
import { readNoMore } from './read-arguments.ts';
import { writeAstring } from './astring.ts';

export type FetchItem = PlainItem | SectionItem;

/** Answered from what is stored beside the message. */
export interface PlainItem {
  readonly kind: 'flags' | 'uid' | 'internalDate' | 'size' | 'envelope' | 'body' | 'bodyStructure';
  readonly label: string;
}

/** Answered with bytes of the content. */
export interface SectionItem {
  readonly kind: 'section';
  /** Exactly what precedes the value: `BODY[HEADER.FIELDS (From To)]<0>`, `RFC822.TEXT`. One byte per character. */
  readonly label: string;
  readonly section: BodySection;
  /** `length` may reach beyond the end; `start` beyond it makes the answer `""`. */
  readonly partial: { readonly start: number; readonly length: number } | null;
  /** False: the message becomes \Seen. */
  readonly peek: boolean;
}

/** More than any mail program asks for; without a limit one line could ask for a message thousands of times. */
const maxItems = 100;
const whole: BodySection = { part: [], what: 'ALL', fields: [] };

const plainItems = new Map<string, PlainItem['kind']>([
  ['FLAGS', 'flags'],
  ['UID', 'uid'],
  ['INTERNALDATE', 'internalDate'],
  ['RFC822.SIZE', 'size'],
  ['ENVELOPE', 'envelope'],
  ['BODY', 'body'],
  ['BODYSTRUCTURE', 'bodyStructure'],
]);

const oldSections = new Map<string, Pick<SectionItem, 'section' | 'peek'>>([
  ['RFC822', { section: whole, peek: false }],
  ['RFC822.HEADER', { section: { ...whole, what: 'HEADER' }, peek: true }],
  ['RFC822.TEXT', { section: { ...whole, what: 'TEXT' }, peek: false }],
]);

const sectionNames = new Map<string, BodySection['what']>([
  ['HEADER', 'HEADER'],
  ['HEADER.FIELDS', 'HEADER.FIELDS'],
  ['HEADER.FIELDS.NOT', 'HEADER.FIELDS.NOT'],
  ['TEXT', 'TEXT'],
  ['MIME', 'MIME'],
]);

const macros = new Map<string, readonly string[]>([
  ['FAST', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE']],
  ['ALL', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE']],
  ['FULL', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY']],
]);

/**
 * `args` are what follows the message set. The items in the order of the request, each label once; with `uid` the UID
 * comes first whether it was asked for or not. Throws BadCommand, and Refusal for more items than anybody needs.
 */
export function parseFetchItems(args: readonly Argument[], uid: boolean): FetchItem[] {
  const [wanted, modifiers] = args;
  if (wanted === undefined) throw new BadCommand('The list of items to fetch is missing');
  if (modifiers?.kind === 'list') throw new BadCommand('FETCH knows no modifiers such as CHANGEDSINCE here');
  readNoMore(args, 1);
  const written = wanted.kind === 'list' ? wanted.items : [wanted];
  if (written.length === 0) throw new BadCommand('The list of items to fetch is empty');

  // RFC 9051 section 6.4.9: every FETCH response to UID FETCH names the UID.
  const items = new Map<string, FetchItem>(uid ? [['UID', { kind: 'uid', label: 'UID' }]] : []);
  for (const item of written.flatMap(parseItem)) {
    const same = items.get(item.label);
    // BODY[] and BODY.PEEK[] have one label: one answer for both, and it marks the message as read.
    if (same === undefined || (same.kind === 'section' && same.peek)) items.set(item.label, item);
  }
  if (items.size > maxItems) throw new Refusal('LIMIT', `A FETCH may ask for ${maxItems} items at most.`);
  return [...items.values()];
}

/** Whether the answer makes the message \Seen. */
export function marksSeen(items: readonly FetchItem[]): boolean {
  return items.some((item) => item.kind === 'section' && !item.peek);
}

function parseItem(argument: Argument): FetchItem[] {
  if (argument.kind === 'section') return [sectionItem(argument)];
  if (argument.kind !== 'atom') throw new BadCommand('An item to fetch is a word such as FLAGS or BODY[]');
  const word = argument.value.toUpperCase();
  const macro = macros.get(word);
  return macro === undefined ? [wordItem(word)] : macro.map(wordItem);
}

function wordItem(word: string): FetchItem {
  const plain = plainItems.get(word);
  if (plain !== undefined) return { kind: plain, label: word };
  const old = oldSections.get(word);
  if (old !== undefined) return { kind: 'section', label: word, partial: null, ...old };
  throw new BadCommand(/^[A-Z0-9.]{1,30}$/.test(word) ? `FETCH does not know ${word}` : 'FETCH does not know an item');
}

function sectionItem({ name, section: written, fields, partial }: SectionArgument): SectionItem {
  const section = parseSection(written, fields);
  const names = fields === null ? '' : ` (${fields.map(writeAstring).join(' ')})`;
  // RFC 9051 section 7.5.2: the answer repeats the origin of a part, not its length, and never ".PEEK".
  const origin = partial === null ? '' : `<${partial.start}>`;
  return {
    kind: 'section',
    label: `BODY[${written}${names}]${origin}`,
    section,
    partial,
    peek: name === 'BODY.PEEK',
  };
}

function parseSection(written: string, fields: readonly string[] | null): BodySection {
  const match = /^((?:[1-9]\d{0,9}(?:\.(?=.)|$))*)(|HEADER|HEADER\.FIELDS|HEADER\.FIELDS\.NOT|TEXT|MIME)$/.exec(
    written,
  );
  if (match === null) throw new BadCommand('A section is made of part numbers and HEADER, HEADER.FIELDS, TEXT or MIME');
  const [, path = '', name = ''] = match;
  const what = sectionNames.get(name) ?? 'ALL';
  const part = path.split('.').filter(Boolean).map(Number);
  if (what === 'MIME' && part.length === 0) throw new BadCommand('MIME needs the number of a part: BODY[1.MIME]');
  const takesFields = what === 'HEADER.FIELDS' || what === 'HEADER.FIELDS.NOT';
  if (takesFields && !fields?.length) throw new BadCommand(`${what} needs a list of header fields in parentheses`);
  if (!takesFields && fields !== null) throw new BadCommand('Only HEADER.FIELDS takes a list of header fields');
  return { part, what, fields: fields ?? [] };
}
