// Large contents as GridFS files. A file comes and goes in several steps, so a note is there from before the first one until a content names
// the file or nothing is left of it: by its note the purge finds what a process that died has left, chunks that belong to no file yet
// included. Called by contents.ts and purge.ts.
import { buffer } from 'node:stream/consumers';
import { ObjectId } from 'mongodb';
import type { Connection } from './connection.ts';
import { inTime } from './deadline.ts';
import type { UnsettledFile } from './schema.ts';

/** Notes that a file is about to be stored or deleted. May be repeated. */
export async function noteFile(
  { unsettled }: Connection,
  file: Pick<UnsettledFile, '_id' | 'digest'>,
): Promise<UnsettledFile> {
  // By this machine's clock: the time of an arrival may be long ago (movable-writer.ts).
  const note = { ...file, begunAt: Date.now() };
  const { _id, ...rest } = note;
  await unsettled.updateOne({ _id }, { $set: rest }, { upsert: true });
  return note;
}

/** Renews a note; null when it is not as it was read, because somebody else works on that file. */
export async function takeNote(
  { unsettled }: Connection,
  { _id, digest, begunAt }: UnsettledFile,
): Promise<UnsettledFile | null> {
  // Never the same time again, by which everybody else would still take the note for theirs.
  const taken = { _id, digest, begunAt: Math.max(Date.now(), begunAt + 1) };
  const { matchedCount } = await unsettled.updateOne({ _id, begunAt }, { $set: { begunAt: taken.begunAt } });
  return matchedCount ? taken : null;
}

/** A content names the file. */
export async function dropNote({ unsettled }: Connection, note: UnsettledFile): Promise<void> {
  await unsettled.deleteOne(note);
}

/**
 * Stores bytes as a file that no content names yet. Null: it took longer than a process is believed to be alive, and the purge may have
 * deleted what there was.
 */
export async function storeFile(
  connection: Connection,
  { digest, bytes }: { digest: string; bytes: Buffer },
): Promise<UnsettledFile | null> {
  const note = await noteFile(connection, { _id: new ObjectId(), digest });
  await upload(connection, note, bytes);
  const taken = await takeNote(connection, note);
  if (!taken) await deleteFile(connection, note);
  return taken;
}

function upload({ bucket }: Connection, { _id, digest }: UnsettledFile, bytes: Buffer): Promise<void> {
  const stream = bucket.openUploadStreamWithId(_id, digest);
  const uploaded = new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('finish', () => resolve());
  });
  stream.end(bytes);
  return inTime(uploaded);
}

/** Whatever there is of a noted file, and its note. Not by the bucket: it has an error for a file that was never complete. */
export async function deleteFile(
  { files, chunks, unsettled }: Connection,
  { _id }: Pick<UnsettledFile, '_id'>,
): Promise<void> {
  await files.deleteOne({ _id });
  await chunks.deleteMany({ files_id: _id });
  await unsettled.deleteOne({ _id });
}

export function readFile({ bucket }: Connection, file: ObjectId, start: number, end: number): Promise<Buffer> {
  return inTime(buffer(bucket.openDownloadStream(file, { start, end })));
}
