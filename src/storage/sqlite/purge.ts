// The content purge: mark what nothing refers to, wait, check again, delete. Each operation is short, so that mail that arrives meanwhile
// never waits for the deletion of a large message; `purgeContents` in storage.ts runs them until a round is complete.
import { chunkBytes } from './contents.ts';
import type { Write, Written } from './write.ts';

/** Contents that one operation marks or deletes. */
const contentsPerStep = 500;
/** Chunks that one operation removes: 8 MiB. */
const chunksPerStep = (8 * 1024 * 1024) / chunkBytes;

export interface PurgeStep {
  now: number;
  graceMs: number;
}

/** Answers how many were marked; fewer than a full step means that there are no more. */
export function markContents(
  { connection }: Write,
  { now, graceMs }: PurgeStep,
): Written<{ marked: number; more: boolean }> {
  const marked = connection.run(
    `UPDATE contents SET marked_at = ? WHERE number IN
       (SELECT number FROM contents INDEXED BY contents_unmarked
         WHERE referrers = 0 AND marked_at IS NULL AND last_used_at < ? LIMIT ${contentsPerStep})`,
    now,
    now - graceMs,
  );
  return { result: { marked, more: marked === contentsPerStep }, changed: [] };
}

/** Whoever uses a marked content again takes the mark away in the same transaction, so a mark that is still there is proof. */
export function deleteMarkedContents(
  { connection }: Write,
  { now, graceMs }: PurgeStep,
): Written<{ deleted: number; bytes: number; more: boolean }> {
  const doomed = connection.all<{ number: number; sizeBytes: number }>(
    `SELECT number, size_bytes AS sizeBytes FROM contents INDEXED BY contents_marked
      WHERE referrers = 0 AND marked_at IS NOT NULL AND marked_at < ? LIMIT ${contentsPerStep}`,
    now - graceMs,
  );
  let bytes = 0;
  for (const { number, sizeBytes } of doomed) {
    connection.run('DELETE FROM contents WHERE number = ?', number);
    connection.run('INSERT INTO discarded (content) VALUES (?)', number);
    bytes += sizeBytes;
  }
  return { result: { deleted: doomed.length, bytes, more: doomed.length === contentsPerStep }, changed: [] };
}

/** Removes chunks of deleted contents; answers whether there are more. */
export function removeChunks({ connection }: Write): Written<{ more: boolean }> {
  let left = chunksPerStep;
  while (left > 0) {
    const content = connection.get<{ content: number }>(
      'SELECT content FROM discarded ORDER BY content LIMIT 1',
    )?.content;
    if (content === undefined) return { result: { more: false }, changed: [] };
    const removed = connection.run(
      'DELETE FROM chunks WHERE rowid IN (SELECT rowid FROM chunks WHERE content = ? LIMIT ?)',
      content,
      left,
    );
    if (removed < left) connection.run('DELETE FROM discarded WHERE content = ?', content);
    left -= Math.max(removed, 1);
  }
  return { result: { more: true }, changed: [] };
}
