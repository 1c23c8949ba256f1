// Makes a block of the index: the atoms of some hundred contents, each different one once, with the places where it stands. Places count
// all atoms of the block in the order of field and content, and leave one out between two texts, so that nothing is found across them.
// What a block looks like when it is stored: index-file.ts. Called by the indexer.
import { ByteWriter } from './bytes.ts';
import { nothing } from './atoms.ts';

/** What a search needs to know of a content besides its texts. */
export interface IndexedContent {
  /** Of the store, which gives none twice. */
  readonly number: number;
  /** The first eight bytes of its SHA-256. */
  readonly digest: Uint8Array;
  readonly readingVersion: number;
  /** Days since 1970; null without a readable Date. */
  readonly sentDay: number | null;
  /** Whether all that a search may find in one field of the header is found in the header as a whole, too. */
  readonly isRegular: boolean;
}

/** One text of a content; its atoms by the numbers that the builder gives them. */
export interface Piece {
  readonly field: number;
  readonly atoms: Uint32Array;
}

export interface Block {
  /** How many atoms it has, which is its size. */
  readonly atoms: number;
  readonly contents: Buffer;
  readonly digests: Buffer;
  readonly texts: Buffer;
  /** Ascending, each between two zero bytes. */
  readonly words: Buffer;
  readonly pages: readonly PageEntry[];
  /** The places of the words, page by page. */
  readonly places: Buffer;
  /** The places of words that have many, by the rank of the word. */
  readonly longLists: readonly { readonly rank: number; readonly places: Buffer }[];
}

/** Where a page of words begins; words are counted from here. */
export interface PageEntry {
  readonly word: string;
  /** How many words come before. */
  readonly rank: number;
  /** Of the zero byte before its first word. */
  readonly offset: number;
  /** Where its places begin. */
  readonly places: number;
}

interface Text {
  readonly field: number;
  readonly content: IndexedContent;
  /** Where its atoms are in the builder. */
  readonly start: number;
  readonly end: number;
}

/** To find a word's places its page is counted through up to the word. */
const pageBytes = 4 * 1024;
/** A longer list is stored by itself, so that it need not be read for the sake of its neighbours. */
const longListBytes = 512;

export class BlockBuilder {
  readonly #contents: IndexedContent[] = [];
  readonly #texts: Text[] = [];
  readonly #words = new Map<string, number>([[nothing, 0]]);
  #atoms = new Uint32Array(1 << 16);
  #length = 0;
  #characters = 0;

  get isEmpty(): boolean {
    return this.#contents.length === 0;
  }

  get atoms(): number {
    return this.#length;
  }

  /** Of all words together, each different one once. */
  get characters(): number {
    return this.#characters;
  }

  add(content: IndexedContent, pieces: Iterable<Piece>): void {
    this.#contents.push(content);
    for (const { field, atoms } of pieces) {
      const start = this.#length;
      this.#reserve(atoms.length);
      this.#atoms.set(atoms, start);
      this.#length += atoms.length;
      this.#texts.push({ field, content, start, end: this.#length });
    }
  }

