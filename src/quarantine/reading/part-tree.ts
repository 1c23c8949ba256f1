// Finds the parts of a message: one pass over the bytes, an explicit stack instead of recursion, ranges instead of
// copies. Everything that a limit or broken MIME keeps it from understanding becomes one opaque part of its parent.
// Called by analyse-message; the tree it returns is numbered by part-numbers and written by body-structure.

import { Boundaries } from './boundaries.ts';
import {
  CONTENT_FIELDS,
  type ContentFields,
  type TypeFields,
  lowerCaseType,
  opaqueType,
  plainText,
  readContentFields,
} from './content-fields.ts';
import { ENVELOPE_FIELDS } from './envelope.ts';
import { CollectedFields, FieldNames, HeaderCursor, endOfLine } from './header-fields.ts';
import type { Budget } from './limits.ts';
import { parameterValue } from './parameters.ts';
import type { MessageRange } from './reading.ts';

/** A message or a part of one. */
export interface Entity extends MessageRange {
  kind: 'leaf' | 'multipart' | 'message';
  content: ContentFields;
  /** The parts of a multipart; the one message in a message/rfc822. */
  children: Entity[];
  /** What its header says: the Content-* fields, and for a message those of its envelope. */
  fields: CollectedFields;
}

/** A boundary line: the part before it ends at `partEnd`, the line itself at `lineEnd`. */
interface Delimiter {
  level: number;
  closing: boolean;
  partEnd: number;
  lineEnd: number;
}

const LF = 10;
const CR = 13;
const DASH = 45;
const LINE_WITH_DASHES = Buffer.from('\n--');
const messageNames = new FieldNames([...CONTENT_FIELDS, ...ENVELOPE_FIELDS]);
const partNames = new FieldNames(CONTENT_FIELDS);
// RFC 2045 section 6.4 forbids these for messages. What is encoded can't be read as a message; as a file it opens.
const encodedMessage = /^(base64|quoted-printable|x-uuencode|uuencode)$/i;

export function findParts(raw: Buffer, budget: Budget): Entity {
  return new PartTree(raw, budget).find();
}

class PartTree {
  readonly #raw: Buffer;
  readonly #budget: Budget;
  readonly #boundaries = new Boundaries();
  /** From the message to the entity that the scan is in; the index is the level. */
  readonly #open: Entity[] = [];
  /** Multiparts among them whose boundary counts: it does not any more after the closing line. */
  readonly #live = new Set<Entity>();
  /** Multiparts that had more parts than the limit: the last one holds all the rest. */
  readonly #overfull = new Set<Entity>();
  #count = 0;

  constructor(raw: Buffer, budget: Budget) {
    this.#raw = raw;
    this.#budget = budget;
  }

  find(): Entity {
    const { entity: root, delimiter } = this.#begin(0);
    let next = this.#after(root, delimiter);
    while (next !== null) {
      const begun = this.#begin(next);
      next = this.#after(begun.entity, begun.delimiter);
    }
    this.#closeDownTo(0, this.#raw.length);
    return root;
  }

