// Writes an astring for the wire: an atom, a quoted string or a literal, whichever its bytes permit. In and out are
// binary strings, one byte per character, so that the length of a literal counts what is sent. Called for what an
// answer repeats from a request.

import { wireString } from '../quarantine/reading/wire-strings.ts';

/** For example the fields of BODY[HEADER.FIELDS (From "X Y")]. */
export function writeAstring(bytes: string): string {
  // RFC 9051 section 4.5: NIL as an atom would be read as "nothing", so the word itself needs quotes.
  const isAtom = /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/.test(bytes) && bytes.toUpperCase() !== 'NIL';
  return isAtom ? bytes : wireString(bytes);
}
