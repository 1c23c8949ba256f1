// The first words of a message, for lists: from the first part that people can read. Only the beginning of a part is
// decoded, so that a text of 50 MB costs no more than a short one. Called by analyse-message.

import { decodeBytes } from './charsets.ts';
import { charsetOf, lowerCaseType } from './content-fields.ts';
import { htmlToText } from './html-text.ts';
import type { NumberedPart } from './part-numbers.ts';
import type { Entity } from './part-tree.ts';
import { readableLine } from './readable.ts';
import { decodeTransfer } from './transfer-encoding.ts';

const PREVIEW_LENGTH = 200;
const PLAIN_BYTES = 4 * 1024;
// Advertisements begin with pages of styles.
const HTML_BYTES = 32 * 1024;
// Parts that are tried when the first ones turn out to be empty.
const MAX_TRIES = 10;

export function previewOf(raw: Buffer, parts: readonly NumberedPart[]): string {
  let tries = 0;
  for (const { entity } of parts) {
    if (!isReadable(entity)) continue;
    const preview = beginning(raw, entity);
    if (preview !== '') return preview;
    if (++tries === MAX_TRIES) break;
  }
  return '';
}

function isReadable({ kind, content }: Entity): boolean {
  const type = lowerCaseType(content);
  const attached = content.disposition?.type.toLowerCase() === 'attachment';
  return kind === 'leaf' && !attached && (type === 'text/plain' || type === 'text/html');
}

function beginning(raw: Buffer, { content, bodyStart, bodyEnd }: Entity): string {
  const html = lowerCaseType(content) === 'text/html';
  const end = Math.min(bodyEnd, bodyStart + (html ? HTML_BYTES : PLAIN_BYTES));
  const bytes = decodeTransfer(raw.subarray(bodyStart, end), content.encoding.toLowerCase());
  const text = decodeBytes(bytes, charsetOf(content), end < bodyEnd);
  // Padding that keeps a mail program from showing what follows: joiners between spaces.
  return readableLine((html ? htmlToText(text) : text).replace(/\s[\u200c\u200d]+/g, ' '), PREVIEW_LENGTH);
}
