// The texts of one message as a search compares them: decoded and folded, each read only when it is asked for. Whatever answers a search
// (match.ts, the index of a storage) takes them from here, so that all of them find the same.
import { decodedHeader, decodedText, textCharset } from '../reading/decoded-text.ts';
import type { ReadBytes } from '../reading/decoded-text.ts';
import { decodeHeaderText } from '../reading/encoded-words.ts';
import { fieldText, HeaderCursor } from '../reading/header-fields.ts';
import type { FieldNames, FieldRange } from '../reading/header-fields.ts';
import { LIST_HEADER_FIELDS } from '../reading/list-header.ts';
import type { Reading } from '../reading/reading.ts';
import { foldText } from './folded-text.ts';
import { sentDay } from './sent-day.ts';

/** Raised whenever a message would give other texts than before, so that an index of the former ones is recognised as old. */
export const SEARCH_TEXT_VERSION = 4;

// Of the header, of one field of it, and how often a field may stand there: whatever else is asked for, so that what is found by one
// field does not depend on the others.
const maxHeaderBytes = 1024 * 1024;
const maxFieldBytes = 256 * 1024;
const maxRepeated = 10_000;

/** Names of the fields that are kept with a message's reading, in lower case: the cheap ones. */
export const keptFields: readonly string[] = LIST_HEADER_FIELDS.map((field) => field.toLowerCase());
const kept = new Set(keptFields);

/** The message left while it was looked at. */
export class ContentGone extends Error {}

export class MessageText {
  readonly #reading: Reading;
  readonly #content: ReadBytes;
  readonly #names: FieldNames;
  readonly #charset: string | null;
  #keptFields: CollectedValues | null = null;
  #allFields: CollectedValues | null = null;
  #headerBytes: Buffer | null = null;
  #header: string | null = null;
  #body: string | null = null;

  /** @param names of all the fields that will be asked for */
  constructor(reading: Reading, content: ReadBytes, names: FieldNames) {
    this.#reading = reading;
    this.#charset = textCharset(reading);
    this.#content = content;
    this.#names = names;
  }

  /** The values of a field, one for each time it stands in the header. All methods throw ContentGone. */
  async field(name: string): Promise<readonly string[]> {
    const { listHeader } = this.#reading;
    if (listHeader !== null && kept.has(name)) {
      this.#keptFields ??= new CollectedValues(Buffer.from(listHeader, 'latin1'), this.#names, this.#charset);
      return this.#keptFields.all(name);
    }
    this.#allFields ??= new CollectedValues(await this.headerBytes(), this.#names, this.#charset);
    return this.#allFields.all(name);
  }

  /** The day of the Date field; null when there is none or it cannot be read. */
  async sentDay(): Promise<number | null> {
    const [date] = await this.field('date');
    return date === undefined ? null : sentDay(date);
  }

  async header(): Promise<string> {
    this.#header ??= foldText(decodedHeader(await this.headerBytes(), this.#charset));
    return this.#header;
  }

  async body(): Promise<string> {
    if (this.#body === null) {
      const text = await decodedText(this.#reading, this.#content);
      if (text === null) throw new ContentGone();
      this.#body = foldText(text);
    }
    return this.#body;
  }

  /** The header as it came in, up to the limit of what is searched. */
  async headerBytes(): Promise<Buffer> {
    const { headerBytes } = this.#reading;
    if (headerBytes === 0) return Buffer.alloc(0);
    this.#headerBytes ??= await this.#content(0, Math.min(headerBytes, maxHeaderBytes));
    if (this.#headerBytes === null) throw new ContentGone();
    return this.#headerBytes;
  }
}

class CollectedValues {
  readonly #header: Buffer;
  readonly #charset: string | null;
  readonly #fields = new Map<string, FieldRange[]>();
  readonly #values = new Map<string, readonly string[]>();

  constructor(header: Buffer, names: FieldNames, charset: string | null) {
    this.#header = header;
    this.#charset = charset;
    for (const cursor = new HeaderCursor(header, 0, header.length); cursor.next();) {
      const name = names.match(cursor);
      if (name !== null) this.#collect(name, cursor);
    }
  }

  #collect(name: string, { start, nameEnd, valueStart, end }: FieldRange): void {
    const same = this.#fields.get(name);
    if (!same) this.#fields.set(name, [{ start, nameEnd, valueStart, end }]);
    else if (same.length < maxRepeated) same.push({ start, nameEnd, valueStart, end });
  }

  all(name: string): readonly string[] {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const fields = this.#fields.get(name) ?? [];
    const values = fields.map((field) => this.#textOf(field));
    this.#values.set(name, values);
    return values;
  }

  #textOf(field: FieldRange): string {
    return foldText(decodeHeaderText(fieldText(this.#header, field, maxFieldBytes), this.#charset));
  }
}
