// A stored block of the index, as a search reads it: its contents, its texts, and the places of its words, page by page and only as far as
// they are asked for. How it is written: block-builder.ts.
import type { PageEntry } from './block-builder.ts';
import { ByteReader } from './bytes.ts';

/** How a word has to relate to what is looked for. */
export type Relation = 'equals' | 'begins' | 'ends' | 'holds';

/** Where the places of one block's words come from; read only when they are asked for. */
export interface PlaceSource {
  /** Those of all words that have no long list. */
  readonly places: Uint8Array;
  longList(rank: number): Uint8Array;
}

/** What is known of the contents of a block, each at its index; ascending by number. */
export interface BlockContents {
  numbers: Float64Array;
  readingVersions: Uint32Array;
  /** NaN without a readable Date. */
  sentDays: Float64Array;
  isRegular: Uint8Array;
}

/** The texts of neighbouring fields: text i has the places from `starts[i]`, and belongs to the content at index `contents[i]`. */
export interface Texts {
  contents: Uint32Array;
  /** One more than there are texts: where the last one ends. */
  starts: Uint32Array;
}

/** Places of one word: bytes [start, end). */
export interface PlaceList {
  bytes: Uint8Array;
  start: number;
  end: number;
}

export function readContents(stored: Uint8Array): BlockContents {
  const reader = new ByteReader(stored);
  const count = reader.number();
  const contents = {
    numbers: new Float64Array(count),
    readingVersions: new Uint32Array(count),
    sentDays: new Float64Array(count),
    isRegular: new Uint8Array(count),
  };
  let last = 0;
  for (let i = 0; i < count; i++) {
    contents.numbers[i] = last += reader.number();
    contents.readingVersions[i] = reader.number();
    const day = reader.number() - 1;
    contents.sentDays[i] = day < 0 ? NaN : day % 2 ? -(day + 1) / 2 : day / 2;
    contents.isRegular[i] = reader.number();
  }
  return contents;
}

/** The texts of the fields from `first` to `last`. */
export function readTexts(stored: Uint8Array, first: number, last: number): Texts {
  const groups = [...readFields(stored)].filter(({ field }) => field >= first && field <= last);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const contents = new Uint32Array(count);
  const starts = new Uint32Array(count + 1);
  let at = 0;
  for (const { count: own, start, bytes } of groups) {
    const reader = new ByteReader(bytes);
    let content = 0;
    let place = start;
    for (let i = 0; i < own; i++, at++) {
      contents[at] = content += reader.number();
      starts[at] = place;
      place += reader.number() + 1;
    }
    starts[at] = place;
  }
  return { contents, starts };
}

/** For each field that any content has: its texts, in the order of their contents. */
export function* readFields(
  stored: Uint8Array,
): Generator<{ field: number; count: number; start: number; bytes: Uint8Array }> {
  const reader = new ByteReader(stored);
  while (reader.at < stored.length) {
    const field = reader.number();
    const count = reader.number();
    const start = reader.number();
    const length = reader.number();
    yield { field, count, start, bytes: stored.subarray(reader.at, reader.at + length) };
    reader.at += length;
  }
}

export class BlockWords {
  readonly #words: Buffer;
  readonly #pages: readonly PageEntry[];
  readonly #source: PlaceSource;

  constructor(words: Buffer, pages: readonly PageEntry[], source: PlaceSource) {
    this.#words = words;
    this.#pages = pages;
    this.#source = source;
  }

