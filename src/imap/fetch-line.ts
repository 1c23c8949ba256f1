// One line of FETCH's answer: `* 7 FETCH (UID 12 FLAGS () BODY[] {4711} …)`. Loads what it needs of the content before its first byte goes
// out, so that a message which has just left can be passed over whole; only what is too large for that is streamed.
import type { ListedMessage } from '../quarantine/ports.ts';
import { TemporaryError } from '../quarantine/errors.ts';
import type { Reading } from '../quarantine/reading/reading.ts';
import { cutRange, locateSection, selectFields } from './body-section.ts';
import type { ByteRange } from './body-section.ts';
import { formatInternalDate } from './dates.ts';
import type { FetchItem, PlainItem, SectionItem } from './fetch-items.ts';
import { formatFlags } from './flags.ts';

export interface FetchedMessage extends ListedMessage {
  /** The client's sequence number. */
  number: number;
  /** The flags were changed by this very FETCH and must be told. */
  flagsChanged: boolean;
  /** Null only where no item needs it. */
  reading: Reading | null;
}

type ReadContent = (start: number, end: number) => Promise<Buffer | null>;

/** A range of the content: its beginning, or all of it, is loaded before the line goes out, as far as there is room. */
interface ContentPiece {
  range: ByteRange;
  loaded: Buffer | null;
  /** Filters the header down to the fields that were asked for; such a piece is loaded whole, or not before it goes out. */
  select: ((header: Buffer) => Buffer) | null;
  label: string;
  partial: SectionItem['partial'];
}

/** Up to this much of one line is loaded before it goes out. */
const wholeBytes = 1024 * 1024;
/** What is not goes out in pieces that begin at multiples of this; the storage reads those with the least work. */
const pieceBytes = 512 * 1024;

export class FetchLine {
  readonly uid: number;
  /** The flags that it tells; null when it tells none. */
  readonly flags: readonly string[] | null;
  readonly contentBytes: number;
  readonly #read: ReadContent;
  readonly #parts: (string | ContentPiece)[];

  constructor(message: FetchedMessage, items: readonly FetchItem[], read: ReadContent) {
    this.#read = read;
    const parts: (string | ContentPiece)[] = [];
    const told = message.flagsChanged && !items.some(({ kind }) => kind === 'flags') ? [...items, flagsItem] : items;
    this.uid = message.uid;
    this.flags = told.some(({ kind }) => kind === 'flags') ? message.flags : null;
    for (const item of told) parts.push(parts.length ? ' ' : `* ${message.number} FETCH (`, answer(message, item));
    this.#parts = [...parts, ')\r\n'];
    this.contentBytes = parts.reduce(
      (sum, part) => sum + (typeof part === 'string' ? 0 : part.range.end - part.range.start),
      0,
    );
  }

  /** False: the content is gone; the message has just left. */
  async load(): Promise<boolean> {
    let room = wholeBytes;
    let isThere = false;
    for (const part of this.#parts) {
      if (typeof part === 'string' || part.range.end === part.range.start) continue;
      const { start, end } = part.range;
      const fits = part.select ? end - start <= room : room > 0;
      if (!fits && isThere) continue;
      const loaded = await this.#read(start, Math.min(end, start + (fits ? room : 1)));
      if (!loaded) return false;
      isThere = true;
      if (!fits) continue;
      part.loaded = loaded;
      room -= loaded.length;
    }
    return true;
  }

  /** The line in pieces, in order. */
  async *pieces(): AsyncGenerator<Buffer> {
    for (const part of this.#parts) {
      if (typeof part === 'string') yield Buffer.from(part, 'latin1');
      else yield* this.#contentPieces(part);
    }
  }

  async *#contentPieces({ range, loaded, select, label, partial }: ContentPiece): AsyncGenerator<Buffer> {
    if (select) {
      const header = loaded ?? (await this.#readAll(range));
      const selected = select(header);
      const cut = cutRange({ start: 0, end: selected.length }, partial);
      yield literal(label, cut.end - cut.start);
      yield selected.subarray(cut.start, cut.end);
      return;
    }
    yield literal(label, range.end - range.start);
    const rest = { start: range.start + (loaded?.length ?? 0), end: range.end };
    let coming = this.#readAhead(rest);
    if (loaded) yield loaded;
    while (coming) {
      const next = await coming;
      rest.start += next.length;
      coming = this.#readAhead(rest);
      yield next;
    }
  }

  /** Asks for the next piece before the one before it goes out, so that storage and socket work at the same time. */
  #readAhead({ start, end }: ByteRange): Promise<Buffer> | null {
    if (start >= end) return null;
    const coming = this.#readAll({ start, end: Math.min(end, start - (start % pieceBytes) + pieceBytes) });
    // Nobody waits for it any more when the connection is lost meanwhile.
    coming.catch(() => undefined);
    return coming;
  }

  async #readAll({ start, end }: ByteRange): Promise<Buffer> {
    if (start === end) return Buffer.alloc(0);
    const bytes = await this.#read(start, end);
    // The line has begun: nothing but the end of the connection tells the client that it is incomplete.
    if (!bytes?.length) throw new TemporaryError('The message left while it was being read.');
    return bytes;
  }
}

const flagsItem: PlainItem = { kind: 'flags', label: 'FLAGS' };

function literal(label: string, length: number): Buffer {
  return Buffer.from(length ? `${label} {${length}}\r\n` : `${label} ""`, 'latin1');
}

function answer(message: FetchedMessage, item: FetchItem): string | ContentPiece {
  if (item.kind === 'section') return sectionAnswer(message.reading, item);
  return `${item.label} ${plainValue(message, item.kind)}`;
}

function plainValue(message: FetchedMessage, kind: PlainItem['kind']): string {
  switch (kind) {
    case 'uid':
      return String(message.uid);
    case 'flags':
      return formatFlags(message.flags);
    case 'internalDate':
      return formatInternalDate(message.internalDate);
    case 'size':
      return String(message.sizeBytes);
    case 'envelope':
      return message.reading?.envelope ?? 'NIL';
    case 'body':
      return message.reading?.body ?? 'NIL';
    case 'bodyStructure':
      return message.reading?.bodyStructure ?? 'NIL';
  }
}

function sectionAnswer(reading: Reading | null, { label, section, partial }: SectionItem): string | ContentPiece {
  const source = reading ? locateSection(reading, section) : ({ from: 'nowhere' } as const);
  switch (source.from) {
    case 'nowhere':
      return `${label} NIL`;
    case 'reading': {
      const cut = cutRange({ start: 0, end: source.bytes.length }, partial);
      const bytes = source.bytes.slice(cut.start, cut.end);
      return bytes ? `${label} {${bytes.length}}\r\n${bytes}` : `${label} ""`;
    }
    case 'content':
      return { range: cutRange(source, partial), loaded: null, select: null, label, partial: null };
    case 'header':
      return { range: source, loaded: null, select: (header) => selectFields(header, section), label, partial };
  }
}
