// Reading mailboxes: what SELECT, STATUS and FETCH ask for. Every read begins with the mailbox's sequence (sequences.ts) and looks at nothing
// above the last number that it found there.
import type { View } from '../../quarantine/message.ts';
import type { Message } from '../../quarantine/message.ts';
import type {
  FlaggedUids,
  ListedMessage,
  MailboxSnapshot,
  MailboxState,
  MailboxStatus,
  PackedMessages,
  PackedQuery,
  UidRange,
} from '../../quarantine/ports.ts';
import type { Reading } from '../../quarantine/reading/reading.ts';
import { sequenceKey } from '../../quarantine/scope.ts';
import { slicesOf } from '../../quarantine/slices.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { flaggedUids } from '../flagged-uids.ts';
import { countOfContents, pack, packable } from '../packed-values.ts';
import type { PackableValues } from '../packed-values.ts';
import { loginKey } from '../shown.ts';
import { inOrder } from '../uid-ranges.ts';
import { readBytes, readSmall } from './contents.ts';
import { fromStored } from './fields.ts';
import type { Writing } from './messages.ts';
import { mailboxId } from './schema.ts';
import type { MessageDocument, SequenceDocument } from './schema.ts';
import { mailboxFields, shownBetween, within } from './scoped.ts';
import type { MailboxFields, MessageFilter } from './scoped.ts';

export interface Mailbox {
  scope: Scope;
  view: View;
}

export type Reader = Writing;

/** Each may take several megabytes, if somebody wants it to. */
const readingsAtOnce = 20;
/** As many as an answer with contents mostly has. */
const contentsAtOnce = 100;

/** How often a mailbox is read again because it changed meanwhile. */
const snapshotTries = 20;

export interface State extends MailboxState {
  sequence: SequenceDocument;
}

export async function readState({ connection, sequences }: Reader, { scope, view }: Mailbox): Promise<State> {
  const _id = mailboxId(loginKey(scope), view);
  for (let tries = 1; ; tries++) {
    const sequence = await sequences.settled(sequenceKey(scope));
    const { modseq, uidBase, uidValidity, lastOrdinal } = sequence;
    const last = (await connection.mailboxes.findOne({ _id }))?.lastOrdinal ?? 0;
    // Mail that came since: read on with it, so that UIDNEXT is that of one moment.
    if (last > lastOrdinal && tries < snapshotTries) continue;
    const uidNext = Math.max(Math.min(last, lastOrdinal) - uidBase, 0) + 1;
    return { modseq, uidValidity, uidNext, sequence };
  }
}

/**
 * One snapshot. Where messages leave and change faster than the mailbox can be read, one that left while it was read may be missing
 * already; the feed then tells that a message is gone that the client never saw.
 */
export async function openMailbox(reader: Reader, mailbox: Mailbox): Promise<MailboxSnapshot> {
  const fields = mailboxFields(mailbox.scope, mailbox.view);
  for (let tries = 1; ; tries++) {
    const { sequence, ...state } = await readState(reader, mailbox);
    const messages = await readFlaggedUids(reader, fields, sequence);
    if (tries < snapshotTries && (await hasChanged(reader, fields, sequence))) continue;
    return { ...state, ...messages };
  }
}

/** UIDs from an index alone; only messages that have any flags are looked at themselves. */
async function readFlaggedUids(
  { connection: { messages } }: Reader,
  fields: MailboxFields,
  { uidBase, lastOrdinal }: SequenceDocument,
): Promise<FlaggedUids> {
  const { role, place } = fields;
  const shown = shownBetween(fields, uidBase, lastOrdinal);
  const read = (filter: MessageFilter, wanted: Record<string, 1>): AsyncIterable<MessageDocument> =>
    messages
      .find(filter, { projection: { _id: 0, [`${place}.ordinal`]: 1, ...wanted } })
      .sort({ [`${place}.ordinal`]: 1 })
      .batchSize(20_000);
  const flags = new Map<number, string>();
  for await (const document of read({ ...shown, [`${role}.flags.0`]: { $gt: '' } }, { [`${role}.flags`]: 1 }))
    flags.set((document[place]?.ordinal ?? 0) - uidBase, JSON.stringify(document[role]?.flags ?? []));
  const found: { uid: number; flags: string }[] = [];
  for await (const document of read(shown, {})) {
    const uid = (document[place]?.ordinal ?? 0) - uidBase;
    found.push({ uid, flags: flags.get(uid) ?? '[]' });
  }
  return flaggedUids(found);
}

