// Raw message bytes, stored once under their digest: in the content's document when they are small, else in a GridFS file (files.ts), so that
// a range of a large message costs no more than the range. Nothing but purge.ts deletes one.
import type { NewContent } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import { isDuplicate } from './errors.ts';
import { deleteFile, dropNote, readFile, storeFile } from './files.ts';
import type { ContentDocument } from './schema.ts';

/** Nineteen of twenty spam messages are smaller. A larger document would make reading a list's ENVELOPEs read the bodies as well. */
const inlineBytes = 64 * 1024;

/** Stores a content, or renews its last use: nothing deletes it within the hour that follows. */
export async function keepContent(connection: Connection, content: NewContent, now: number): Promise<void> {
  while (!(await renewContent(connection, content, now))) {
    if (await storeContent(connection, content, now)) return;
  }
}

async function renewContent({ contents }: Connection, { digest, reading }: NewContent, now: number): Promise<boolean> {
  const { matchedCount } = await contents.updateOne(
    { _id: digest },
    { $max: { lastUsedAt: now }, $set: { markedAt: null, unchecked: true } },
  );
  // A newer version of the program may read the same bytes better.
  if (matchedCount)
    await contents.updateOne(
      { _id: digest, readingVersion: { $lt: reading.version } },
      { $set: { readingVersion: reading.version, reading: JSON.stringify(reading) } },
    );
  return matchedCount > 0;
}

/** False: to be tried again, because somebody else stored it first or this process stood still meanwhile. */
async function storeContent(
  connection: Connection,
  { digest, bytes, reading }: NewContent,
  now: number,
): Promise<boolean> {
  const document: ContentDocument = {
    _id: digest,
    sizeBytes: bytes.length,
    lastUsedAt: now,
    markedAt: null,
    unchecked: true,
    readingVersion: reading.version,
    reading: JSON.stringify(reading),
  };
  if (bytes.length <= inlineBytes) return insertUnlessThere(connection, { ...document, bytes });
  const file = await storeFile(connection, { digest, bytes });
  if (!file) return false;
  const isFirst = await insertUnlessThere(connection, { ...document, file: file._id });
  if (isFirst) await dropNote(connection, file);
  else await deleteFile(connection, file);
  return isFirst;
}

async function insertUnlessThere({ contents }: Connection, document: ContentDocument): Promise<boolean> {
  try {
    await contents.insertOne(document);
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

/** Keeps a content that a message begins to refer to again; answers whether it is there. */
export async function claimContent({ contents }: Connection, digest: string): Promise<boolean> {
  const { matchedCount } = await contents.updateOne({ _id: digest }, { $set: { markedAt: null, unchecked: true } });
  return matchedCount > 0;
}

/**
 * Whether a content is there and not about to be deleted. Asked after a message refers to it: from then on a purge that has not marked
 * it yet finds the message before it deletes.
 */
export async function isSafe({ contents }: Connection, digest: string): Promise<boolean> {
  return (await contents.findOne({ _id: digest, markedAt: null }, { projection: { _id: 1 } })) !== null;
}

/** Bytes [start, end) of a content; null when it is not there. */
export async function readBytes(
  connection: Connection,
  digest: string,
  start = 0,
  end = Infinity,
): Promise<Buffer | null> {
  const content = await connection.contents.findOne(
    { _id: digest },
    { projection: { sizeBytes: 1, file: 1, bytes: 1 } },
  );
  if (!content) return null;
  const from = Math.min(Math.max(start, 0), content.sizeBytes);
  const to = Math.min(Math.max(end, from), content.sizeBytes);
  if (content.file) return from === to ? Buffer.alloc(0) : readFile(connection, content.file, from, to);
  return Buffer.from(bytesOf(content)).subarray(from, to);
}

/** Whole contents, by digest; none for what is not in its document as a whole. */
export async function readSmall({ contents }: Connection, digests: readonly string[]): Promise<Map<string, Buffer>> {
  const found = await contents
    .find({ _id: { $in: [...digests] }, bytes: { $exists: true } }, { projection: { sizeBytes: 1, bytes: 1 } })
    .toArray();
  const whole = found.map((content) => [content._id, Buffer.from(bytesOf(content))] as const);
  return new Map(whole.filter(([, { length }], i) => length === found[i]?.sizeBytes));
}

/** The client is told to give buffers (connection.ts); a Binary is what its types allow for. */
function bytesOf({ _id, bytes }: ContentDocument): Uint8Array {
  if (!bytes) throw new Error(`the bytes of content ${_id} are missing`);
  return 'buffer' in bytes && bytes instanceof Uint8Array ? bytes : bytes.value();
}
