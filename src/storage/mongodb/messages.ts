// Writing messages: arrival and change. The document with everything derived from it is one write; what mailboxes show of it changes when
// it gets its number (sequences.ts), and the answer waits for that. What a change means to open sessions is decided by `effectOf` in the
// domain.
import { MongoBulkWriteError } from 'mongodb';
import type { AnyBulkWriteOperation, ClientSession } from 'mongodb';
import { StaleError, TemporaryError } from '../../quarantine/errors.ts';
import { effectOf } from '../../quarantine/message.ts';
import type { Effect, Message } from '../../quarantine/message.ts';
import type { Arrival, Change, CommitResult, DropUids } from '../../quarantine/ports.ts';
import { rolesIn, searchable, sequencesOf } from '../shown.ts';
import { inTransaction } from './connection.ts';
import type { Connection } from './connection.ts';
import { claimContent, isSafe, keepContent } from './contents.ts';
import { duplicateKey } from './errors.ts';
import { derivedFields, documentOf, fixedFields, fromStored, toStored } from './fields.ts';
import { takeDropUids } from './numbers.ts';
import { placeField, sequenceName } from './schema.ts';
import type { MessageDocument, Place, SequenceName, Unnumbered } from './schema.ts';
import { changeOf } from './sequences.ts';
import type { Change as NumberedChange, Sequences } from './sequences.ts';

export interface Writing {
  connection: Connection;
  sequences: Sequences;
}

type Waiting = Partial<Record<`${SequenceName}Unnumbered`, Unnumbered>>;

/** Messages that one request changes, so that none takes so long that it is given up. */
const writeSize = 1000;

const contentGone = 'The content of this message was deleted meanwhile. Please try again.';

export async function insert(
  { connection, sequences }: Writing,
  { content, messages, skipKnown }: Arrival,
  now: number,
): Promise<{ outcomes: ({ stored: Message } | { known: true })[]; changed: string[] }> {
  const known = skipKnown ? await knownAmong(connection, messages) : new Map<string, string | undefined>();
  const wanted = messages.filter(({ id }) => !known.has(id)).map((message): Message => ({ ...message, revision: 0 }));
  for (const message of wanted) checkArrival(message, content.digest);
  if (wanted.length) await keepContent(connection, content, now);
  const searched = (message: Message): string =>
    searchable(message.envelope.sender, ...message.envelope.recipients, content.reading.summary.subject);
  const stored = await insertDocuments(
    connection,
    wanted.map((message) => newDocument(message, searched(message))),
  );
  // A purge that asked before the messages were there may have begun to delete.
  if (stored.size && !(await isSafe(connection, content.digest))) await keepContent(connection, content, now);
  const arrived = wanted.filter(({ id }) => stored.has(id));
  const changed = await numberAll(
    sequences,
    arrived.map((message) => ({ message, places: {}, waiting: arrival(message) })),
  );
  // What is answered as known is seen from then on, too: whoever stored it may have died before it had its number.
  const twice = wanted.filter(({ id }) => !stored.has(id)).map(({ id }) => id);
  await numberStored({ connection, sequences }, [...twice, ...known.values()]);
  const byId = new Map(arrived.map((message) => [message.id, message]));
  const outcomes = messages.map(({ id }) => {
    const message = byId.get(id);
    byId.delete(id);
    return message ? { stored: message } : { known: true as const };
  });
  return { outcomes, changed };
}

function checkArrival({ id, owner, digest }: Message, arriving: string): void {
  if (digest !== arriving) throw new Error(`message ${id} does not belong to the content that it came with`);
  if (owner.address && !owner.address.endsWith(`@${owner.domain}`))
    throw new Error(`message ${id} belongs to an address outside of its domain`);
}

/** By id, those that are not to be stored again, and the stored message that they are the same as; undefined: they came along with it. */
async function knownAmong(
  { messages }: Connection,
  arriving: Arrival['messages'],
): Promise<Map<string, string | undefined>> {
  const known = new Map<string, string | undefined>();
  const seen = new Set<string>();
  for (const { id, digest, owner, view, envelope } of arriving) {
    const same = {
      digest,
      ownerDomain: owner.domain,
      ownerAddress: owner.address,
      view,
      firstRecipient: envelope.recipients[0] ?? '',
    };
    const key = JSON.stringify(same);
    const stored = seen.has(key) ? null : await messages.findOne(same, { projection: { _id: 1 } });
    if (stored || seen.has(key)) known.set(id, stored?._id);
    seen.add(key);
  }
  return known;
}

function newDocument(message: Message, searched: string): MessageDocument {
  return {
    _id: message.id,
    revision: message.revision,
    ...fixedFields(message, searched),
    ...derivedFields(message),
    message: toStored(message),
    ...arrival(message),
  };
}

