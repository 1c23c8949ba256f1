// Evaluates a tree of search keys against messages, the cheapest keys first: what the list of messages tells (flags,
// dates, sizes, numbers), then the stored header fields, then the header, and only then the body. Texts are compared
// as people read them: decoded, without regard to case, white space of any length the same. Called by SEARCH.

import { decodedHeader, decodedText } from '../quarantine/reading/decoded-text.ts';
import type { ReadBytes } from '../quarantine/reading/decoded-text.ts';
import { decodeHeaderText } from '../quarantine/reading/encoded-words.ts';
import { CollectedFields, FieldNames, HeaderCursor, fieldText } from '../quarantine/reading/header-fields.ts';
import { LIST_HEADER_FIELDS } from '../quarantine/reading/list-header.ts';
import type { Reading } from '../quarantine/reading/reading.ts';
import { dayOfDateHeader, dayOfMoment } from './dates.ts';
import { foldText } from './folded-text.ts';
import type { SearchKey } from './search-keys.ts';
import { includesNumber } from './sequence-set.ts';

/** What the list of a mailbox tells about a message. */
export interface ListedCandidate {
  readonly sequenceNumber: number;
  readonly uid: number;
  /** In the spelling of canonicalFlag; our marks included. */
  readonly flags: readonly string[];
  readonly internalDate: number;
  readonly sizeBytes: number;
}

/** Everything that a search may look at; `content` is asked only when nothing cheaper decides. */
export interface SearchCandidate extends ListedCandidate {
  readonly reading: Reading;
  readonly content: ReadBytes;
}

export interface SearchContext {
  /** Milliseconds since 1970, for OLDER and YOUNGER. */
  readonly now: number;
  /** Messages in the mailbox and its highest UID: what `*` stands for. */
  readonly messages: number;
  readonly highestUid: number;
}

type Key<K extends SearchKey['kind']> = Extract<SearchKey, { kind: K }>;

// Of the header, and of one field of it.
const maxHeaderBytes = 1024 * 1024;
const maxFieldBytes = 256 * 1024;
const maxFields = 10_000;
const listed = new Set(LIST_HEADER_FIELDS.map((field) => field.toLowerCase()));

export class SearchPlan {
  readonly #key: SearchKey;
  readonly #context: SearchContext;
  readonly #fields: FieldNames;

  constructor(key: SearchKey, context: SearchContext) {
    this.#key = prepare(key);
    this.#context = context;
    this.#fields = new FieldNames(fieldsOf(key));
  }

