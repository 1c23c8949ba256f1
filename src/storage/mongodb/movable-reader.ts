// Everything in a MongoDB store, in order, as `store copy` and `store verify` read it. What cannot be read is answered as such, so that one
// broken document hides no other.
import type { Message } from '../../quarantine/message.ts';
import type { Reading } from '../../quarantine/reading/reading.ts';
import type { MovableReader, MovedContent, Place, StoredMessage, StoreNumbers, Unreadable } from '../movable.ts';
import { sequencesOf } from '../shown.ts';
import { accountStorage } from './accounts.ts';
import type { Connection } from './connection.ts';
import { readBytes } from './contents.ts';
import { domainStorage } from './domains.ts';
import { derivedFields, fixedFields, fromStored, shownFields } from './fields.ts';
import type { Reader } from './mailboxes.ts';
import { numberLeft } from './messages.ts';
import { firstUidValidity } from './numbers.ts';
import { mailboxOf, placeField, sequenceName } from './schema.ts';
import type { MessageDocument } from './schema.ts';

const messagesPerPage = 200;

export function createMovableReader(reader: Reader): MovableReader {
  const { connection } = reader;
  const { contents, messages } = connection;
  return {
    numbers: () => readNumbers(connection),
    async records() {
      return {
        domains: await domainStorage(connection, () => undefined).list(),
        accounts: await accountStorage(connection).list(),
      };
    },
    async counts() {
      const [sum] = await contents
        .aggregate<{ bytes: number }>([{ $group: { _id: null, bytes: { $sum: '$sizeBytes' } } }])
        .toArray();
      return {
        contents: await contents.estimatedDocumentCount(),
        contentBytes: sum?.bytes ?? 0,
        messages: await messages.countDocuments({ forgottenAt: { $exists: false } }),
      };
    },
    async *contents(after = '') {
      for (let last: string | undefined = after; ;) {
        const next = await nextContent(connection, last);
        if (!next) return;
        yield next.item;
        last = next.digest;
      }
    },
    async *messages(after = '') {
      for (let last = after; ;) {
        const page = await messagePage(reader, last);
        const end = page.at(-1);
        if (!end) return;
        yield* page.map(({ item }) => item);
        last = end.id;
      }
    },
    async missing(digests) {
      const found = await contents.find({ _id: { $in: [...digests] } }, { projection: { _id: 1 } }).toArray();
      const there = new Set(found.map(({ _id }) => _id));
      return digests.filter((digest) => !there.has(digest));
    },
    selfCheck: () => sharedNumbers(connection),
  };
}

async function readNumbers(connection: Connection): Promise<StoreNumbers> {
  const { sequences, mailboxes, drops, store } = connection;
  const sorted = async <Document extends { _id: string }>(found: Promise<Document[]>): Promise<Document[]> =>
    (await found).sort((a, b) => Buffer.compare(Buffer.from(a._id), Buffer.from(b._id)));
  return {
    firstUidValidity: await firstUidValidity(connection),
    sequences: (await sorted(sequences.find().toArray())).map(({ _id, lastOrdinal, modseq, uidBase, uidValidity }) => ({
      key: _id,
      lastOrdinal,
      modseq,
      uidBase,
      uidValidity,
    })),
    mailboxes: (await sorted(mailboxes.find().toArray())).map(({ _id, lastOrdinal }) => {
      const { login, mailbox } = mailboxOf(_id);
      return { login, view: mailbox as Message['view'], lastOrdinal };
    }),
    drops: (await sorted(drops.find().toArray())).map(({ _id, lastUid, uidValidity }) => ({
      ...mailboxOf(_id),
      lastUid,
      uidValidity,
    })),
    isRestored: (await store.findOne({ _id: 'restored' })) !== null,
  };
}

async function nextContent(
  connection: Connection,
  after: string,
): Promise<{ digest: string; item: MovedContent | Unreadable } | null> {
  const [document] = await connection.contents
    .find({ _id: { $gt: after } }, { projection: { bytes: 0 } })
    .sort({ _id: 1 })
    .limit(1)
    .toArray();
  if (!document) return null;
  const { _id: digest, lastUsedAt, reading } = document;
  try {
    const bytes = (await readBytes(connection, digest)) ?? Buffer.alloc(0);
    return { digest, item: { digest, bytes, reading: JSON.parse(reading) as Reading, lastUsedAt } };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { digest, item: { id: digest, fault: `cannot be read: ${error.message}` } };
  }
}

async function messagePage(reader: Reader, after: string): Promise<{ id: string; item: StoredMessage | Unreadable }[]> {
  const { messages } = reader.connection;
  const read = (): Promise<MessageDocument[]> =>
    messages
      .find({ _id: { $gt: after }, forgottenAt: { $exists: false } })
      .sort({ _id: 1 })
      .limit(messagesPerPage)
      .toArray();
  let page = await read();
  const waiting = page.filter(({ domainUnnumbered, globalUnnumbered }) => domainUnnumbered ?? globalUnnumbered);
  if (waiting.length) {
    await numberLeft(reader.sequences, waiting);
    page = await read();
  }
  return page.map((document) => ({ id: document._id, item: storedMessage(document) }));
}

function storedMessage(document: MessageDocument): StoredMessage | Unreadable {
  const message = fromStored(document);
  const places: Place[] = [];
  const gone: Place[] = [];
  for (const sequence of sequencesOf(message.owner)) {
    const name = sequenceName(sequence);
    const { ordinal = null, modseq = 0 } = document[placeField(name)] ?? {};
    if (ordinal !== null) places.push({ sequence, ordinal, modseq });
    for (const former of document[`${name}Gone`] ?? [])
      if (former.ordinal !== null) gone.push({ sequence, ordinal: former.ordinal, modseq: former.modseq });
  }
  return { message, searched: document.searched, places, gone, drifted: drifted(document, message) };
}

function drifted(document: MessageDocument, message: Message): string[] {
  const shown = sequencesOf(message.owner)
    .filter((key) => document[placeField(sequenceName(key))])
    .map((key) => shownFields(key, message));
  const expected = { ...fixedFields(message, document.searched), ...derivedFields(message) };
  return Object.entries(Object.assign(expected, ...shown) as Record<string, unknown>)
    .map(([name, value]) => ({
      name,
      is: JSON.stringify(document[name as keyof MessageDocument]),
      expected: JSON.stringify(value),
    }))
    .filter((field) => field.is !== field.expected)
    .map((field) => `${field.name} is ${field.is}, expected ${field.expected}`);
}

/** Messages of one sequence with the same number. */
async function sharedNumbers({ messages }: Connection): Promise<string[]> {
  const faults: string[] = [];
  for (const [place, key] of [
    ['globalPlace', ''],
    ['domainPlace', '$ownerDomain'],
  ] as const) {
    const shared = messages.aggregate<{ _id: { key: string; ordinal: number }; ids: string[] }>(
      [
        { $match: { [`${place}.ordinal`]: { $gte: 1 } } },
        { $group: { _id: { key, ordinal: `$${place}.ordinal` }, count: { $sum: 1 }, ids: { $push: '$_id' } } },
        { $match: { count: { $gt: 1 } } },
      ],
      { allowDiskUse: true },
    );
    for await (const { _id, ids } of shared)
      faults.push(`number ${_id.ordinal} of ${_id.key || 'global'} belongs to several messages: ${ids.join(', ')}`);
  }
  return faults;
}
