// The writing half of a copy into a MongoDB store: everything exactly as it is told; each batch is repeatable, and the progress is noted
// when it is durable.
import type { AnyBulkWriteOperation } from 'mongodb';
import { PermanentError } from '../../quarantine/errors.ts';
import type { Message } from '../../quarantine/message.ts';
import { notEmpty, otherOrigin } from '../movable.ts';
import type { CopyProgress, MovableWriter, MovedMessage, StoreNumbers, StoreRecords } from '../movable.ts';
import { sequencesOf } from '../shown.ts';
import type { Connection } from './connection.ts';
import { keepContent } from './contents.ts';
import { derivedFields, documentOf, fixedFields, shownFields, toStored } from './fields.ts';
import { ensureIndexes } from './indexes.ts';
import { mailboxId, placeField, schemaVersion, sequenceName } from './schema.ts';
import type { MessageDocument, Place } from './schema.ts';

export function createMovableWriter(connection: Connection): MovableWriter {
  const { store, messages } = connection;
  const progress = (reached: Partial<CopyProgress>): Promise<unknown> =>
    store.updateOne({ _id: 'copy' }, { $set: reached });
  return {
    begin: (origin) => begin(connection, origin),
    async putContents(contents) {
      for (const content of contents) await keepContent(connection, content, content.lastUsedAt);
      const last = contents.at(-1);
      if (last) await progress({ digest: last.digest });
    },
    async putMessages(moved) {
      const operations = moved.map(({ message, ...rest }): AnyBulkWriteOperation<MessageDocument> => {
        const replacement = movedDocument({ message, ...rest });
        return { replaceOne: { filter: documentOf(message), replacement, upsert: true } };
      });
      const last = moved.at(-1);
      if (!last) return;
      await messages.bulkWrite(operations, { ordered: false });
      await progress({ messageId: last.message.id });
    },
    putRecords: (records) => putRecords(connection, records),
    putNumbers: (numbers) => putNumbers(connection, numbers),
    async finish() {
      await store.updateOne({ _id: 'schema' }, { $set: { version: schemaVersion } }, { upsert: true });
      await store.deleteOne({ _id: 'copy' });
    },
  };
}

async function begin(connection: Connection, origin: string): Promise<CopyProgress> {
  const { store, messages, contents, sequences, mailboxes, drops, domains, accounts } = connection;
  const unfinished = await store.findOne({ _id: 'copy' });
  if (unfinished && unfinished.origin !== origin) throw new PermanentError(otherOrigin);
  if (!unfinished) {
    const found = await Promise.all(
      [messages, contents, sequences, mailboxes, drops, domains, accounts].map((collection) =>
        collection.countDocuments({}, { limit: 1 }),
      ),
    );
    if (found.some((count) => count > 0)) throw new PermanentError(notEmpty);
    await store.insertOne({ _id: 'copy', origin, digest: '', messageId: '' });
  }
  const { building } = await ensureIndexes(connection);
  await building;
  return { digest: unfinished?.digest ?? '', messageId: unfinished?.messageId ?? '' };
}

function movedDocument({ message, searched, places, gone }: MovedMessage): Omit<MessageDocument, '_id'> {
  const numbers = sequencesOf(message.owner).map((key) => numbersIn(key, message, { places, gone }));
  return {
    revision: message.revision,
    ...fixedFields(message, searched),
    ...derivedFields(message),
    message: toStored(message),
    ...numbers.reduce((all, each) => ({ ...all, ...each }), {}),
  };
}

/** A message's numbers in one sequence and what its mailboxes show; nothing where nobody ever saw it. */
function numbersIn(key: string, message: Message, { places, gone }: Pick<MovedMessage, 'places' | 'gone'>): object {
  const name = sequenceName(key);
  const place = places.find(({ sequence }) => sequence === key);
  const former = gone
    .filter(({ sequence }) => sequence === key)
    .map(({ ordinal, modseq }): Place => ({ ordinal, modseq }));
  const last = former.at(-1);
  if (!place && !last) return {};
  const here: Place = place
    ? { ordinal: place.ordinal, modseq: place.modseq }
    : { ordinal: null, modseq: last?.modseq ?? 0 };
  return { ...shownFields(key, message), [placeField(name)]: here, ...(former.length && { [`${name}Gone`]: former }) };
}

async function putRecords({ domains, names, accounts }: Connection, records: StoreRecords): Promise<void> {
  for (const collection of [domains, names, accounts]) await collection.deleteMany({});
  const claimedAt = Date.now();
  await insertAll(
    domains,
    records.domains.map((domain) => ({ _id: domain.name, ...domain })),
  );
  await insertAll(
    names,
    records.domains.flatMap(({ name, aliases }) => [name, ...aliases].map((_id) => ({ _id, domain: name, claimedAt }))),
  );
  await insertAll(
    accounts,
    records.accounts.map((account) => ({ _id: account.name, ...account })),
  );
}

async function putNumbers(connection: Connection, numbers: StoreNumbers): Promise<void> {
  const { store, sequences, mailboxes, drops } = connection;
  for (const collection of [sequences, mailboxes, drops]) await collection.deleteMany({});
  await insertAll(
    sequences,
    numbers.sequences.map(({ key, ...sequence }) => ({ _id: key, ...sequence, taken: {} })),
  );
  await insertAll(
    mailboxes,
    numbers.mailboxes.map(({ login, view, lastOrdinal }) => ({ _id: mailboxId(login, view), lastOrdinal })),
  );
  await insertAll(
    drops,
    numbers.drops.map(({ login, mailbox, ...drop }) => ({ _id: mailboxId(login, mailbox), ...drop })),
  );
  await store.updateOne({ _id: 'numbers' }, { $set: { uidValidity: numbers.firstUidValidity } }, { upsert: true });
  if (numbers.isRestored)
    await store.updateOne({ _id: 'restored' }, { $setOnInsert: { since: Date.now() } }, { upsert: true });
}

/** Nothing is inserted at once, which the driver would refuse. */
async function insertAll<Document>(
  collection: { insertMany(documents: readonly Document[]): Promise<unknown> },
  documents: readonly Document[],
): Promise<void> {
  if (documents.length) await collection.insertMany(documents);
}
