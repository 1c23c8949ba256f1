// Which FETCH can be answered from packed values alone, what it has to ask of the storage, and how each item is put into a line: the same bytes
// that fetch-line.ts would make. Pure. Called by fetch-list.ts.
import type { PackedMessages, PackedQuery, PackedValue } from '../quarantine/ports.ts';
import { LIST_HEADER_FIELDS } from '../quarantine/reading/list-header.ts';
import { fieldSelector } from './body-section.ts';
import { formatInternalDate } from './dates.ts';
import type { FetchItem, SectionItem } from './fetch-items.ts';
import { putBytes, putNumber } from './put-bytes.ts';

/** Messages of one answer of the storage. */
export interface ListPage {
  messages: PackedMessages;
  /** How each of the flag sets is written. */
  flagTexts: readonly Buffer[];
}

export interface ListItem {
  /** With what separates it from the item before. */
  label: Buffer;
  /** Place of the packed value that it is made of, which is the most that it takes; -1 when there is none. */
  value: number;
  /** Puts the value of the message at `index` into the buffer; answers where it ends. */
  put(buffer: Buffer, start: number, page: ListPage, index: number): number;
}

export interface ListPlan {
  query: Omit<PackedQuery, 'limit'>;
  items: readonly ListItem[];
}

const [literalBegin, literalEnd] = [Buffer.from('{'), Buffer.from('}\r\n')];
const listedFields = new Set(LIST_HEADER_FIELDS.map((field) => field.toLowerCase()));

/** Null when an item needs more than what is packed. */
export function planList(items: readonly FetchItem[]): ListPlan | null {
  const values = new Set<PackedValue>();
  const also = new Set<PackedQuery['also'][number]>();
  for (const item of items) {
    const value = valueOf(item);
    if (value) values.add(value);
    else if (item.kind === 'body' || item.kind === 'section') return null;
    else if (item.kind === 'flags' || item.kind === 'size' || item.kind === 'internalDate')
      also.add(listNames[item.kind]);
  }
  const query = { values: [...values], also: [...also] };
  return {
    query,
    items: items.map((item, i) => {
      const name = valueOf(item);
      const place = name ? query.values.indexOf(name) : -1;
      const label = Buffer.from(`${i ? ' ' : ' FETCH ('}${item.label} `, 'latin1');
      return { label, value: place, put: putter(item, query.values.length, place) };
    }),
  };
}

const listNames = { flags: 'flags', size: 'sizeBytes', internalDate: 'internalDates' } as const;

/** The packed value that has all that an item asks for. */
function valueOf(item: FetchItem): PackedValue | null {
  if (item.kind === 'section') return sectionValue(item);
  return item.kind === 'envelope' || item.kind === 'bodyStructure' ? item.kind : null;
}

function sectionValue({ section, partial }: SectionItem): PackedValue | null {
  if (section.part.length || partial) return null;
  if (section.what === 'ALL') return 'content';
  const isListed = section.fields.every((field) => listedFields.has(field.toLowerCase()));
  return section.what === 'HEADER.FIELDS' && isListed ? 'listHeader' : null;
}

function putter(item: FetchItem, width: number, place: number): ListItem['put'] {
  switch (item.kind) {
    case 'uid':
      return (buffer, start, { messages }, index) => putNumber(buffer, start, messages.uids[index] ?? 0);
    case 'size':
      return (buffer, start, { messages }, index) => putNumber(buffer, start, messages.sizeBytes[index] ?? 0);
    case 'flags':
      return (buffer, start, { messages, flagTexts }, index) =>
        putBytes(buffer, start, flagTexts[messages.flags[index] ?? 0] ?? Buffer.alloc(0));
    case 'internalDate':
      return (buffer, start, { messages }, index) =>
        start + buffer.write(formatInternalDate(messages.internalDates[index] ?? 0), start, 'latin1');
    case 'envelope':
    case 'bodyStructure':
      return (buffer, start, { messages }, index) => {
        const at = (index * width + place) * 2;
        return start + messages.bytes.copy(buffer, start, messages.positions[at], messages.positions[at + 1]);
      };
    case 'section':
      return item.section.what === 'ALL' ? contentPutter(width, place) : headerPutter(item, width, place);
    case 'body':
      throw new Error('BODY is not packed');
  }
}

function contentPutter(width: number, place: number): ListItem['put'] {
  return (buffer, start, { messages: { bytes, positions } }, index) => {
    const at = (index * width + place) * 2;
    const [from = 0, to = 0] = [positions[at], positions[at + 1]];
    const value = putLiteral(buffer, start, to - from);
    return value + bytes.copy(buffer, value, from, to);
  };
}

function headerPutter({ section }: SectionItem, width: number, place: number): ListItem['put'] {
  const isWhole = new Set(section.fields.map((field) => field.toLowerCase())).size === listedFields.size;
  const select = fieldSelector(section);
  return (buffer, start, { messages: { bytes, positions } }, index) => {
    const at = (index * width + place) * 2;
    const header = bytes.subarray(positions[at], positions[at + 1]);
    const selected = isWhole ? header : select(header);
    const value = putLiteral(buffer, start, selected.length);
    buffer.set(selected, value);
    return value + selected.length;
  };
}

/** What stands before the bytes of a literal. */
function putLiteral(buffer: Buffer, start: number, length: number): number {
  return putBytes(buffer, putNumber(buffer, putBytes(buffer, start, literalBegin), length), literalEnd);
}
