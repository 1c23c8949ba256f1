// BODY[HEADER.FIELDS (…)] and BODY[HEADER.FIELDS.NOT (…)] of any header in the content: the raw lines, in order, and
// the empty line. Called at intake for the fields that mail programs list, and by the IMAP edge for all others.

import { type FieldNames, HeaderCursor } from './header-fields.ts';

export interface HeaderSelection {
  /** Where the header lies: `headerStart` and `headerEnd` of a part, of an embedded message, or 0 and `headerBytes`. */
  start: number;
  end: number;
  names: FieldNames;
  /** True for HEADER.FIELDS.NOT: everything but the named fields. */
  not?: boolean;
}

const LF = 10;
const LINE_END = Buffer.from('\r\n');

/** Length of what `selectHeaderFields` returns, found without copying anything. */
export function selectedHeaderLength(raw: Buffer, selection: HeaderSelection): number {
  let length = LINE_END.length;
  eachSelectedField(raw, selection, (start, end) => {
    length += end - start + (raw[end - 1] === LF ? 0 : LINE_END.length);
  });
  return length;
}

/** The selected fields as they stand in the content, and an empty line. */
export function selectHeaderFields(raw: Buffer, selection: HeaderSelection): Buffer {
  // Never more than the header and the ends of a last line and of the header, where they are missing.
  const selected = Buffer.allocUnsafe(selection.end - selection.start + 2 * LINE_END.length);
  let at = 0;
  eachSelectedField(raw, selection, (start, end) => {
    at += raw.copy(selected, at, start, end);
    if (raw[end - 1] !== LF) at += LINE_END.copy(selected, at);
  });
  // RFC 9051 section 6.4.5.1: the empty line is part of every header fetch; one is added where the message has none,
  // because clients read up to it.
  at += LINE_END.copy(selected, at);
  return selected.subarray(0, at);
}

/** Fields that follow each other are visited as one. */
function eachSelectedField(
  raw: Buffer,
  { start, end, names, not = false }: HeaderSelection,
  visit: (start: number, end: number) => void,
): void {
  const header = new HeaderCursor(raw, start, end);
  let [first, last] = [start, start];
  while (header.next()) {
    if ((names.match(header) !== null) === not) continue;
    if (header.start !== last) {
      if (last > first) visit(first, last);
      first = header.start;
    }
    last = header.end;
  }
  if (last > first) visit(first, last);
}
