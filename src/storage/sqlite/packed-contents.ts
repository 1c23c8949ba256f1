// Whole messages for a list: as many small contents as are worth one way between the threads, in one piece of memory. A content of more than a
// chunk, and one that is not as it should be, is left out and read by itself (contents.ts). Runs in the reader threads.
import type { UidRange } from '../../quarantine/ports.ts';
import { enoughContentBytes, largestPackedContentBytes } from '../packed-values.ts';
import type { Connection } from './connection.ts';
import { chunkBytes } from './contents.ts';
import type { Mailbox } from './mailboxes.ts';
import { mailboxColumns } from './scoped.ts';

/** Of each message, in order; null for what is left out. */
export type PackedContents = readonly (Uint8Array | null)[];

/** @param ranges of ordinals, in order. @returns for `limit` messages at most, or fewer that are large enough together */
export function readContents(
  connection: Connection,
  { scope, view }: Mailbox,
  ranges: readonly UidRange[],
  limit: number,
): PackedContents {
  const { sql, values, ordinal, shown, shownIndex } = mailboxColumns(scope, view);
  const largest = Math.min(largestPackedContentBytes, chunkBytes);
  const contents: (Uint8Array | null)[] = [];
  let bytes = 0;
  for (const { from, to } of ranges) {
    const rows = connection.each<{ sizeBytes: number; bytes: Uint8Array | null }>(
      `SELECT size_bytes AS sizeBytes, iif(size_bytes <= ${largest}, bytes, NULL) AS bytes
         FROM messages INDEXED BY ${shownIndex} LEFT JOIN chunks ON chunks.content = content_number AND chunks.position = 0
        WHERE ${sql} AND ${shown} = 1 AND ${ordinal} BETWEEN ? AND ? ORDER BY ${ordinal} LIMIT CAST(? AS INTEGER)`,
      ...values,
      from,
      to,
      limit - contents.length,
    );
    for (const row of rows) {
      contents.push(row.bytes?.length === row.sizeBytes ? row.bytes : null);
      bytes += row.bytes?.length ?? 0;
      if (bytes >= enoughContentBytes) return contents;
    }
  }
  return contents;
}

export interface PlacedContents {
  bytes: Uint8Array;
  /** Begin and end of each content in `bytes`; -1 for what is left out. */
  positions: readonly (readonly [number, number])[];
}

/** The contents behind other values, all in one, in `memory` if there is room. What is put there is taken: each content is freed at once. */
export function placeContents(
  values: Uint8Array,
  contents: PackedContents,
  memory: ArrayBuffer | null,
): PlacedContents {
  const length = contents.reduce((sum, content) => sum + (content?.length ?? 0), values.length);
  const bytes = memory && length <= memory.byteLength ? Buffer.from(memory, 0, length) : Buffer.allocUnsafeSlow(length);
  bytes.set(values);
  let at = values.length;
  const positions = contents.map((content): [number, number] => {
    if (!content) return [-1, -1];
    const start = at;
    bytes.set(content, start);
    at += content.length;
    // Left to V8, hundreds of megabytes in small pieces make it collect all garbage again and again.
    (content.buffer as ArrayBuffer).transfer(0);
    return [start, at];
  });
  return { bytes, positions };
}
