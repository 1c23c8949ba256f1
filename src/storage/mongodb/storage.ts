// The storage port, put together from the driver's parts. Decides nothing.
import type { Message } from '../../quarantine/message.ts';
import type { ScopedStorage, Storage, WorkerStorage } from '../../quarantine/ports.ts';
import { SearchBudget, searchLimits } from '../search-budget.ts';
import { searchByReading } from '../search-by-reading.ts';
import { sequencesOf } from '../shown.ts';
import type { Watchers } from '../watchers.ts';
import { accountStorage } from './accounts.ts';
import type { Announcements } from './announcements.ts';
import { changesSince } from './changes.ts';
import { keepContent } from './contents.ts';
import { domainStorage } from './domains.ts';
import { find } from './find.ts';
import type { Gate } from './gate.ts';
import { contentOf, due, endedBefore, forget, get, heldBefore, leased, nextDueAt, withJobs } from './jobs.ts';
import { content, list, listPacked, mailboxStatus, messagesByUid, openMailbox, readings } from './mailboxes.ts';
import type { Reader } from './mailboxes.ts';
import { commit, insert } from './messages.ts';
import { dropStatus } from './numbers.ts';
import { purgeContents } from './purge.ts';
import { upkeep } from './upkeep.ts';

interface Parts {
  reader: Reader;
  watchers: Watchers;
  announcements: Announcements;
  gate: Gate;
}

/** Messages that a search reads at the same time: it hides the way to the database, and leaves room for others. */
const searchedAtOnce = 8;

/** @param end called once, when nothing is under way any more */
export function createStorage({ reader, watchers, announcements, gate }: Parts, end: () => Promise<void>): Storage {
  const { connection } = reader;
  let closed: Promise<void> | null = null;
  return {
    ...gate.behind(scopedStorage(reader)),
    ...gate.behind(writes(reader, announcements)),
    worker: gate.behind(workerStorage(reader)),
    upkeep: gate.behind(upkeep(reader)),
    domains: gate.behind(domainStorage(connection, () => watchers.tell('all'))),
    accounts: gate.behind(accountStorage(connection)),
    watch: (listener) => watchers.add(listener),
    close: () => (closed ??= gate.close().then(end)),
  };
}

function writes(reader: Reader, announcements: Announcements): Pick<Storage, 'insert' | 'keepContent' | 'commit'> {
  const keysOf = (messages: readonly Pick<Message, 'owner'>[]): string[] => [
    ...new Set(messages.flatMap(({ owner }) => sequencesOf(owner))),
  ];
  return {
    async insert(arrival, now) {
      const { outcomes } = await announcements.during(keysOf(arrival.messages), () => insert(reader, arrival, now));
      return outcomes;
    },
    keepContent: (content, now) => keepContent(reader.connection, content, now),
    async commit(changes, drop) {
      const keys = keysOf(changes.map(({ after }) => after));
      const { result } = await announcements.during(keys, () => commit(reader, changes, drop));
      return result;
    },
  };
}

function scopedStorage(reader: Reader): ScopedStorage {
  const { connection } = reader;
  const reading: Pick<ScopedStorage, 'list' | 'readings' | 'content'> = {
    list: (scope, view, ranges, limit = 1000) => list(reader, { scope, view, ranges, limit }),
    readings: (scope, ids) => readings(reader, { scope, ids }),
    content: (scope, id, start, end) => content(reader, { scope, id, start, end }),
  };
  return {
    ...reading,
    openMailbox: (scope, view) => openMailbox(reader, { scope, view }),
    mailboxStatus: (scope, view) => mailboxStatus(reader, { scope, view }),
    dropStatus: (scope, mailbox) => dropStatus(connection, { scope, mailbox }),
    changesSince: (scope, view, since) => changesSince(reader, { scope, view, since }),
    listPacked: (scope, view, ranges, query) => listPacked(reader, { scope, view, ranges, query }),
    messagesByUid: (scope, view, uids) => messagesByUid(reader, { scope, view, uids }),
    find: (scope, query) => find(connection, scope, query),
    search: (scope, view, condition, signal) =>
      searchByReading(reading, {
        ...{ scope, view, condition },
        atOnce: searchedAtOnce,
        budget: new SearchBudget(searchLimits, signal),
      }),
  };
}

function workerStorage(reader: Reader): WorkerStorage {
  const { connection } = reader;
  return {
    get: (id) => get(connection, id),
    contentOf: (id) => contentOf(connection, id),
    due: due(connection),
    nextDueAt: () => nextDueAt(connection),
    leased: (now, limit) => leased(connection, now, limit),
    withJobs: withJobs(connection),
    heldBefore: heldBefore(connection),
    endedBefore: endedBefore(connection),
    forget: (messages) => forget(reader, messages),
    purgeContents: (now, graceMs, signal) => purgeContents(connection, { now, graceMs, signal }),
  };
}
