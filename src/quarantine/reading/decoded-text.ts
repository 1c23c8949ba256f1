// All that people could read in the body of a message, as one text to search in: text parts decoded, HTML without its
// tags but with what its links lead to, names of attachments, headers of embedded messages. Reads the text parts of the
// content and no attachments.
// Linear and bounded; it must never be used to show or rebuild a message. Called by SEARCH.

import { decodeBytes } from './charsets.ts';
import { decodeHeaderText } from './encoded-words.ts';
import { htmlTargets, htmlToText } from './html-text.ts';
import type { Reading, ReadingPart } from './reading.ts';
import { decodeTransfer } from './transfer-encoding.ts';

/** Bytes [start, end) of the content; null when it is gone. */
export type ReadBytes = (start: number, end: number) => Promise<Buffer | null>;

interface Piece {
  start: number;
  end: number;
  decode: (bytes: Buffer) => string;
}

// Spent on one message before the others get their turn. Text beyond it is not searched; people write less.
const maxBytes = 2 * 1024 * 1024;
// Of one embedded header.
const maxHeaderBytes = 64 * 1024;

/** Null when the content is gone. */
export async function decodedText(reading: Reading, read: ReadBytes): Promise<string | null> {
  const pieces = withinBounds(reading.parts.flatMap(piecesOf));
  const texts = [reading.attachments.map(({ name }) => name).join('\n')];
  const first = pieces[0]?.start ?? 0;
  const last = pieces.at(-1)?.end ?? 0;
  // The text parts of usual mail stand side by side: one request instead of one for each.
  const span = pieces.length > 1 && last - first <= maxBytes ? await read(first, last) : undefined;
  if (span === null) return null;
  for (const { start, end, decode } of pieces) {
    const bytes = span === undefined ? await read(start, end) : span.subarray(start - first, end - first);
    if (bytes === null) return null;
    texts.push(decode(bytes));
  }
  return texts.join('\n');
}

/**
 * One header as text: unfolded, encoded words decoded, a line for each field. For TEXT, which searches all of it.
 * @param likely as decodeHeaderText knows it
 */
export function decodedHeader(header: Buffer, likely: string | null = null): string {
  return decodeHeaderText(header.toString('latin1').replace(/\r?\n(?=[ \t])/g, ''), likely);
}

/** The charset that the first text of the message names, null for none. */
export function textCharset({ parts }: Pick<Reading, 'parts'>): string | null {
  return parts.find(({ type, charset }) => type.startsWith('text/') && charset !== undefined)?.charset ?? null;
}

function piecesOf(part: ReadingPart): Piece[] {
  if (part.embedded) {
    const { headerStart, headerEnd } = part.embedded;
    return [
      {
        start: headerStart,
        end: Math.min(headerEnd, headerStart + maxHeaderBytes),
        decode: (bytes) => decodedHeader(bytes),
      },
    ];
  }
  if (!part.type.startsWith('text/')) return [];
  const { bodyStart, bodyEnd } = part;
  return [
    {
      start: bodyStart,
      end: bodyEnd,
      decode: (bytes) => {
        const cut = bytes.length < bodyEnd - bodyStart;
        const text = decodeBytes(decodeTransfer(bytes, part.encoding), part.charset, cut);
        return part.type === 'text/html' ? `${htmlToText(text)}\n${htmlTargets(text)}` : text;
      },
    },
  ];
}

/** Pieces in the order of the content; the one that goes beyond the limit is cut, those behind it are left out. */
function withinBounds(pieces: readonly Piece[]): Piece[] {
  const kept: Piece[] = [];
  let bytesLeft = maxBytes;
  for (const piece of pieces) {
    const end = Math.min(piece.end, piece.start + bytesLeft);
    if (end <= piece.start) continue;
    kept.push({ ...piece, end });
    bytesLeft -= end - piece.start;
  }
  return kept;
}
