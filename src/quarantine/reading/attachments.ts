// Which parts people call attachments, with their names. Parts of attached messages are listed too: what a file is
// called must not depend on how deep it is packed. Called by analyse-message.

import { isText, lowerCaseType } from './content-fields.ts';
import { parameterText } from './parameters.ts';
import type { NumberedPart } from './part-numbers.ts';
import type { Entity } from './part-tree.ts';
import { readableLine } from './readable.ts';
import type { ReadingAttachment } from './reading.ts';

const MAX_NAME = 255;
const LF = 10;
const EQUALS_SIGN = 61;

export function listAttachments(raw: Buffer, parts: readonly NumberedPart[]): ReadingAttachment[] {
  return parts.flatMap(({ path, entity }) => {
    const name = fileName(entity);
    if (!isAttachment(entity, name)) return [];
    return [{ name, type: lowerCaseType(entity.content), sizeBytes: decodedSize(raw, entity), path }];
  });
}

function fileName({ content }: Entity): string {
  const name =
    parameterText(content.disposition?.parameters ?? [], 'filename') ?? parameterText(content.parameters, 'name') ?? '';
  return readableLine(name, MAX_NAME);
}

/** Anything that has a name or says so; and whatever no mail program shows as text. */
function isAttachment({ kind, content }: Entity, name: string): boolean {
  if (kind === 'multipart') return false;
  return name !== '' || content.disposition?.type.toLowerCase() === 'attachment' || !isText(content);
}

/** RFC 2045 section 6.8: base64 comes in lines of equal length, so one line tells the size of all. */
function decodedSize(raw: Buffer, { content, bodyStart, bodyEnd }: Entity): number {
  if (content.encoding.toLowerCase() !== 'base64') return bodyEnd - bodyStart;
  let end = bodyEnd;
  while (end > bodyStart && isBlank(raw[end - 1])) end--;
  let padding = 0;
  for (; padding < 2 && end > bodyStart && raw[end - 1] === EQUALS_SIGN; padding++) end--;
  const length = end - bodyStart;
  // RFC 2045 section 6.8: lines hold at most 76 characters; nobody writes them a thousand times as long.
  const lineEnd = raw.subarray(bodyStart, Math.min(end, bodyStart + 80_000)).indexOf(LF) + 1;
  if (lineEnd === 0) return Math.floor((length * 3) / 4);
  const lineEndBytes = raw[bodyStart + lineEnd - 2] === 13 ? 2 : 1;
  return Math.floor(((length - Math.floor(length / lineEnd) * lineEndBytes) * 3) / 4);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 10 || byte === 13 || byte === 32 || byte === 9;
}
