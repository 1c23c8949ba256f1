// Mail programs leave lines of their own in what they append: Thunderbird those of its mailbox files (X-Mozilla-Status, X-Mozilla-Keys …),
// mbsync the mark by which it would find the message again (X-TUID). Without them the bytes are the ones that the program once fetched from
// us, and their digest finds the message. Called for every APPEND before the bytes are compared, reported or stored.

import { HeaderCursor, endOfHeader } from './header-fields.ts';

const FIELD = /^x-(?:mozilla-|tuid$)/i;
/** The first of a longer name are enough to know it. */
const MOST = 20;

/** The same buffer when it has no such line; else a copy without them. Only the header of the message is looked at. */
export function removeClientLines(raw: Buffer): Buffer {
  const header = new HeaderCursor(raw, 0, endOfHeader(raw, 0, raw.length));
  const kept: Buffer[] = [];
  let keptUpTo = 0;
  while (header.next()) {
    if (!FIELD.test(raw.toString('latin1', header.start, Math.min(header.start + MOST, header.nameEnd)))) continue;
    if (header.start > keptUpTo) kept.push(raw.subarray(keptUpTo, header.start));
    keptUpTo = header.end;
  }
  if (keptUpTo === 0) return raw;
  kept.push(raw.subarray(keptUpTo));
  return Buffer.concat(kept);
}
