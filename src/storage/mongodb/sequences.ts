// The numbers that IMAP lives on: ordinals (UIDs), modseq, UIDVALIDITY, UIDNEXT. Sessions must never see anything appear below what they
// have seen, although many processes write at once and any of them may die at any point (DESIGN section 5). So a change is stored first
// without a number, and no mailbox shows it (messages.ts). Then
//
//   1. take:     one update of the sequence document takes the numbers of a whole batch and records beside them whom they are for,
//   2. publish:  each message gets its number, and with it what mailboxes show changes,
//   3. clear:    the record is removed.
//
// Numbers ascend in the order of step 1. A reader begins with the sequence document: it finishes what is recorded there (2 and 3 by
// whoever comes first; each is conditional, so twice is once) and looks at nothing above the last number that it read. A writer that dies
// before step 1 leaves a change that nobody has seen; sweep.ts takes numbers for it. A number may be taken twice for one change; the
// second is never used. Nothing expires, nobody waits for a clock.
import { ObjectId } from 'mongodb';
import type { AnyBulkWriteOperation } from 'mongodb';
import { TemporaryError } from '../../quarantine/errors.ts';
import type { Message } from '../../quarantine/message.ts';
import { loginOf, rolesIn } from '../shown.ts';
import type { Connection } from './connection.ts';
import { isDuplicate } from './errors.ts';
import { documentOf, fromStored, shownFields } from './fields.ts';
import { firstUidValidity, raiseMailboxes, shownArrivals } from './numbers.ts';
import type { MailboxArrival } from './numbers.ts';
import { finishRenumbering, startRenumbering } from './renumber.ts';
import { placeField, sequenceName } from './schema.ts';
import type { MessageDocument, Place, SequenceDocument, Taken } from './schema.ts';

/** A change of a message that is stored and waits for its number in one sequence. */
export interface Change {
  message: Message;
  /** The revision that made it. */
  revision: number;
  arrives: boolean;
  /** Where the message stands until then. */
  place: Place | null;
}

export interface Sequences {
  /** Gives changes their numbers; resolves when every reader of every process sees them. */
  number(key: string, changes: readonly Change[]): Promise<void>;
  /** The sequence, when everything up to its last number is in the messages. */
  settled(key: string): Promise<SequenceDocument>;
}

/** Changes that one update numbers: the sequence document holds a record of each until it is published. */
const batchSize = 1000;
/** Another process was faster this often before we wait a little: it numbers as many as came in meanwhile, too. */
const patientTries = 3;

interface Waiting {
  change: Change;
  done: () => void;
  failed: (error: unknown) => void;
}

interface Numbered {
  id: string;
  revision: number;
  /** Null: only a modseq. */
  ordinal: number | null;
  modseq: number;
}

export function createSequences(connection: Connection): Sequences {
  const queues = new Map<string, Waiting[]>();
  /** The batches that this process is finishing, so that its readers wait for that instead of doing it as well. */
  const finishing = new Map<string, Promise<void>>();

  function finishOnce(key: string, batch: string, taken: Taken, changes?: readonly Change[]): Promise<void> {
    const known = finishing.get(batch);
    if (known) return known;
    const finished = finish(connection, { key, batch, taken, changes }).finally(() => finishing.delete(batch));
    finishing.set(batch, finished);
    return finished;
  }

  async function settled(key: string): Promise<SequenceDocument> {
    for (;;) {
      const sequence = await readSequence(connection, key);
      await Promise.all(Object.entries(sequence.taken).map(([batch, taken]) => finishOnce(key, batch, taken)));
      if (!sequence.renumbering) return sequence;
      await finishRenumbering(connection, sequence);
    }
  }

  async function numberWaiting(key: string, waiting: Waiting[]): Promise<void> {
    while (waiting.length) {
      const batch = waiting.splice(0, batchSize);
      const changes = batch.map(({ change }) => change);
      const fail = (error: unknown): void => batch.forEach(({ failed }) => failed(error));
      try {
        const { id, taken } = await take(connection, key, changes, settled);
        // The next batch takes its numbers while this one is published.
        finishOnce(key, id, taken, changes).then(() => batch.forEach(({ done }) => done()), fail);
      } catch (error) {
        fail(error);
      }
    }
    queues.delete(key);
  }

  return {
    settled,
    async number(key, changes) {
      if (!changes.length) return;
      const all = changes.map(
        (change) =>
          new Promise<void>((done, failed) => {
            const waiting = queues.get(key);
            if (waiting) return void waiting.push({ change, done, failed });
            const first = [{ change, done, failed }];
            queues.set(key, first);
            void Promise.resolve().then(() => numberWaiting(key, first));
          }),
      );
      const results = await Promise.allSettled(all);
      const failure = results.find((result) => result.status === 'rejected');
      if (failure) throw failure.reason;
    },
  };
}

