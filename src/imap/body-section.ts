// Where the bytes are that answer BODY[section]: pure arithmetic over the stored reading, so that a FETCH reads no more
// of a content than it sends, and nothing at all for the header fields that mail programs list. Never looks at MIME
// structure itself. Called by FETCH.

import { FieldNames } from '../quarantine/reading/header-fields.ts';
import { LIST_HEADER_FIELDS } from '../quarantine/reading/list-header.ts';
import type { MessageRange, Reading } from '../quarantine/reading/reading.ts';
import { selectHeaderFields } from '../quarantine/reading/select-header-fields.ts';

export interface BodySection {
  /** `[1, 2]` for part 1.2; empty for the message itself. */
  readonly part: readonly number[];
  readonly what: 'ALL' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME';
  /** Field names for the two HEADER.FIELDS, one byte per character; else empty. */
  readonly fields: readonly string[];
}

/** Byte offsets, `end` not included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** How to come by the value of a section. */
export type SectionSource =
  /** These bytes of the content, as they are. */
  | ({ readonly from: 'content' } & ByteRange)
  /** These bytes of the content, of which selectFields keeps some lines. */
  | ({ readonly from: 'header' } & ByteRange)
  /** These bytes, one per character; the content is not needed. */
  | { readonly from: 'reading'; readonly bytes: string }
  /** The message has no such part: NIL. */
  | { readonly from: 'nowhere' };

const nowhere: SectionSource = { from: 'nowhere' };
const listed = new Set(LIST_HEADER_FIELDS.map((field) => field.toLowerCase()));

export function locateSection(reading: Reading, section: BodySection): SectionSource {
  const { headerBytes, sizeBytes } = reading;
  if (section.part.length > 0) return locateInPart(reading, section);
  if (section.what === 'ALL') return { from: 'content', start: 0, end: sizeBytes };
  const message = { headerStart: 0, headerEnd: headerBytes, bodyStart: headerBytes, bodyEnd: sizeBytes };
  return fromListHeader(reading, section) ?? locateInMessage(message, section.what);
}

/** The lines of a header that HEADER.FIELDS or HEADER.FIELDS.NOT asks for, and the empty line after them. */
export function selectFields(header: Buffer, section: BodySection): Buffer {
  return fieldSelector(section)(header);
}

/** The same for the headers of many messages. */
export function fieldSelector({ fields, what }: BodySection): (header: Buffer) => Buffer {
  const selection = { names: new FieldNames(fields), not: what === 'HEADER.FIELDS.NOT' };
  return (header) => selectHeaderFields(header, { start: 0, end: header.length, ...selection });
}

/** The part of a range that `<start.length>` asks for; beyond the end it is empty, and the answer `""`. */
export function cutRange(range: ByteRange, partial: { start: number; length: number } | null): ByteRange {
  if (partial === null) return range;
  const start = Math.min(range.start + partial.start, range.end);
  return { start, end: Math.min(start + partial.length, range.end) };
}

function locateInPart(reading: Reading, { part: numbers, what }: BodySection): SectionSource {
  const path = numbers.join('.');
  const part = reading.parts.find((candidate) => candidate.path === path);
  if (part === undefined) return nowhere;
  if (what === 'ALL') return { from: 'content', start: part.bodyStart, end: part.bodyEnd };
  if (what === 'MIME') return { from: 'content', start: part.headerStart, end: part.headerEnd };
  // RFC 9051 section 6.4.5.1: with a part number, HEADER and TEXT are those of a message inside the message.
  return part.embedded === undefined ? nowhere : locateInMessage(part.embedded, what);
}

function locateInMessage(message: MessageRange, what: BodySection['what']): SectionSource {
  if (what === 'TEXT') return { from: 'content', start: message.bodyStart, end: message.bodyEnd };
  return { from: what === 'HEADER' ? 'content' : 'header', start: message.headerStart, end: message.headerEnd };
}

/** Mail programs ask for the fields that are stored beside the message, or for some of them. */
function fromListHeader(reading: Reading, section: BodySection): SectionSource | null {
  const { listHeader } = reading;
  if (section.what !== 'HEADER.FIELDS' || listHeader === null) return null;
  const fields = new Set(section.fields.map((field) => field.toLowerCase()));
  if (!fields.isSubsetOf(listed)) return null;
  if (fields.size === listed.size) return { from: 'reading', bytes: listHeader };
  return { from: 'reading', bytes: selectFields(Buffer.from(listHeader, 'latin1'), section).toString('latin1') };
}
