// Writes strings for the wire: quoted where that is allowed, as a literal where it is not, NIL for nothing. Everything
// in and out is a binary string, one byte per character: text is turned into bytes by `wireText` first, so that the
// length of a literal counts what is sent. Called by whatever composes a response.

/** Text as a binary string of its UTF-8 bytes. */
export function wireText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A quoted string where the bytes permit one, else a literal. */
export function writeString(bytes: string): string {
  // RFC 3501 section 9 (QUOTED-CHAR): neither CR, LF, NUL nor 8-bit may stand between quotes, and a client that did not
  // enable UTF8=ACCEPT need not understand them there.
  if (/[\0\r\n\x80-\uffff]/.test(bytes)) return `{${bytes.length}}\r\n${bytes}`;
  return `"${bytes.replace(/["\\]/g, '\\$&')}"`;
}

export function writeNstring(bytes: string | null): string {
  return bytes === null ? 'NIL' : writeString(bytes);
}

/** An atom where that is possible (for example the fields of BODY[HEADER.FIELDS (From To)]), else as writeString. */
export function writeAstring(bytes: string): string {
  // RFC 9051 section 4.5: NIL as an atom would be read as "nothing", so the word itself needs quotes.
  const isAtom = /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/.test(bytes) && bytes.toUpperCase() !== 'NIL';
  return isAtom ? bytes : writeString(bytes);
}