export async function readSequence(connection: Connection, key: string): Promise<SequenceDocument> {
  return (await connection.sequences.findOne({ _id: key })) ?? (await firstSequence(connection, key));
}

async function firstSequence(connection: Connection, key: string): Promise<SequenceDocument> {
  const uidValidity = await firstUidValidity(connection);
  return { _id: key, lastOrdinal: 0, modseq: 1, uidBase: 0, uidValidity, taken: {} };
}

/** Step 1. A sequence document is changed only from the state that was read: whoever is second reads again. */
async function take(
  connection: Connection,
  key: string,
  changes: readonly Change[],
  settled: Sequences['settled'],
): Promise<{ id: string; taken: Taken }> {
  const items = changes.map((change) => ({
    id: change.message.id,
    revision: change.revision,
    ordinals: takesOrdinal(key, change) ? (1 as const) : (0 as const),
  }));
  const ordinals = items.reduce((sum, item) => sum + item.ordinals, 0);
  for (let tries = 0; ; tries++) {
    const sequence = await readSequence(connection, key);
    if (sequence.renumbering || sequence.lastOrdinal + ordinals - sequence.uidBase > connection.uidLimit) {
      await makeRoom(connection, sequence, ordinals, settled);
      continue;
    }
    const id = new ObjectId().toHexString();
    const taken: Taken = { ordinal: sequence.lastOrdinal + 1, modseq: sequence.modseq + 1, items };
    if (await record(connection, sequence, { id, taken, ordinals })) return { id, taken };
    if (tries >= patientTries) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  }
}

function takesOrdinal(key: string, { arrives, message }: Change): boolean {
  return arrives && rolesIn(key, message).length > 0;
}

