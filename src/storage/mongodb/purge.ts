// The content purge: mark what nothing refers to, wait, check again, delete. What costs is what changed: a content is looked at once after
// it came, and again when a message gave it back (`contentUnchecked`, set in the same write). Every step is conditional on what it read,
// so that processes may purge beside each other and beside arrivals.
import type { Connection } from './connection.ts';
import { deleteFile, dropNote, noteFile, takeNote } from './files.ts';
import type { ContentDocument, MessageDocument, UnsettledFile } from './schema.ts';

/** Documents that one step looks at. */
const stepSize = 500;

export interface Purge {
  now: number;
  graceMs: number;
  signal: AbortSignal | undefined;
}

export async function purgeContents(
  connection: Connection,
  purge: Purge,
): Promise<{ marked: number; deleted: number; bytes: number }> {
  const total = { marked: 0, deleted: 0, bytes: 0 };
  await inSteps(
    purge,
    () => markedBefore(connection, purge),
    async (content) => {
      if (!(await deleteContent(connection, content))) return;
      total.deleted++;
      total.bytes += content.sizeBytes;
    },
  );
  await inSteps(
    purge,
    () => unsettledFiles(connection, purge),
    (file) => settleFile(connection, file),
  );
  await inSteps(
    purge,
    () => givenBack(connection),
    (message) => recheckContent(connection, message),
  );
  await inSteps(
    purge,
    () => uncheckedBefore(connection, purge),
    async (content) => {
      if (await checkContent(connection, content, purge.now)) total.marked++;
    },
  );
  return total;
}

/** Each item leaves the query when it is done; one that does not (somebody else was faster) is not asked for twice in a row. */
async function inSteps<Item extends { _id: unknown }>(
  { signal }: Purge,
  next: () => Promise<Item[]>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let last = '';
  while (!signal?.aborted) {
    const items = await next();
    const ids = items.map(({ _id }) => String(_id)).join();
    if (!items.length || ids === last) return;
    last = ids;
    for (const item of items) {
      if (signal?.aborted) return;
      await work(item);
    }
  }
}

function markedBefore({ contents }: Connection, { now, graceMs }: Purge): Promise<ContentDocument[]> {
  return contents
    .find({ markedAt: { $gte: 0, $lt: now - graceMs } }, { projection: { reading: 0, bytes: 0 } })
    .limit(stepSize)
    .toArray();
}

function uncheckedBefore({ contents }: Connection, { now, graceMs }: Purge): Promise<ContentDocument[]> {
  return contents
    .find({ unchecked: true, lastUsedAt: { $lt: now - graceMs } }, { projection: { reading: 0, bytes: 0 } })
    .limit(stepSize)
    .toArray();
}

async function isReferredTo({ messages }: Connection, digest: string): Promise<boolean> {
  return (await messages.findOne({ digest, released: false }, { projection: { _id: 1 } })) !== null;
}

/** Marks a content that nothing refers to. */
async function checkContent(
  connection: Connection,
  { _id, lastUsedAt }: ContentDocument,
  now: number,
): Promise<boolean> {
  const isNeeded = await isReferredTo(connection, _id);
  const { matchedCount } = await connection.contents.updateOne(
    { _id, lastUsedAt, unchecked: true, markedAt: null },
    { $set: { unchecked: false, markedAt: isNeeded ? null : now } },
  );
  return matchedCount > 0 && !isNeeded;
}

/** Whoever uses a marked content again takes the mark away first; asked again because that may have been a message before the mark. */
async function deleteContent(connection: Connection, { _id, markedAt, file }: ContentDocument): Promise<boolean> {
  const { contents } = connection;
  if (await isReferredTo(connection, _id)) {
    await contents.updateOne({ _id, markedAt }, { $set: { markedAt: null } });
    return false;
  }
  if (file) await noteFile(connection, { _id: file, digest: _id });
  const { deletedCount } = await contents.deleteOne({ _id, markedAt });
  if (file && deletedCount) await deleteFile(connection, { _id: file });
  return deletedCount > 0;
}

/** Files that a process was about to store or to delete when it died. */
function unsettledFiles({ unsettled }: Connection, { now, graceMs }: Purge): Promise<UnsettledFile[]> {
  return unsettled
    .find({ begunAt: { $lt: Math.min(now, Date.now()) - Math.max(graceMs, 3_600_000) } })
    .limit(stepSize)
    .toArray();
}

async function settleFile(connection: Connection, found: UnsettledFile): Promise<void> {
  // A process that only stood still learns from it that its file is lost.
  const note = await takeNote(connection, found);
  if (!note) return;
  const { _id, digest } = note;
  const isNamed = await connection.contents.findOne({ _id: digest, file: _id }, { projection: { _id: 1 } });
  if (isNamed) await dropNote(connection, note);
  else await deleteFile(connection, note);
}

function givenBack({ messages }: Connection): Promise<MessageDocument[]> {
  return messages
    .find({ contentUnchecked: true }, { projection: { digest: 1, revision: 1, ownerDomain: 1, ownerAddress: 1 } })
    .limit(stepSize)
    .toArray();
}

/** Has the purge look at the content that a message gave back. */
export async function recheckContent({ messages, contents }: Connection, message: MessageDocument): Promise<void> {
  const { _id, ownerDomain, ownerAddress, digest, revision } = message;
  await contents.updateOne({ _id: digest, markedAt: null }, { $set: { unchecked: true } });
  await messages.updateOne({ _id, ownerDomain, ownerAddress, revision }, { $unset: { contentUnchecked: 1 } });
}