  /** The builder's number for an atom; 0 for `nothing`. */
  numberOf(word: string): number {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const number = this.#words.size;
    // A copy: a piece of a text keeps the whole of it in memory.
    this.#words.set(Buffer.from(word).toString(), number);
    this.#characters += word.length;
    return number;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#atoms.length) return;
    const larger = new Uint32Array(Math.max(this.#atoms.length * 2, this.#length + more));
    larger.set(this.#atoms);
    this.#atoms = larger;
  }

  finish(): Block {
    const contents = this.#contents.sort((a, b) => a.number - b.number);
    const indexOf = new Map(contents.map((content, index) => [content, index]));
    const order = ({ content }: Text): number => indexOf.get(content) ?? 0;
    const texts = this.#texts.sort((a, b) => a.field - b.field || order(a) - order(b) || a.start - b.start);
    const words = this.#usedWords().sort();
    const { starts, places } = this.#placesOf(words, texts);
    return {
      atoms: this.#length,
      ...writeContents(contents),
      texts: writeTexts(texts.map((text) => ({ ...text, content: order(text), length: text.end - text.start }))),
      ...writePages(words, starts, places),
    };
  }

  /** Words may have been numbered for a content that was not added. */
  #usedWords(): string[] {
    const isUsed = new Uint8Array(this.#words.size);
    for (let at = 0; at < this.#length; at++) isUsed[this.#atoms[at] ?? 0] = 1;
    return [...this.#words].flatMap(([word, number]) => (number && isUsed[number] ? [word] : []));
  }

  /** The places of the word at index i are `places` from `starts[i]` up to `starts[i + 1]`, ascending. */
  #placesOf(words: readonly string[], texts: readonly Text[]): { starts: Uint32Array; places: Uint32Array } {
    const ranks = new Uint32Array(this.#words.size);
    words.forEach((word, rank) => (ranks[this.#words.get(word) ?? 0] = rank));
    const atoms = this.#atoms;
    const starts = new Uint32Array(words.length + 2);
    for (let at = 0; at < this.#length; at++) {
      const word = atoms[at] ?? 0;
      const counter = (ranks[word] ?? 0) + 2;
      if (word) starts[counter] = (starts[counter] ?? 0) + 1;
    }
    for (let rank = 2; rank < starts.length; rank++) starts[rank] = (starts[rank] ?? 0) + (starts[rank - 1] ?? 0);
    const places = new Uint32Array(this.#length);
    let place = 0;
    for (const { start, end } of texts) {
      for (let at = start; at < end; at++, place++) {
        const word = atoms[at] ?? 0;
        if (!word) continue;
        // Where the next place of this word goes; in the end that is where the next word begins.
        const cursor = (ranks[word] ?? 0) + 1;
        const to = starts[cursor] ?? 0;
        places[to] = place;
        starts[cursor] = to + 1;
      }
      place++;
    }
    return { starts, places };
  }
}

function writeContents(contents: readonly IndexedContent[]): { contents: Buffer; digests: Buffer } {
  const written = new ByteWriter();
  written.number(contents.length);
  let last = 0;
  for (const { number, readingVersion, sentDay, isRegular } of contents) {
    written.number(number - last);
    written.number(readingVersion);
    // Days before 1970 are odd, 0 is none.
    written.number(sentDay === null ? 0 : 1 + (sentDay < 0 ? -2 * sentDay - 1 : 2 * sentDay));
    written.number(Number(isRegular));
    last = number;
  }
  return { contents: written.take(), digests: Buffer.concat(contents.map(({ digest }) => digest)) };
}

/**
 * For each field that any content has: its number, how many texts, the place of the first one, how many bytes follow; for each text the
 * difference of its content to the one before, and its length.
 */
function writeTexts(texts: readonly { field: number; content: number; length: number }[]): Buffer {
  const written = new ByteWriter();
  const group = new ByteWriter();
  let place = 0;
  for (let first = 0; first < texts.length;) {
    const field = texts[first]?.field ?? 0;
    const start = place;
    let last = 0;
    let end = first;
    for (; texts[end]?.field === field; end++) {
      const { content, length } = texts[end] ?? { content: 0, length: 0 };
      group.number(content - last);
      group.number(length);
      last = content;
      place += length + 1;
    }
    for (const number of [field, end - first, start, group.length]) written.number(number);
    written.append(group.take());
    first = end;
  }
  return written.take();
}

/** The places of a page: how many bytes its lengths take; for each word the length of its list, 0 for a long one; the lists. */
function writePages(
  words: readonly string[],
  starts: Uint32Array,
  places: Uint32Array,
): Pick<Block, 'words' | 'pages' | 'places' | 'longLists'> {
  const [text, all, lengths, lists, list] = [
    new ByteWriter(),
    new ByteWriter(),
    new ByteWriter(),
    new ByteWriter(),
    new ByteWriter(),
  ];
  const pages: PageEntry[] = [];
  const longLists: { rank: number; places: Buffer }[] = [];
  const zero = Buffer.of(0);
  text.append(zero);
  let isNew = true;
  words.forEach((word, rank) => {
    if (isNew) pages.push({ word, rank, offset: text.length - 1, places: all.length });
    text.append(Buffer.from(word, 'utf8'));
    text.append(zero);
    const written = writeList(list, places.subarray(starts[rank], starts[rank + 1]));
    const isLong = written.length > longListBytes;
    lengths.number(isLong ? 0 : written.length);
    if (isLong) longLists.push({ rank, places: written });
    else lists.append(written);
    isNew = text.length - (pages.at(-1)?.offset ?? 0) >= pageBytes || rank === words.length - 1;
    if (!isNew) return;
    all.number(lengths.length);
    all.append(lengths.take());
    all.append(lists.take());
  });
  return { words: text.take(), pages, places: all.take(), longLists };
}

/** Ascending places as the differences between them. */
function writeList(list: ByteWriter, places: Uint32Array): Buffer {
  let last = 0;
  for (const place of places) {
    list.number(place - last);
    last = place;
  }
  return list.take();
}