async function record(
  { sequences }: Connection,
  sequence: SequenceDocument,
  { id, taken, ordinals }: { id: string; taken: Taken; ordinals: number },
): Promise<boolean> {
  const lastOrdinal = sequence.lastOrdinal + ordinals;
  const modseq = sequence.modseq + taken.items.length;
  const { matchedCount } = await sequences.updateOne(
    { _id: sequence._id, modseq: sequence.modseq, renumbering: { $exists: false } },
    { $set: { lastOrdinal, modseq, [`taken.${id}`]: taken } },
  );
  if (matchedCount || sequence.lastOrdinal || sequence.modseq > 1) return matchedCount > 0;
  // The first numbers of this sequence: the document may not be there yet.
  try {
    await sequences.insertOne({ ...sequence, lastOrdinal, modseq, taken: { [id]: taken } });
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

/** @throws TemporaryError when there are more messages than numbers */
async function makeRoom(
  connection: Connection,
  read: SequenceDocument,
  ordinals: number,
  settled: Sequences['settled'],
): Promise<void> {
  const { _id: key, uidBase, uidValidity, renumbering } = read;
  if (!renumbering) await startRenumbering(connection, read);
  const sequence = await settled(key);
  const isRenumbered = sequence.uidValidity !== uidValidity || sequence.uidBase !== uidBase;
  if (
    (isRenumbered || !sequence.lastOrdinal) &&
    sequence.lastOrdinal + ordinals - sequence.uidBase > connection.uidLimit
  )
    throw new TemporaryError('The quarantine holds more messages than a mailbox can number.');
}

/** Steps 2 and 3. `changes`: what the items stand for, when this process stored them itself. */
async function finish(
  connection: Connection,
  { key, batch, taken, changes }: { key: string; batch: string; taken: Taken; changes?: readonly Change[] | undefined },
): Promise<void> {
  await publish(connection, key, numberedItems(taken), changes);
  await connection.sequences.updateOne({ _id: key }, { $unset: { [`taken.${batch}`]: 1 } });
}

function numberedItems({ ordinal, modseq, items }: Taken): Numbered[] {
  let next = ordinal;
  return items.map(({ id, revision, ordinals }, i) => ({
    id,
    revision,
    ordinal: ordinals ? next++ : null,
    modseq: modseq + i,
  }));
}

async function publish(
  connection: Connection,
  key: string,
  items: readonly Numbered[],
  known: readonly Change[] | undefined,
): Promise<void> {
  const byId = new Map(items.map((item) => [`${item.id} ${item.revision}`, item]));
  const itemOf = ({ message, revision }: Change): Numbered | undefined => byId.get(`${message.id} ${revision}`);
  if (known && (await write(connection, key, known, itemOf)) === known.length) {
    await raiseMailboxes(
      connection,
      known.flatMap((change) => arrivals(key, change.message, itemOf(change))),
    );
    return;
  }
  // Somebody else published some of them, or died while doing so: what is stored says which.
  for (;;) {
    const documents = await connection.messages.find({ _id: { $in: items.map(({ id }) => id) } }).toArray();
    const open = documents.flatMap((document) => changeOf(key, document)).filter((change) => itemOf(change));
    if (!open.length) return raiseMailboxes(connection, documents.flatMap(arrivedAmong(key, items)));
    await write(connection, key, open, itemOf);
  }
}

/** The change of a message that waits for a number in this sequence: none or one. */
export function changeOf(key: string, document: MessageDocument): Change[] {
  const name = sequenceName(key);
  const waiting = document[`${name}Unnumbered`];
  if (!waiting) return [];
  return [{ ...waiting, message: fromStored(document), place: document[placeField(name)] ?? null }];
}

/** Answers how many were still waiting as they were read. */
async function write(
  { messages }: Connection,
  key: string,
  changes: readonly Change[],
  itemOf: (change: Change) => Numbered | undefined,
): Promise<number> {
  const operations = changes.flatMap((change) => {
    const item = itemOf(change);
    return item ? [publication(key, change, item)] : [];
  });
  if (!operations.length) return 0;
  return (await messages.bulkWrite(operations, { ordered: false })).matchedCount;
}

function publication(
  key: string,
  change: Change,
  { ordinal, modseq }: Numbered,
): AnyBulkWriteOperation<MessageDocument> {
  const name = sequenceName(key);
  const { message, revision, arrives, place } = change;
  const former = arrives && place && place.ordinal !== null ? { ordinal: place.ordinal, modseq } : null;
  return {
    updateOne: {
      filter: {
        ...documentOf(message),
        [`${name}Unnumbered.revision`]: revision,
        // Numbering anew may have moved it since.
        [`${placeField(name)}.ordinal`]: place?.ordinal ?? null,
      },
      update: {
        $set: {
          ...shownFields(key, message),
          [placeField(name)]: { ordinal: arrives ? ordinal : (place?.ordinal ?? null), modseq } satisfies Place,
        },
        $unset: { [`${name}Unnumbered`]: 1 },
        ...(former && { $push: { [`${name}Gone`]: former } }),
      },
    },
  };
}

/** The mailboxes that gain a message with this number. */
function arrivals(key: string, message: Message, item: { ordinal: number | null } | undefined): MailboxArrival[] {
  const ordinal = item?.ordinal;
  if (!ordinal) return [];
  return rolesIn(key, message).map((role) => ({ login: loginOf(role, message), view: message.view, ordinal }));
}

/**
 * The mailboxes that show a message under one of these numbers: what they were to show may have been changed since by one who waits for
 * a number. None for a message that has another number of this change, or of a later one.
 */
function arrivedAmong(key: string, items: readonly Numbered[]): (document: MessageDocument) => MailboxArrival[] {
  const numbers = new Set(items.map(({ id, ordinal }) => `${id} ${ordinal}`));
  return (document) => {
    const ordinal = document[placeField(sequenceName(key))]?.ordinal;
    return ordinal && numbers.has(`${document._id} ${ordinal}`) ? shownArrivals(key, document, ordinal) : [];
  };
}