function arrival(message: Message): Waiting {
  const waiting: Waiting = {};
  for (const key of sequencesOf(message.owner))
    if (rolesIn(key, message).length) waiting[unnumberedField(key)] = { revision: message.revision, arrives: true };
  return waiting;
}

function unnumberedField(key: string): `${SequenceName}Unnumbered` {
  return `${sequenceName(key)}Unnumbered`;
}

/** Ids of those that were stored; the others were there already. */
async function insertDocuments({ messages }: Connection, documents: MessageDocument[]): Promise<Set<string>> {
  const stored = new Set(documents.map(({ _id }) => _id));
  if (!documents.length) return stored;
  try {
    await messages.insertMany(documents, { ordered: false });
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = [error.writeErrors].flat();
    if (!failures.length || failures.some(({ code }) => code !== duplicateKey)) throw error;
    for (const { index } of failures) stored.delete(documents[index]?._id ?? '');
  }
  return stored;
}

/** A change with what is stored of its message now. */
interface Planned {
  after: Message;
  document: MessageDocument;
  /** Mailboxes show nothing of it. */
  isSilent: boolean;
  waiting: Waiting;
}

export async function commit(
  writing: Writing,
  changes: readonly Change[],
  drop: DropUids | undefined,
): Promise<{ result: CommitResult; changed: string[] }> {
  const messages = changes.map(({ before, after }): Message => ({ ...after, revision: before.revision + 1 }));
  const { planned, taken } = await store(writing, { changes, messages, drop });
  const changed = await numberAll(
    writing.sequences,
    planned.map(({ after, document, waiting }) => ({ message: after, places: document, waiting })),
  );
  return { result: { messages, ...taken }, changed };
}

interface Commit {
  changes: readonly Change[];
  /** What they make of their messages. */
  messages: readonly Message[];
  drop: DropUids | undefined;
}

/** Writes all changes, once no message waits for a number of an earlier one. */
async function store(
  writing: Writing,
  { changes, messages, drop }: Commit,
): Promise<{ planned: Planned[]; taken: Pick<CommitResult, 'drop'> }> {
  const { connection, sequences } = writing;
  let taken: Pick<CommitResult, 'drop'> | undefined;
  for (;;) {
    const documents = await readDocuments(
      connection,
      messages.map(({ id }) => id),
    );
    if (documents.size < changes.length) throw new StaleError();
    const planned = changes.map(({ before }, i): Planned => plan(before, messages[i], documents.get(before.id)));
    // Only then it is certain in which sequences the change takes numbers.
    const hindered = planned.filter(({ document, isSilent }) => !isSilent && isUnnumbered(document));
    if (hindered.length) {
      await numberLeft(
        sequences,
        hindered.map(({ document }) => document),
      );
      continue;
    }
    await claimContents(connection, planned);
    // Not in the transaction, where rivals for the drop folder would wait for each other. If the write meets a newer change, its UIDs are
    // never used.
    taken ??= drop ? { drop: await takeDropUids(connection, drop) } : {};
    const written = await writeTogether(connection, planned);
    if (written === planned.length) return { planned, taken };
    // What was written must be seen by sessions although the others met a newer change.
    await numberStored(
      writing,
      planned.map(({ after }) => after.id),
    );
    throw new StaleError();
  }
}

async function readDocuments({ messages }: Connection, ids: readonly string[]): Promise<Map<string, MessageDocument>> {
  if (!ids.length) return new Map();
  const found = await messages.find({ _id: { $in: [...ids] } }, { projection: { searched: 0 } }).toArray();
  return new Map(found.map((document) => [document._id, document]));
}

function plan(before: Message, after: Message | undefined, document: MessageDocument | undefined): Planned {
  if (!after || document?.revision !== before.revision || document.forgottenAt !== undefined) throw new StaleError();
  const stored = fromStored(document);
  checkUnchanged(stored, after);
  const effect = effectOf(stored, after);
  if (effect === 'silent') return { after, document, isSilent: true, waiting: {} };
  return { after, document, isSilent: false, waiting: numbersOf(effect, stored, after, document) };
}

function checkUnchanged(before: Message, after: Message): void {
  const fixed = (message: Message): string =>
    JSON.stringify([message.id, message.digest, message.view, message.owner.domain, message.owner.address]);
  if (fixed(before) !== fixed(after)) throw new Error(`message ${before.id} cannot change its digest, view or owner`);
}

