// Raw message bytes, stored once under their digest and cut into chunks, so that a range of a large message costs no more than the range.
// Contents are deleted in two steps an hour apart and never while a message refers to them: the foreign key is the last guard.
import type { Reading } from '../../quarantine/reading/reading.ts';
import type { Connection } from './connection.ts';
import type { Write, Written } from './write.ts';

export interface SentContent {
  digest: string;
  /** A copy of its own: the caller's buffer stays usable, because a failed write is repeated with it. */
  bytes: Uint8Array;
  readingVersion: Reading['version'];
  /** JSON. */
  reading: string;
}

export const chunkBytes = 256 * 1024;

/** Renews the last use of a content, if it is there; answers whether it is. */
export function renewContent(connection: Connection, content: SentContent, now: number): boolean {
  const renewed = connection.run(
    'UPDATE contents SET last_used_at = max(last_used_at, ?), marked_at = NULL WHERE digest = ?',
    now,
    content.digest,
  );
  if (renewed === 0) return false;
  // A newer version of the program may read the same bytes better.
  connection.run(
    'UPDATE contents SET reading = ?, reading_version = ? WHERE digest = ? AND reading_version < ?',
    content.reading,
    content.readingVersion,
    content.digest,
    content.readingVersion,
  );
  return true;
}

/** Stores a content unless it is there. */
export function storeContent(connection: Connection, content: SentContent, now: number): void {
  if (hasContent(connection, content.digest)) return;
  const { bytes } = content;
  connection.run(
    'INSERT INTO contents (digest, size_bytes, last_used_at, reading_version, reading) VALUES (?, ?, ?, ?, ?)',
    content.digest,
    bytes.length,
    now,
    content.readingVersion,
    content.reading,
  );
  const { number } = contentRow(connection, content.digest) ?? { number: 0 };
  for (let position = 0; position * chunkBytes < bytes.length; position++) {
    connection.run(
      'INSERT INTO chunks (content, position, bytes) VALUES (?, ?, ?)',
      number,
      position,
      bytes.subarray(position * chunkBytes, (position + 1) * chunkBytes),
    );
  }
}

export function keepContent(
  { connection }: Write,
  { content, now }: { content: SentContent; now: number },
): Written<null> {
  if (!renewContent(connection, content, now)) storeContent(connection, content, now);
  return { result: null, changed: [] };
}

export function hasContent(connection: Connection, digest: string): boolean {
  return contentRow(connection, digest) !== undefined;
}

function contentRow(connection: Connection, digest: string): { number: number; sizeBytes: number } | undefined {
  return connection.get('SELECT number, size_bytes AS sizeBytes FROM contents WHERE digest = ?', digest);
}

/** Bytes [start, end) of a content; null when it is not there. To be called within a snapshot. */
export function readBytes(connection: Connection, digest: string, start = 0, end = Infinity): Uint8Array | null {
  const content = contentRow(connection, digest);
  if (!content) return null;
  const from = Math.min(Math.max(start, 0), content.sizeBytes);
  const to = Math.min(Math.max(end, from), content.sizeBytes);
  // A buffer of its own, not a piece of Node's pool: it is handed over to the calling thread.
  const bytes = new Uint8Array(to - from);
  for (let position = Math.floor(from / chunkBytes); position * chunkBytes < to; position++) {
    const chunk = connection.get<{ bytes: Uint8Array }>(
      'SELECT bytes FROM chunks WHERE content = ? AND position = ?',
      content.number,
      position,
    )?.bytes;
    if (!chunk) throw new Error(`a chunk of content ${digest} is missing`);
    const offset = position * chunkBytes;
    const piece = chunk.subarray(Math.max(from - offset, 0), Math.min(to - offset, chunk.length));
    bytes.set(piece, Math.max(offset - from, 0));
  }
  return bytes;
}

export function readReading(connection: Connection, digest: string): string | null {
  return connection.get<{ reading: string }>('SELECT reading FROM contents WHERE digest = ?', digest)?.reading ?? null;
}
