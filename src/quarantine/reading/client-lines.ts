// Mail programs leave lines of their own in what they append: Thunderbird those of its mailbox files (X-Mozilla-Status, X-Mozilla-Keys …),
// mbsync the mark by which it would find the message again (X-TUID). Without them the bytes are the ones that the program once fetched from
// us, and their digest finds the message. Called for every APPEND before the bytes are compared, reported or stored.

import { HeaderCursor, endOfHeader } from './header-fields.ts';

const MOZILLA = Buffer.from('x-mozilla-');
const TUID = Buffer.from('x-tuid');

/** The same buffer when it has no such line; else a copy without them. Only the header of the message is looked at. */
export function removeClientLines(raw: Buffer): Buffer {
  const header = new HeaderCursor(raw, 0, endOfHeader(raw, 0, raw.length));
  let without: Buffer | null = null;
  let length = 0;
  let keptUpTo = 0;
  while (header.next()) {
    if (!isClientLine(header)) continue;
    // One copy for all: there may be millions of such lines, and an object for each would stop the process for seconds.
    without ??= Buffer.allocUnsafe(raw.length);
    length += raw.copy(without, length, keptUpTo, header.start);
    keptUpTo = header.end;
  }
  if (!without) return raw;
  length += raw.copy(without, length, keptUpTo);
  return without.subarray(0, length);
}

function isClientLine(field: HeaderCursor): boolean {
  const length = field.nameEnd - field.start;
  return length >= MOZILLA.length ? field.isNamed(MOZILLA) : length === TUID.length && field.isNamed(TUID);
}
