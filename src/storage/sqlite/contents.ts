// Raw message bytes, stored once under their digest and cut into chunks, so that a range of a large message costs no more than the range.
// Contents are deleted in two steps an hour apart and never while a message refers to them: the foreign key is the last guard.
import { TemporaryError } from '../../quarantine/errors.ts';
import type { Message } from '../../quarantine/message.ts';
import type { Connection } from './connection.ts';
import { storePrepared } from './prepared.ts';
import type { SentReading } from './prepared.ts';
import type { Write, Written } from './write.ts';

export interface SentContent {
  digest: string;
  /** A copy of its own: the caller's buffer stays usable, because a failed write is repeated with it. */
  bytes: Uint8Array;
  reading: SentReading;
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
  const { version, rest } = content.reading;
  const replaced = connection.get<{ number: number }>(
    'UPDATE contents SET reading = ?, reading_version = ? WHERE digest = ? AND reading_version < ? RETURNING number',
    rest,
    version,
    content.digest,
    version,
  );
  if (replaced) storePrepared(connection, replaced.number, content.reading);
  return true;
}

/** Stores a content unless it is there. */
export function storeContent(connection: Connection, content: SentContent, now: number): void {
  if (contentRow(connection, content.digest)) return;
  const { bytes, reading } = content;
  connection.run(
    'INSERT INTO contents (digest, size_bytes, last_used_at, reading_version, reading) VALUES (?, ?, ?, ?, ?)',
    content.digest,
    bytes.length,
    now,
    reading.version,
    reading.rest,
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
  storePrepared(connection, number, reading);
}

export function keepContent(
  { connection }: Write,
  { content, now }: { content: SentContent; now: number },
): Written<null> {
  if (!renewContent(connection, content, now)) storeContent(connection, content, now);
  return { result: null, changed: [] };
}

/**
 * The number of the content that a message refers to; null for one that gave it back.
 * @throws TemporaryError when the content was purged
 */
export function referredContent(
  connection: Connection,
  { contentReleased, digest }: Pick<Message, 'contentReleased' | 'digest'>,
): number | null {
  if (contentReleased) return null;
  const content = contentRow(connection, digest);
  if (!content) throw new TemporaryError('The content of this message was deleted meanwhile. Please try again.');
  return content.number;
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
  let bytes: Uint8Array | undefined;
  for (let position = Math.floor(from / chunkBytes); position * chunkBytes < to; position++) {
    const chunk = connection.get<{ bytes: Uint8Array }>(
      'SELECT bytes FROM chunks WHERE content = ? AND position = ?',
      content.number,
      position,
    )?.bytes;
    const offset = position * chunkBytes;
    if (chunk?.length !== Math.min(chunkBytes, content.sizeBytes - offset))
      throw new Error(`a chunk of content ${digest} is missing or incomplete`);
    if (from === offset && to === offset + chunk.length) return chunk;
    bytes ??= Buffer.allocUnsafeSlow(to - from);
    bytes.set(chunk.subarray(Math.max(from - offset, 0), to - offset), Math.max(offset - from, 0));
    // Left to V8, large messages make it collect all garbage again and again.
    (chunk.buffer as ArrayBuffer).transfer(0);
  }
  return bytes ?? new Uint8Array();
}
