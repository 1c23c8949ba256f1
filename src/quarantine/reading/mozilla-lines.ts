// Thunderbird leaves lines of its own mailbox files (X-Mozilla-Status, X-Mozilla-Keys …) in what it appends. Without
// them the bytes are the ones that it once fetched from us, and their digest finds the message.
// Called for every APPEND before the bytes are compared, reported or stored.

import { HeaderCursor, endOfHeader } from './header-fields.ts';

const PREFIX = 'x-mozilla-';

/** The same buffer when it has no such line; else a copy without them. Only the header of the message is looked at. */
export function removeMozillaLines(raw: Buffer): Buffer {
  const header = new HeaderCursor(raw, 0, endOfHeader(raw, 0, raw.length));
  const kept: Buffer[] = [];
  let keptUpTo = 0;
  while (header.next()) {
    const isMozilla = raw.toString('latin1', header.start, Math.min(header.start + PREFIX.length, header.nameEnd));
    if (isMozilla.toLowerCase() !== PREFIX) continue;
    if (header.start > keptUpTo) kept.push(raw.subarray(keptUpTo, header.start));
    keptUpTo = header.end;
  }
  if (keptUpTo === 0) return raw;
  kept.push(raw.subarray(keptUpTo));
  return Buffer.concat(kept);
}
