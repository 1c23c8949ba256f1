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
    if (item.kind === 'body' || (item.kind === 'section' && !isListHeader(item))) return null;
    if (item.kind === 'section') values.add('listHeader');
    else if (item.kind === 'envelope' || item.kind === 'bodyStructure') values.add(item.kind);
    else if (item.kind !== 'uid') also.add(listNames[item.kind]);
  }
  const query = { values: [...values], also: [...also] };
  return {
    query,
    items: items.map((item, i) => ({
      label: Buffer.from(`${i ? ' ' : ' FETCH ('}${item.label} `, 'latin1'),
      put: putter(item, query.values),
    })),
  };
}

const listNames = { flags: 'flags', size: 'sizeBytes', internalDate: 'internalDates' } as const;

/** Asks for nothing but fields of the packed list header. */
function isListHeader({ section, partial }: SectionItem): boolean {
  if (section.what !== 'HEADER.FIELDS' || section.part.length || partial) return false;
  return section.fields.every((field) => listedFields.has(field.toLowerCase()));
}

function putter(item: FetchItem, values: readonly PackedValue[]): ListItem['put'] {
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
    case 'bodyStructure': {
      const place = values.indexOf(item.kind);
      return (buffer, start, { messages }, index) => {
        const at = (index * values.length + place) * 2;
        return start + messages.bytes.copy(buffer, start, messages.positions[at], messages.positions[at + 1]);
      };
    }
    case 'section':
      return headerPutter(item, values);
    case 'body':
      throw new Error('BODY is not packed');
  }
}

function headerPutter({ section }: SectionItem, values: readonly PackedValue[]): ListItem['put'] {
  const isWhole = new Set(section.fields.map((field) => field.toLowerCase())).size === listedFields.size;
  const select = fieldSelector(section);
  return (buffer, start, { messages: { bytes, positions } }, index) => {
    const at = (index * values.length + values.indexOf('listHeader')) * 2;
    const header = bytes.subarray(positions[at], positions[at + 1]);
    const selected = isWhole ? header : select(header);
    const value = putBytes(
      buffer,
      putNumber(buffer, putBytes(buffer, start, literalBegin), selected.length),
      literalEnd,
    );
    buffer.set(selected, value);
    return value + selected.length;
  };
}
