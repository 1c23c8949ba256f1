// Bytes to Unicode, for people only: a wrong or unknown charset label never fails, and never empties a text.
// Called by encoded-words, decoded-text, parameters and preview.

/**
 * @param charset the label that the message gives, if any
 * @param cut true when the bytes end anywhere, perhaps within a character
 */
export function decodeBytes(bytes: Buffer, charset?: string | null, cut = false): string {
  const label = (charset ?? '').trim().toLowerCase();
  // Programs that say us-ascii and send something else send UTF-8 as often as not.
  if (label !== '' && label !== 'us-ascii' && label !== 'ascii' && label.length <= 40) {
    try {
      return new TextDecoder(label).decode(bytes, { stream: cut });
    } catch {
      // A label that nobody knows: looked at as if there were none.
    }
  }
  return guess(bytes, cut);
}

/** Bytes without a label of their own, as they stand raw in some headers: UTF-8, else what the body is in, else windows-1252. */
export function decodeUnlabelled(bytes: Buffer, likely: string | null): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return decodeBytes(bytes, isUnicode.test(likely ?? '') ? null : likely);
  }
}

/** UTF-8, which these bytes are not, or two bytes for each character, which no header is in. */
const isUnicode = /^\s*(?:x-)?(?:utf|unicode|cs-?unicode|ucs|iso-10646)/i;

function guess(bytes: Buffer, cut: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