  /** Position of the next entity: inside this one or after the next boundary line; null at the end. */
  #after(entity: Entity, inHeader: Delimiter | null): number | null {
    if (entity.kind === 'message') {
      if (!inHeader) return entity.bodyStart;
      this.#addEmptyMessage(entity);
    }
    let delimiter = inHeader ?? this.#nextDelimiter(entity.bodyStart - 1);
    while (delimiter) {
      const parent = this.#open[delimiter.level];
      if (parent && !(this.#overfull.has(parent) && !delimiter.closing)) {
        this.#closeDownTo(delimiter.level + 1, delimiter.partEnd);
        if (delimiter.closing) this.#endMultipart(parent);
        else if (delimiter.lineEnd < this.#raw.length) return delimiter.lineEnd;
      }
      delimiter = this.#nextDelimiter(delimiter.lineEnd - 1);
    }
    return null;
  }

  /** Reads the header at `start` and opens an entity under the innermost open one. */
  #begin(start: number): { entity: Entity; delimiter: Delimiter | null } {
    const parent = this.#open.at(-1);
    if (this.#count++ >= this.#budget.limits.parts && parent?.kind === 'multipart') {
      return { entity: this.#beginRest(parent, start), delimiter: null };
    }
    const { headerEnd, delimiter } = this.#header(start);
    const isMessage = parent?.kind !== 'multipart';
    const fields = new CollectedFields(
      new HeaderCursor(this.#raw, start, headerEnd),
      isMessage ? messageNames : partNames,
      this.#budget.limits.headerFields,
    );
    if (fields.incomplete) this.#budget.limited = true;
    const inDigest = parent?.kind === 'multipart' && parent.content.subtype.toLowerCase() === 'digest';
    const content = readContentFields({ raw: this.#raw, fields, inDigest }, this.#budget);
    const entity: Entity = {
      ...emptyRange(start, headerEnd),
      kind: 'leaf',
      content,
      children: [],
      fields,
    };
    parent?.children.push(entity);
    this.#decideKind(entity, delimiter !== null);
    this.#open.push(entity);
    return { entity, delimiter };
  }

  /** A multipart or message/rfc822 is only looked into while the limits and its own header allow it. */
  #decideKind(entity: Entity, bodyless: boolean): void {
    const { content } = entity;
    const type = lowerCaseType(content);
    const maxBoundary = this.#budget.limits.boundaryBytes;
    const boundary = type.startsWith('multipart/') ? readBoundary(content, maxBoundary) : null;
    if (boundary === '' || (boundary !== null && boundary.length > maxBoundary)) {
      // RFC 2045 section 5.2: without its boundary the Content-Type is invalid, so this is plain text. People can
      // then at least read it.
      if (boundary !== '') this.#budget.limited = true;
      Object.assign(content, plainText());
    } else if (boundary !== null || type === 'message/rfc822') {
      const message = boundary === null;
      const tooMuch =
        this.#open.length >= this.#budget.limits.depth || (message && this.#count >= this.#budget.limits.parts);
      if (tooMuch || (message && encodedMessage.test(content.encoding))) {
        if (tooMuch) this.#budget.limited = true;
        Object.assign(content, opaqueType(content.parameters));
      } else {
        entity.kind = message ? 'message' : 'multipart';
        if (boundary !== null && !bodyless) {
          this.#boundaries.open(boundary, this.#open.length);
          this.#live.add(entity);
        }
      }
    }
  }

  /** One opaque part for everything that is left of a multipart. */
  #beginRest(parent: Entity, start: number): Entity {
    this.#budget.limited = true;
    this.#overfull.add(parent);
    const entity = this.#bareEntity(start, opaqueType([]));
    parent.children.push(entity);
    this.#open.push(entity);
    return entity;
  }

  /** RFC 9051 section 7.5.2 has no message/rfc822 without a message, so a cut-off one holds an empty message. */
  #addEmptyMessage(entity: Entity): void {
    entity.children.push(this.#bareEntity(entity.bodyStart, plainText()));
  }

  /** An entity without a header. */
  #bareEntity(start: number, type: TypeFields): Entity {
    return {
      ...emptyRange(start, start),
      kind: 'leaf',
      content: { ...noContentFields(), ...type },
      children: [],
      fields: new CollectedFields(new HeaderCursor(this.#raw, start, start), messageNames, 0),
    };
  }

  /** A part's header ends at the empty line, or before a boundary line of a multipart around it. */
  #header(start: number): { headerEnd: number; delimiter: Delimiter | null } {
    const raw = this.#raw;
    for (let at = start; at < raw.length; at = endOfLine(raw, at, raw.length)) {
      if (raw[at] === LF) return { headerEnd: at + 1, delimiter: null };
      if (raw[at] === CR && raw[at + 1] === LF) return { headerEnd: at + 2, delimiter: null };
      if (raw[at] === DASH && raw[at + 1] === DASH && !this.#boundaries.none) {
        const delimiter = this.#delimiterAt(at);
        if (delimiter) return { headerEnd: Math.max(start, delimiter.partEnd), delimiter };
      }
    }
    return { headerEnd: raw.length, delimiter: null };
  }

  /** The first boundary line after the LF at or behind `from`. */
  #nextDelimiter(from: number): Delimiter | null {
    let at = Math.max(from, 0);
    while (!this.#boundaries.none) {
      at = this.#raw.indexOf(LINE_WITH_DASHES, at);
      if (at < 0) return null;
      const delimiter = this.#delimiterAt(at + 1);
      if (delimiter) return delimiter;
      at++;
    }
    return null;
  }

  #delimiterAt(at: number): Delimiter | null {
    const raw = this.#raw;
    const match = this.#boundaries.match(raw, at + 2);
    if (!match) return null;
    // RFC 2046 section 5.1.1: the line end before the boundary line belongs to that line.
    const partEnd = at - (at > 1 && raw[at - 2] === CR ? 2 : 1);
    const { level, closing } = match;
    return { level, closing, partEnd, lineEnd: endOfLine(raw, match.end, raw.length) };
  }

  #closeDownTo(level: number, partEnd: number): void {
    let end = partEnd;
    while (this.#open.length > level) {
      const entity = this.#open.pop();
      if (!entity) return;
      // A boundary line right after a header would end the part before it began; parents end no earlier than parts.
      end = entity.bodyEnd = Math.max(entity.bodyStart, end);
      this.#endMultipart(entity);
      if (entity.kind === 'multipart' && entity.children.length === 0) {
        // RFC 9051 section 9: a multipart has at least one part. One without any boundary line is shown as the text
        // that it is; Dovecot would show an empty part, and people would see nothing.
        entity.kind = 'leaf';
        Object.assign(entity.content, plainText());
      }
    }
  }

  #endMultipart(entity: Entity): void {
    if (this.#live.delete(entity)) this.#boundaries.close();
  }
}

/** `''` when there is none. */
function readBoundary(content: ContentFields, max: number): string {
  const boundary = parameterValue(content.parameters, 'boundary') ?? '';
  // RFC 2046 section 5.1.1: a boundary does not end in a space.
  return boundary.length > max ? boundary : boundary.replace(/ +$/, '');
}

function emptyRange(headerStart: number, headerEnd: number): MessageRange {
  return { headerStart, headerEnd, bodyStart: headerEnd, bodyEnd: headerEnd };
}

function noContentFields(): Omit<ContentFields, keyof TypeFields> {
  return {
    id: null,
    description: null,
    encoding: '7bit',
    md5: null,
    disposition: null,
    languages: [],
    location: null,
  };
}