/** Whether anything that the mailbox showed at the sequence's modseq was changed since; what arrived since does not count. */
async function hasChanged(
  { connection, sequences }: Reader,
  { filter, place, gone }: MailboxFields,
  { _id: key, modseq, lastOrdinal, uidValidity }: SequenceDocument,
): Promise<boolean> {
  const changed = await connection.messages.findOne(
    {
      ...filter,
      [`${place}.modseq`]: { $gt: modseq },
      $or: [
        { [`${place}.ordinal`]: { $lte: lastOrdinal } },
        { [`${place}.ordinal`]: null },
        { [gone]: { $elemMatch: { modseq: { $gt: modseq } } } },
      ],
    },
    { projection: { _id: 1 } },
  );
  if (changed) return true;
  const now = await connection.sequences.findOne({ _id: key }, { projection: { uidValidity: 1, renumbering: 1 } });
  if (!now || (now.uidValidity === uidValidity && !now.renumbering)) return false;
  await sequences.settled(key);
  return true;
}

export async function mailboxStatus(reader: Reader, mailbox: Mailbox): Promise<MailboxStatus> {
  const { sequence, ...state } = await readState(reader, mailbox);
  const fields = mailboxFields(mailbox.scope, mailbox.view);
  const shown = shownBetween(fields, sequence.uidBase, sequence.lastOrdinal);
  const { messages } = reader.connection;
  const [all, unseen] = await Promise.all([
    messages.countDocuments(shown),
    messages.countDocuments({ ...shown, [`${fields.role}.seen`]: false }),
  ]);
  return { ...state, messages: all, unseen };
}

export async function list(
  reader: Reader,
  { scope, view, ranges, limit }: Mailbox & { ranges: readonly UidRange[]; limit: number },
): Promise<ListedMessage[]> {
  const { uidBase, lastOrdinal } = await reader.sequences.settled(sequenceKey(scope));
  const fields = mailboxFields(scope, view);
  const { role, place } = fields;
  const found: ListedMessage[] = [];
  for (const some of slices(inOrder(ranges))) {
    if (found.length >= limit) break;
    const documents = await reader.connection.messages
      .find(
        {
          ...shownBetween(fields, uidBase, lastOrdinal),
          $or: some.map(({ from, to }) => ({ [`${place}.ordinal`]: { $gte: from + uidBase, $lte: to + uidBase } })),
        },
        {
          projection: {
            [`${place}.ordinal`]: 1,
            [`${role}.flags`]: 1,
            'message.internalDate': 1,
            'message.sizeBytes': 1,
          },
        },
      )
      .sort({ [`${place}.ordinal`]: 1 })
      .limit(limit - found.length)
      .toArray();
    for (const document of documents) {
      const { internalDate, sizeBytes } = document.message;
      const uid = (document[place]?.ordinal ?? 0) - uidBase;
      found.push({ uid, id: document._id, internalDate, sizeBytes, flags: document[role]?.flags ?? [] });
    }
  }
  return found;
}

/** As many ranges as one query may well hold. */
function* slices<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let i = 0; i < items.length; i += 500) yield items.slice(i, i + 500);
}

