// The storage port as calls to the driver's threads: documents and bytes go over as text and buffers, and are opened here. Decides nothing.
import type { Message } from '../../quarantine/message.ts';
import type {
  Arrival,
  CommitResult,
  DomainRecord,
  MessageQuery,
  NewContent,
  ScopedStorage,
  Storage,
  StoreStats,
  StoreUpkeep,
  WorkerStorage,
} from '../../quarantine/ports.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { searchable } from '../shown.ts';
import type { Watchers } from '../watchers.ts';
import { giveMemoryBack, takeMemory } from './content-memory.ts';
import type { SentContent } from './contents.ts';
import { fromStoredReading, toSentReading } from './prepared.ts';
import type { ReaderOperations } from './reader.ts';
import { searchIn } from './search/search.ts';
import type { SearcherOperations } from './search/searcher.ts';
import type { Thread } from './thread.ts';
import type { ContentCounts, MessageCounts } from './upkeep.ts';
import type { WriterOperations } from './writer.ts';

interface Threads {
  writer: Thread<WriterOperations>;
  readers: readonly Thread<ReaderOperations>[];
  searcher: Thread<SearcherOperations>;
  watchers: Watchers;
  /** Answers how to stop. */
  startIndexing: () => () => Promise<void>;
}

type Read = Thread<ReaderOperations>['call'];

/** Larger than any row number; `limit: Infinity` means this, too. */
const everything = Number.MAX_SAFE_INTEGER;

export function createStorage({ writer, readers, searcher, watchers, startIndexing }: Threads): Storage {
  // The one that owes least, so that a large message being read delays nobody else; the next one starts only when the first is busy.
  const read: Read = (name, argument, transfer) => {
    const [first, ...others] = readers;
    if (!first) throw new Error('the storage has no readers');
    return others
      .reduce((idle, other) => (other.pending < idle.pending ? other : idle), first)
      .call(name, argument, transfer);
  };
  let stopIndexing = (): Promise<void> => Promise.resolve();
  return {
    ...scopedStorage(read, searcher),
    worker: workerStorage(read, writer),
    upkeep: {
      ...storeUpkeep(read, writer),
      startIndexing: async () => (stopIndexing = startIndexing()),
    },
    insert: (arrival, now) => insert(writer, arrival, now),
    async keepContent(content, now) {
      const sent = sentContent(content);
      await writer.call('keepContent', { content: sent, now }, [sent.bytes.buffer]);
    },
    commit: (changes, drop) => commit(writer, changes, drop),
    domains: {
      list: async () => opened<DomainRecord>(await read('listDomains', undefined)),
      put: async (domain) => void (await writer.call('putDomain', domain)),
      remove: (name) => writer.call('removeDomain', name),
    },
    accounts: {
      get: (name) => read('getAccount', name),
      list: () => read('listAccounts', undefined),
      put: async (account) => void (await writer.call('putAccount', account)),
      markGreeted: ({ name, createdAt }, at) => writer.call('markGreeted', { name, createdAt, at }),
      remove: (name) => writer.call('removeAccount', name),
    },
    watch: (listener) => watchers.add(listener),
    async close() {
      watchers.clear();
      // The writer last: it leaves a file without a write-ahead log behind when it is the last to go. All are closed to new calls at once.
      await writer.close(Promise.all([stopIndexing(), ...[...readers, searcher].map((reader) => reader.close())]));
    },
  };
}

function scopedStorage(read: Read, searcher: Threads['searcher']): ScopedStorage {
  return {
    openMailbox: (scope, view) => read('openMailbox', { scope, view }),
    mailboxStatus: (scope, view) => read('mailboxStatus', { scope, view }),
    dropStatus: (scope, mailbox) => read('dropStatus', { scope, mailbox }),
    changesSince: (scope, view, since) => read('changesSince', { scope, view, since }),
    list: (scope, view, ranges, limit = 1000) => read('list', { scope, view, ranges, limit }),
    async readings(scope, ids) {
      const found = await read('readings', { scope, ids });
      return found.map((sent) => sent && fromStoredReading(sent));
    },
    async listPacked(scope, view, ranges, query) {
      const memory = query.values.includes('content') ? takeMemory() : null;
      const asked = { scope, view, ranges, query, memory };
      const { bytes, ...messages } = await read('listPacked', asked, memory ? [memory] : []);
      return {
        ...messages,
        bytes: asBuffer(bytes),
        [Symbol.dispose]: () => giveMemoryBack(bytes.buffer as ArrayBuffer),
      };
    },
    content: async (scope, id, start, end) => asBuffer(await read('content', { scope, id, start, end })),
    async messagesByUid(scope, view, uids) {
      const found = await read('messagesByUid', { scope, view, uids });
      return found.map(({ uid, document }) => ({ uid, message: JSON.parse(document) as Message }));
    },
    find: (scope, query) => find(read, scope, query),
    search: searchIn(searcher),
  };
}

function workerStorage(read: Read, writer: Thread<WriterOperations>): WorkerStorage {
  return {
    async get(id) {
      const document = await read('getDocument', id);
      return document === null ? null : (JSON.parse(document) as Message);
    },
    contentOf: async (id) => asBuffer(await read('contentOf', id)),
    due: async (now, limit, exceptDomains = [], exceptTargets = []) =>
      opened<Message>(await read('due', { now, limit: atMost(limit), exceptDomains, exceptTargets })),
    nextDueAt: () => read('nextDueAt', undefined),
    leased: async (now, limit) => opened<Message>(await read('leased', { now, limit: atMost(limit) })),
    withJobs: async ({ ended, limit }) => opened<Message>(await read('withJobs', { ended, limit: atMost(limit) })),
    heldBefore: async ({ view, before, domain, exceptDomains = [], limit }) =>
      opened<Message>(await read('heldBefore', { view, before, domain, exceptDomains, limit: atMost(limit) })),
    endedBefore: async ({ before, tombstones, limit }) =>
      opened<Message>(await read('endedBefore', { before, tombstones, limit: atMost(limit) })),
    forget: (messages) =>
      writer.call(
        'forget',
        messages.map(({ id, revision }) => ({ id, revision })),
      ),
    purgeContents: (now, graceMs, signal) => purgeContents(writer, { now, graceMs }, signal),
  };
}

