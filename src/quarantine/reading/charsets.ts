// Bytes to Unicode, for people only: a wrong or unknown charset label never fails, and never empties a text.
// Called by encoded-words, decoded-text, parameters and preview.

/**
 * @param charset the label that the message gives, if any
 * @param cut true when the bytes end anywhere, perhaps within a character
 */
export function decodeBytes(bytes: Buffer, charset?: string | null, cut = false): string {
  return labelled(bytes, charset, cut) ?? utf8(bytes, cut) ?? windows1252(bytes);
}

/** Bytes without a label of their own, as they stand raw in some headers: UTF-8, else what the body is in, else windows-1252. */
export function decodeUnlabelled(bytes: Buffer, likely: string | null): string {
  const charset = isUnicode.test(likely ?? '') ? null : likely;
  return utf8(bytes, false) ?? labelled(bytes, charset, false) ?? windows1252(bytes);
}

/** UTF-8, which these bytes are not, or two bytes for each character, which no header is in. */
const isUnicode = /^\s*(?:x-)?(?:utf|unicode|cs-?unicode|ucs|iso-10646)/i;

/** Null without a label, and for one that nobody knows. */
function labelled(bytes: Buffer, charset: string | null | undefined, cut: boolean): string | null {
  const label = (charset ?? '').trim().toLowerCase();
  // Programs that say us-ascii and send something else send UTF-8 as often as not.
  if (label === '' || label === 'us-ascii' || label === 'ascii' || label.length > 40) return null;
  try {
    return new TextDecoder(label).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}

/** Null for what is none. */
function utf8(bytes: Buffer, cut: boolean): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}

function windows1252(bytes: Buffer): string {
  return new TextDecoder('windows-1252').decode(bytes);
}