  /** The places of each word that stands in this relation to `text`, which is not empty. */
  *placesWhere(relation: Relation, text: string): Generator<PlaceList> {
    const atBegin = relation === 'equals' || relation === 'begins';
    const atEnd = relation === 'equals' || relation === 'ends';
    const pattern = Buffer.from(`${atBegin ? '\0' : ''}${text}${atEnd ? '\0' : ''}`);
    const [first, last] = atBegin ? this.#pagesFor(text) : [0, this.#pages.length - 1];
    const words = this.#words.subarray(0, this.#endOf(last));
    let page = first;
    let lists: PageLists | null = null;
    let found = words.indexOf(pattern, this.#pages[first]?.offset ?? 0);
    while (found >= 0) {
      const within = atBegin ? found + 1 : found;
      for (; this.#endOf(page) <= within; page++) lists = null;
      lists ??= this.#listsOf(page);
      yield lists.of(within);
      const end = words.indexOf(0, within);
      found = words.indexOf(pattern, atBegin ? end : end + 1);
    }
  }

  /** All words with their places. */
  *all(): Generator<{ word: string; places: PlaceList }> {
    for (const [page, { offset }] of this.#pages.entries()) {
      const lists = this.#listsOf(page);
      for (let at = offset + 1; at < this.#endOf(page);) {
        const end = this.#words.indexOf(0, at);
        yield { word: this.#words.toString('utf8', at, end), places: lists.of(at) };
        at = end + 1;
      }
    }
  }

  /** Behind the zero byte at the end of the last word. */
  #endOf(page: number): number {
    const next = this.#pages[page + 1];
    return next ? next.offset + 1 : this.#words.length;
  }

  #listsOf(page: number): PageLists {
    const entry = this.#pages[page];
    if (!entry) throw new Error('the search index is damaged');
    return new PageLists(this.#words, entry, this.#source);
  }

  /** The pages that may have words that begin with `text`. */
  #pagesFor(text: string): [number, number] {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pages[middle]?.word ?? '') <= text) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (this.#pages[end]?.word.startsWith(text)) end++;
    return [Math.max(low - 1, 0), Math.max(end - 1, 0)];
  }
}

/** The lists of one page, asked for in ascending order. */
class PageLists {
  readonly #words: Buffer;
  readonly #source: PlaceSource;
  readonly #lengths: ByteReader;
  /** Up to where the words were counted. */
  #at: number;
  /** Of the word that this position is in. */
  #rank: number;
  /** Of the word that the next length belongs to, and where its list begins. */
  #nextRank: number;
  #nextList: number;

  constructor(words: Buffer, { rank, offset, places }: PageEntry, source: PlaceSource) {
    this.#words = words;
    this.#source = source;
    this.#at = offset;
    this.#rank = rank - 1;
    this.#nextRank = rank;
    this.#lengths = new ByteReader(source.places, places);
    const lengthBytes = this.#lengths.number();
    this.#nextList = this.#lengths.at + lengthBytes;
  }

  /** The list of the word that the byte at `offset` belongs to. */
  of(offset: number): PlaceList {
    const words = this.#words;
    let rank = this.#rank;
    for (let at = this.#at; at < offset; at++) if (words[at] === 0) rank++;
    this.#at = offset;
    this.#rank = rank;
    for (; this.#nextRank < rank; this.#nextRank++) this.#nextList += this.#lengths.number();
    const length = this.#lengths.number();
    const start = this.#nextList;
    this.#nextRank++;
    this.#nextList += length;
    if (length) return { bytes: this.#source.places, start, end: start + length };
    const bytes = this.#source.longList(rank);
    return { bytes, start: 0, end: bytes.length };
  }
}

/** Writes the places into `into`, which has room for one per byte; answers how many there are. */
export function decodePlaces({ bytes, start, end }: PlaceList, into: Uint32Array): number {
  let count = 0;
  let place = 0;
  for (let at = start; at < end;) {
    // Most differences take one or two bytes; spelled out because this loop is what a search of common words spends its time on.
    let difference = bytes[at++] ?? 0;
    if (difference >= 0x80) {
      difference = (difference & 0x7f) | ((bytes[at++] ?? 0) << 7);
      if (difference >= 0x4000) {
        difference = (difference & 0x3fff) | ((bytes[at++] ?? 0) << 14);
        if (difference >= 0x20_0000) {
          difference = (difference & 0x1f_ffff) | ((bytes[at++] ?? 0) << 21);
          if (difference >= 0x1000_0000) difference = (difference & 0xfff_ffff) + (bytes[at++] ?? 0) * 0x1000_0000;
        }
      }
    }
    place += difference;
    into[count++] = place;
  }
  return count;
}