export async function listPacked(
  reader: Reader,
  { ranges, query, ...mailbox }: Mailbox & { ranges: readonly UidRange[]; query: PackedQuery },
): Promise<PackedMessages> {
  const hasContents = query.values.includes('content');
  const limit = hasContents ? Math.min(query.limit, contentsAtOnce) : query.limit;
  const all = await list(reader, { ...mailbox, ranges, limit });
  const listed = hasContents ? all.slice(0, countOfContents(all)) : all;
  const found: PackableValues[] = [];
  for (const slice of query.values.length ? slicesOf(listed, readingsAtOnce) : []) {
    const asked = { scope: mailbox.scope, ids: slice.map(({ id }) => id) };
    const some = query.values.some((name) => name !== 'content') ? await readings(reader, asked) : [];
    const contents = hasContents ? await smallContents(reader, asked) : [];
    found.push(...slice.map((_, i) => ({ ...packable(some[i] ?? null, query), content: contents[i] ?? null })));
  }
  return pack(listed, found, query);
}

/** In the order of `ids`; null for what is large or not there. */
async function smallContents(
  { connection }: Reader,
  { scope, ids }: { scope: Scope; ids: readonly string[] },
): Promise<(Buffer | null)[]> {
  const digests = await contentDigests({ connection }, scope, ids);
  const contents = await readSmall(connection, [...new Set(digests.values())]);
  return ids.map((id) => contents.get(digests.get(id) ?? '') ?? null);
}

export async function messagesByUid(
  reader: Reader,
  { scope, view, uids }: Mailbox & { uids: readonly number[] },
): Promise<{ uid: number; message: Message }[]> {
  const { uidBase, lastOrdinal } = await reader.sequences.settled(sequenceKey(scope));
  const fields = mailboxFields(scope, view);
  const { place } = fields;
  const wanted = [...new Set(uids)].filter((uid) => uid > 0).sort((a, b) => a - b);
  const found: { uid: number; message: Message }[] = [];
  for (const some of slices(wanted)) {
    const ordinals = some.map((uid) => uid + uidBase).filter((ordinal) => ordinal <= lastOrdinal);
    const documents = await reader.connection.messages
      .find({ ...fields.filter, [`${fields.role}.shown`]: true, [`${place}.ordinal`]: { $in: ordinals } })
      .sort({ [`${place}.ordinal`]: 1 })
      .toArray();
    for (const document of documents)
      found.push({ uid: (document[place]?.ordinal ?? 0) - uidBase, message: fromStored(document) });
  }
  return found;
}

export async function readings(
  { connection }: Reader,
  { scope, ids }: { scope: Scope; ids: readonly string[] },
): Promise<(Reading | null)[]> {
  const digests = await contentDigests({ connection }, scope, ids);
  const documents = await connection.contents
    .find({ _id: { $in: [...new Set(digests.values())] } }, { projection: { reading: 1 } })
    .toArray();
  const texts = new Map(documents.map(({ _id, reading }) => [_id, reading]));
  return ids.map((id) => {
    const text = texts.get(digests.get(id) ?? '');
    return text === undefined ? null : (JSON.parse(text) as Reading);
  });
}

export async function content(
  { connection }: Reader,
  { scope, id, start, end }: { scope: Scope; id: string; start: number | undefined; end: number | undefined },
): Promise<Buffer | null> {
  const digest = (await contentDigests({ connection }, scope, [id])).get(id);
  return digest === undefined ? null : readBytes(connection, digest, start, end);
}

/** Digests of messages' contents, by id; none for what the scope has not or what gave its content back. */
async function contentDigests(
  { connection: { messages } }: Pick<Reader, 'connection'>,
  scope: Scope,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const filter: MessageFilter = { ...within(scope), _id: { $in: [...ids] }, released: false };
  const documents = await messages.find(filter, { projection: { digest: 1 } }).toArray();
  return new Map(documents.map(({ _id, digest }: Pick<MessageDocument, '_id' | 'digest'>) => [_id, digest]));
}
