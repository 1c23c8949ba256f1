// Charsets and transfer encodings as spam uses them: raw 8-bit, quoted-printable, base64, encoded words. Called by spam.ts.

export type Charset = 'utf-8' | 'iso-8859-1' | 'windows-1251';
export type Transfer = '8bit' | 'quoted-printable' | 'base64';

export function encode(text: string, charset: Charset): Buffer {
  if (charset === 'utf-8') return Buffer.from(text, 'utf8');
  if (charset === 'iso-8859-1') return Buffer.from(text.replaceAll('’', "'"), 'latin1');
  // The Russian letters of windows-1251 stand in the order of Unicode; ё stands apart.
  const bytes = text.replace(/[А-я]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0x410 + 0xc0));
  return Buffer.from(bytes.replaceAll('ё', '\xb8'), 'latin1');
}

/** The bytes as binary string, ready to stand in a message: lines end with CRLF. */
export function transfer(bytes: Buffer, encoding: Transfer): string {
  if (encoding === '8bit') return bytes.toString('latin1');
  if (encoding === 'base64') return base64Lines(bytes);
  return bytes
    .toString('latin1')
    .split('\r\n')
    .map((line) =>
      line
        // RFC 2045 section 6.7: at most 76 characters on a line.
        .replace(/[=\x80-\xff]/g, (byte) => `=${byte.charCodeAt(0).toString(16).toUpperCase()}`)
        .replace(/.{60}(?=.{4})(?:(?<==)..|(?<==.).)?/g, '$&=\r\n'),
    )
    .join('\r\n');
}

export function base64Lines(bytes: Buffer): string {
  return bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n');
}

/** RFC 2047, one word of at most some forty bytes each. */
export function encodedWords(text: string, charset: Charset): string {
  const words: string[] = [];
  let piece = '';
  for (const character of text) {
    piece += character;
    if (encode(piece, charset).length < 36) continue;
    words.push(piece);
    piece = '';
  }
  if (piece) words.push(piece);
  return words.map((part) => `=?${charset}?B?${encode(part, charset).toString('base64')}?=`).join('\r\n ');
}