  /** Decides by the list alone; null when the message itself must be looked at. */
  decide(candidate: ListedCandidate): boolean | null {
    return decideByList(this.#key, candidate, this.#context);
  }

  /** False, too, when the message left while it was being looked at. Rejects with what `content` rejects with. */
  async matches(candidate: SearchCandidate): Promise<boolean> {
    try {
      return await this.#evaluate(this.#key, candidate, new MessageText(candidate, this.#fields));
    } catch (error) {
      if (error instanceof ContentGone) return false;
      throw error;
    }
  }

  async #evaluate(key: SearchKey, candidate: SearchCandidate, text: MessageText): Promise<boolean> {
    const decided = decideByList(key, candidate, this.#context);
    if (decided !== null) return decided;
    switch (key.kind) {
      case 'and':
      case 'or': {
        // The one value that settles it: the rest need not be looked at.
        const settling = key.kind === 'or';
        for (const part of key.keys) {
          if ((await this.#evaluate(part, candidate, text)) === settling) return settling;
        }
        return !settling;
      }
      case 'not':
        return !(await this.#evaluate(key.key, candidate, text));
      case 'header':
        return (await text.field(key.field)).some((value) => value.includes(key.text));
      case 'sentDate': {
        const [date] = await text.field('date');
        const day = date === undefined ? null : dayOfDateHeader(date);
        return day !== null && compareDay(key, day);
      }
      case 'body':
        return (await text.body()).includes(key.text);
      case 'text':
        return (await text.header()).includes(key.text) || (await text.body()).includes(key.text);
      default:
        return false;
    }
  }
}

class ContentGone extends Error {}

/** The texts of one message, each read and folded once and only when asked for. */
class MessageText {
  readonly #candidate: SearchCandidate;
  readonly #names: FieldNames;
  #listedFields: CollectedValues | null = null;
  #allFields: CollectedValues | null = null;
  #headerBytes: Buffer | null = null;
  #header: string | null = null;
  #body: string | null = null;

  constructor(candidate: SearchCandidate, names: FieldNames) {
    this.#candidate = candidate;
    this.#names = names;
  }

  /** The folded values of a field, one for each time it stands in the header. */
  async field(name: string): Promise<readonly string[]> {
    const { listHeader } = this.#candidate.reading;
    if (listHeader !== null && listed.has(name)) {
      this.#listedFields ??= new CollectedValues(Buffer.from(listHeader, 'latin1'), this.#names);
      return this.#listedFields.all(name);
    }
    this.#allFields ??= new CollectedValues(await this.#readHeader(), this.#names);
    return this.#allFields.all(name);
  }

  async header(): Promise<string> {
    this.#header ??= foldText(decodedHeader(await this.#readHeader()));
    return this.#header;
  }

  async body(): Promise<string> {
    if (this.#body === null) {
      const { reading, content } = this.#candidate;
      const text = await decodedText(reading, content);
      if (text === null) throw new ContentGone();
      this.#body = foldText(text);
    }
    return this.#body;
  }

  async #readHeader(): Promise<Buffer> {
    const { reading, content } = this.#candidate;
    if (reading.headerBytes === 0) return Buffer.alloc(0);
    this.#headerBytes ??= await content(0, Math.min(reading.headerBytes, maxHeaderBytes));
    if (this.#headerBytes === null) throw new ContentGone();
    return this.#headerBytes;
  }
}

class CollectedValues {
  readonly #header: Buffer;
  readonly #fields: CollectedFields;
  readonly #values = new Map<string, readonly string[]>();

  constructor(header: Buffer, names: FieldNames) {
    this.#header = header;
    this.#fields = new CollectedFields(new HeaderCursor(header, 0, header.length), names, maxFields);
  }

  all(name: string): readonly string[] {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const fields = this.#fields.all(name);
    const values = fields.map((field) => foldText(decodeHeaderText(fieldText(this.#header, field, maxFieldBytes))));
    this.#values.set(name, values);
    return values;
  }
}

/** Three-valued: null is "cannot tell yet", and spreads only as far as it matters. */
function decideByList(key: SearchKey, candidate: ListedCandidate, context: SearchContext): boolean | null {
  switch (key.kind) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'and':
    case 'or':
      return decideTogether(key, candidate, context);
    case 'not': {
      const decided = decideByList(key.key, candidate, context);
      return decided === null ? null : !decided;
    }
    case 'flag':
      return candidate.flags.includes(key.flag);
    case 'sequence':
      return includesNumber(key.set, candidate.sequenceNumber, context.messages);
    case 'uid':
      return includesNumber(key.set, candidate.uid, context.highestUid);
    case 'internalDate':
      // RFC 9051 section 6.4.4: the day alone counts, as INTERNALDATE shows it.
      return compareDay(key, dayOfMoment(candidate.internalDate));
    case 'size':
      return key.is === 'larger' ? candidate.sizeBytes > key.bytes : candidate.sizeBytes < key.bytes;
    case 'age': {
      const limit = context.now - key.seconds * 1000;
      return key.is === 'older' ? candidate.internalDate <= limit : candidate.internalDate >= limit;
    }
    case 'body':
    case 'text':
      // Every text contains the empty one.
      return key.text === '' ? true : null;
    case 'header':
    case 'sentDate':
      return null;
  }
}

function decideTogether(key: Key<'and' | 'or'>, candidate: ListedCandidate, context: SearchContext): boolean | null {
  const settling = key.kind === 'or';
  let decided: boolean | null = !settling;
  for (const part of key.keys) {
    const one = decideByList(part, candidate, context);
    if (one === settling) return settling;
    if (one === null) decided = null;
  }
  return decided;
}

function compareDay({ is, day: wanted }: Key<'internalDate' | 'sentDate'>, day: number): boolean {
  switch (is) {
    case 'before':
      return day < wanted;
    case 'on':
      return day === wanted;
    case 'since':
      return day >= wanted;
  }
}

/** Folds the texts, once for all messages, and puts the cheap keys first. */
function prepare(key: SearchKey): SearchKey {
  switch (key.kind) {
    case 'not':
      return { kind: 'not', key: prepare(key.key) };
    case 'and':
    case 'or':
      return { kind: key.kind, keys: key.keys.map(prepare).sort((a, b) => costOf(a) - costOf(b)) };
    case 'header':
    case 'body':
    case 'text':
      return { ...key, text: foldText(key.text) };
    default:
      return key;
  }
}

function costOf(key: SearchKey): number {
  switch (key.kind) {
    case 'and':
    case 'or':
      return Math.max(0, ...key.keys.map(costOf));
    case 'not':
      return costOf(key.key);
    case 'sentDate':
      return 1;
    case 'header':
      return listed.has(key.field) ? 1 : 2;
    case 'body':
    case 'text':
      return 3;
    default:
      return 0;
  }
}

function fieldsOf(key: SearchKey): string[] {
  switch (key.kind) {
    case 'and':
    case 'or':
      return key.keys.flatMap(fieldsOf);
    case 'not':
      return fieldsOf(key.key);
    case 'sentDate':
      return ['date'];
    case 'header':
      return [key.field];
    default:
      return [];
  }
}