function storeUpkeep(read: Read, writer: Thread<WriterOperations>): Omit<StoreUpkeep, 'startIndexing'> {
  return {
    stats: () => stats(read),
    isRestored: () => read('isRestored', undefined),
    markRestored: async () => void (await writer.call('markRestored', undefined)),
    raiseUidValidity: async () => void (await writer.call('raiseUidValidity', undefined)),
    settled: async () => void (await writer.call('settled', undefined)),
  };
}

async function stats(read: Read): Promise<StoreStats> {
  const none = (): StoreStats['messages']['caught'] => ({ held: 0, left: 0, tombstones: 0 });
  const messages = { caught: none(), outgoing: none(), training: none(), notices: none(), reports: none() };
  for (let after: number | null = 0; after !== null;) {
    const slice: MessageCounts = await read('countMessages', after);
    for (const { view, held, released, count } of slice.counts)
      messages[view][released ? 'tombstones' : held ? 'held' : 'left'] += count;
    after = slice.next;
  }
  const contents = { count: 0, bytes: 0 };
  for (let after: number | null = 0; after !== null;) {
    const slice: ContentCounts = await read('countContents', after);
    contents.count += slice.count;
    contents.bytes += slice.bytes;
    after = slice.next;
  }
  const [domains, accounts] = await Promise.all([read('listDomains', undefined), read('listAccounts', undefined)]);
  const diskBytes = await read('diskBytes', undefined);
  return { messages, contents, domains: domains.length, accounts: accounts.length, diskBytes };
}

async function insert(
  writer: Thread<WriterOperations>,
  { content, messages, skipKnown }: Arrival,
  now: number,
): Promise<({ stored: Message } | { known: true })[]> {
  const stored = messages.map((message): Message => ({ ...message, revision: 0 }));
  const sent = sentContent(content);
  const { subject } = content.reading.summary;
  const outcomes = await writer.call(
    'insert',
    {
      content: sent,
      documents: stored.map((message) => JSON.stringify(message)),
      searched: stored.map(({ envelope }) => searchable(envelope.sender, ...envelope.recipients, subject)),
      skipKnown,
      now,
    },
    [sent.bytes.buffer],
  );
  return stored.map((message, i) => (outcomes[i] === 'stored' ? { stored: message } : { known: true }));
}

async function commit(
  writer: Thread<WriterOperations>,
  changes: Parameters<Storage['commit']>[0],
  drop: Parameters<Storage['commit']>[1],
): Promise<CommitResult> {
  const messages = changes.map(({ before, after }): Message => ({ ...after, revision: before.revision + 1 }));
  const sent = changes.map(({ before }, i) => ({
    id: before.id,
    basedOn: before.revision,
    document: JSON.stringify(messages[i]),
  }));
  return { messages, ...(await writer.call('commit', { changes: sent, drop })) };
}

async function find(read: Read, scope: Scope, query: MessageQuery): Promise<Message[]> {
  const limit = atMost(query.limit ?? query.ids?.length ?? 100);
  const found: Message[] = [];
  let below: number | null = everything;
  while (below !== null && found.length < limit) {
    const slice: { documents: string[]; next: number | null } = await read('findSlice', {
      scope,
      query,
      below,
      limit: limit - found.length,
    });
    found.push(...opened<Message>(slice.documents));
    below = slice.next;
  }
  return found;
}

/** One write after the other, so that other writes get in between, and the end of the server need not wait for gigabytes. */
async function purgeContents(
  writer: Thread<WriterOperations>,
  step: { now: number; graceMs: number },
  signal: AbortSignal | undefined,
): Promise<{ marked: number; deleted: number; bytes: number }> {
  const total = { marked: 0, deleted: 0, bytes: 0 };
  const repeat = async (once: () => Promise<{ more: boolean }>): Promise<void> => {
    for (let more = true; more && !signal?.aborted;) ({ more } = await once());
  };
  await repeat(async () => {
    const { deleted, bytes, more } = await writer.call('deleteMarkedContents', step);
    total.deleted += deleted;
    total.bytes += bytes;
    return { more };
  });
  await repeat(() => writer.call('removeChunks', undefined));
  await repeat(async () => {
    const { marked, more } = await writer.call('markContents', step);
    total.marked += marked;
    return { more };
  });
  return total;
}

/**
 * The bytes in a buffer of their own, which is handed to the thread. The caller keeps its buffer: a write that failed is repeated with it,
 * and a small buffer shares its memory with others.
 */
function sentContent({ digest, bytes, reading }: NewContent): SentContent & { bytes: Uint8Array<ArrayBuffer> } {
  return {
    digest,
    bytes: new Uint8Array(bytes),
    reading: toSentReading(reading),
  };
}

function asBuffer(bytes: Uint8Array): Buffer;
function asBuffer(bytes: Uint8Array | null): Buffer | null;
function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function opened<T>(documents: readonly string[]): T[] {
  return documents.map((document) => JSON.parse(document) as T);
}

function atMost(limit: number): number {
  return Math.min(limit, everything);
}
