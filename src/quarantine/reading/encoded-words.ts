// Header text to Unicode for people: RFC 2047 encoded words in any charset, raw UTF-8, else what the body is in, else windows-1252.
// Linear on any input. Called by summary, attachments (names) and evidence.

import { decodeBytes, decodeUnlabelled } from './charsets.ts';

interface EncodedBytes {
  charset: string;
  bytes: Buffer[];
}

// The text may hold spaces although RFC 2047 forbids them: broken programs write them, people want to read it.
const encodedWord = /=\?([^?\s]{1,80})\?([bq])\?([^?]*)\?=/gi;

/**
 * @param text a binary string, unfolded
 * @param likely the charset of the message's text, in which broken programs write the header as well
 */
export function decodeHeaderText(text: string, likely: string | null = null): string {
  const decoded: string[] = [];
  let open: EncodedBytes | null = null;
  let end = 0;
  for (const match of text.matchAll(encodedWord)) {
    const between = text.slice(end, match.index);
    const [whole, label = '', encoding = '', content = ''] = match;
    // RFC 2231 section 5: a language may follow the charset.
    const charset = (label.split('*')[0] ?? '').toLowerCase();
    const adjacent: boolean = open !== null && /^\s*$/.test(between);
    // RFC 2047 section 6.2: white space between encoded words is not text. Words of one charset are decoded together,
    // since programs cut within a character; but not those with shift codes, which start anew in each word.
    if (open !== null && adjacent && open.charset === charset && !charset.startsWith('iso-2022-'))
      open.bytes.push(decodeContent(content, encoding));
    else {
      if (open) decoded.push(decodeBytes(Buffer.concat(open.bytes), open.charset));
      if (!adjacent) decoded.push(decodeRaw(between, likely));
      open = { charset, bytes: [decodeContent(content, encoding)] };
    }
    end = match.index + whole.length;
  }
  if (open) decoded.push(decodeBytes(Buffer.concat(open.bytes), open.charset));
  decoded.push(decodeRaw(text.slice(end), likely));
  return decoded.join('');
}

function decodeContent(content: string, encoding: string): Buffer {
  if (encoding.toLowerCase() === 'b') return Buffer.from(content, 'base64');
  const bytes = content
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}

/** Text that holds no encoded words. */
export function decodeRaw(text: string, likely: string | null = null): string {
  return /[\x80-\xff]/.test(text) ? decodeUnlabelled(Buffer.from(text, 'latin1'), likely) : text;
}