/** In which sequences the change takes a number. */
function numbersOf(effect: Effect, before: Message, after: Message, document: MessageDocument): Waiting {
  const waiting: Waiting = {};
  for (const key of sequencesOf(after.owner)) {
    const shownBefore = rolesIn(key, before);
    // A role that begins to see a message may have seen higher UIDs already, so the message takes a new one even within a holding.
    const arrives = effect === 'arrives' || rolesIn(key, after).some((role) => !shownBefore.includes(role));
    const place: Place | undefined = document[placeField(sequenceName(key))];
    const isNumbered = (place?.ordinal ?? null) !== null;
    if (arrives ? isNumbered || rolesIn(key, after).length > 0 : isNumbered)
      waiting[unnumberedField(key)] = { revision: after.revision, arrives };
  }
  return waiting;
}

function isUnnumbered({ domainUnnumbered, globalUnnumbered }: MessageDocument): boolean {
  return domainUnnumbered !== undefined || globalUnnumbered !== undefined;
}

/** @throws TemporaryError a content that a message is to refer to again was purged */
async function claimContents(connection: Connection, planned: readonly Planned[]): Promise<void> {
  for (const { after, document } of planned) {
    const refersAgain = document.released && !after.contentReleased;
    if (refersAgain && !(await claimContent(connection, after.digest))) throw new TemporaryError(contentGone);
  }
}

/** Several messages: all or none, where the deployment can. @throws StaleError nothing was written */
async function writeTogether(connection: Connection, planned: readonly Planned[]): Promise<number> {
  if (planned.length < 2) return write(connection, planned, undefined);
  return inTransaction(connection, async ({ session }) => {
    const count = await write(connection, planned, session);
    // Leaving a transaction with an error takes back what it wrote.
    if (session && count < planned.length) throw new StaleError();
    return count;
  });
}

/** Answers how many of the messages were still as they were read. */
async function write(
  { messages }: Connection,
  planned: readonly Planned[],
  session: ClientSession | undefined,
): Promise<number> {
  const operations = planned.map(({ after, document, isSilent, waiting }): AnyBulkWriteOperation<MessageDocument> => {
    const free = isSilent ? {} : { domainUnnumbered: { $exists: false }, globalUnnumbered: { $exists: false } };
    const unchecked = after.contentReleased && !document.released ? { contentUnchecked: true } : {};
    return {
      updateOne: {
        filter: { ...documentOf(after), revision: after.revision - 1, ...free },
        update: {
          $set: {
            revision: after.revision,
            ...derivedFields(after),
            message: toStored(after),
            ...waiting,
            ...unchecked,
          },
        },
      },
    };
  });
  let written = 0;
  for (let i = 0; i < operations.length; i += writeSize)
    written += (
      await messages.bulkWrite(operations.slice(i, i + writeSize), { ordered: false, ...(session && { session }) })
    ).matchedCount;
  return written;
}

/** Has sessions see what is stored of these messages. */
async function numberStored({ connection, sequences }: Writing, ids: readonly (string | undefined)[]): Promise<void> {
  const some = ids.filter((id) => id !== undefined);
  if (some.length) await numberLeft(sequences, [...(await readDocuments(connection, some)).values()]);
}

interface ToNumber {
  message: Message;
  places: Partial<Pick<MessageDocument, 'domainPlace' | 'globalPlace'>>;
  waiting: Waiting;
}

/** Answers the keys of the sequences that took numbers. */
async function numberAll(sequences: Sequences, changed: readonly ToNumber[]): Promise<string[]> {
  return numberByKey(sequences, changed, ({ message, places, waiting }, key) => {
    const unnumbered = waiting[unnumberedField(key)];
    return unnumbered ? [{ ...unnumbered, message, place: places[placeField(sequenceName(key))] ?? null }] : [];
  });
}

/** Takes numbers for changes that their writers left, or have not come to yet. */
export async function numberLeft(sequences: Sequences, documents: readonly MessageDocument[]): Promise<void> {
  // Of a message that was forgotten meanwhile nothing is left to be numbered.
  const items = documents.filter(isUnnumbered).map((document) => ({ document, message: fromStored(document) }));
  await numberByKey(sequences, items, ({ document }, key) => changeOf(key, document));
}

async function numberByKey<Item extends { message: Message }>(
  sequences: Sequences,
  items: readonly Item[],
  changesIn: (item: Item, key: string) => NumberedChange[],
): Promise<string[]> {
  const byKey = new Map<string, NumberedChange[]>();
  for (const item of items) {
    for (const key of sequencesOf(item.message.owner)) {
      const changes = byKey.get(key) ?? [];
      changes.push(...changesIn(item, key));
      byKey.set(key, changes);
    }
  }
  const changed = [...byKey].filter(([, changes]) => changes.length);
  const results = await Promise.allSettled(changed.map(([key, changes]) => sequences.number(key, changes)));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return changed.map(([key]) => key);
}
