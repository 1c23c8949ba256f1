// Uses everything that the storage port offers on a MongoDB store, and writes down the commands with a filter that the driver sends meanwhile.
// Called by plans.test.ts.
import type { CommandStartedEvent, Document } from 'mongodb';
import type { Delivery } from '../../src/quarantine/job.ts';
import type { Message } from '../../src/quarantine/message.ts';
import type { MessageQuery, Storage } from '../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { createAnnouncements } from '../../src/storage/mongodb/announcements.ts';
import { createGate } from '../../src/storage/mongodb/gate.ts';
import { connect, openMongo } from '../../src/storage/mongodb/open.ts';
import { createSequences } from '../../src/storage/mongodb/sequences.ts';
import { createStorage } from '../../src/storage/mongodb/storage.ts';
import { sweepOnce } from '../../src/storage/mongodb/sweep.ts';
import { createWatchers } from '../../src/storage/watchers.ts';
import { arrivedAt, insertMessage, newContent, newMessage } from '../../test/helpers/messages.ts';
import { back, buried, change, flagged, removed } from '../../test/storage/contract/changes.ts';

export interface Overheard {
  /** What was asked of the driver. */
  by: string;
  /** The command's name. */
  name: string;
  collection: string;
  filter: Document;
  sort: Document | undefined;
  limit: number | undefined;
  /** Fields that are answered; undefined: all. */
  fields: string[] | undefined;
  /** The command as the server can be asked to explain it. */
  explainable: Document;
}

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const scopes = ['global', 'example.com', 'alice@example.com'].map(scopeOfLogin);

export async function overheardCommands(url: string): Promise<Overheard[]> {
  // Makes the store and its indexes.
  await (await openMongo(url, { log })).close();
  const connection = await connect(`${url}${url.includes('?') ? '&' : '?'}monitorCommands=true`, { log });
  const overheard: Overheard[] = [];
  let by = '';
  connection.client.on('commandStarted', (event) => overheard.push(...readCommand(by, event)));
  const as = async <Result>(name: string, run: () => Promise<Result>): Promise<Result> => {
    by = name;
    return run();
  };
  const storageOf = (uidLimit: number): { storage: Storage; sweep: () => Promise<unknown> } => {
    const limited = { ...connection, uidLimit };
    const reader = { connection: limited, sequences: createSequences(limited) };
    const watchers = createWatchers(log, silent);
    const parts = { reader, watchers, announcements: createAnnouncements(watchers), gate: createGate() };
    return { storage: createStorage(parts, () => Promise.resolve()), sweep: () => sweepOnce(reader, new Set()) };
  };
  try {
    const { storage, sweep } = storageOf(connection.uidLimit);
    await write(storage, as);
    await read(storage, as);
    await as('sweep', sweep);
    await as('numbering anew', () => insertMessage(storageOf(5).storage));
  } finally {
    await connection.client.close();
  }
  return overheard;
}

type As = <Result>(name: string, run: () => Promise<Result>) => Promise<Result>;

const delivery: Delivery = {
  holding: 1,
  orderedAt: arrivedAt,
  orderedBy: 'cli',
  cause: 'CLI',
  state: 'due',
  recipients: [{ address: 'alice@example.com', state: 'pending' }],
  attempts: 0,
  nextAttemptAt: arrivedAt,
  lastDelayMs: 0,
  lease: null,
};

async function write(storage: Storage, as: As): Promise<void> {
  const content = newContent();
  const large = newContent(Buffer.alloc(100_000, 'a'));
  await as('insert', () => insertMessage(storage, { content, delivery }));
  const again = { content, messages: [newMessage({ content })], skipKnown: true };
  await as('insert', () => storage.insert(again, arrivedAt));
  const messages = await as('insert', () =>
    Promise.all([insertMessage(storage), insertMessage(storage), insertMessage(storage, { content: large })]),
  );
  const drop = { scope: scopes[2]!, mailbox: 'Release', count: 3 };
  const seen = messages.map((before) => ({ before, after: flagged('user', '\\Seen')(before) }));
  await as('commit', () => storage.commit(seen, drop));
  const next = (id: string, by: (message: Message) => Message): Promise<Message> =>
    as('commit', () => change(storage, id, by));
  const { id } = messages[2];
  await next(id, removed());
  await next(id, back());
  await next(id, removed());
  const buriedMessage = await next(id, buried);
  await as('purge', () => storage.worker.purgeContents(arrivedAt + 2e9, 1));
  await as('purge', () => storage.worker.purgeContents(arrivedAt + 4e9, 1));
  await as('keepContent', () => storage.keepContent(content, arrivedAt));
  await as('forget', () => storage.worker.forget([buriedMessage]));
  const domain = { name: 'a.example', deliverTo: 'mx', subaddress: '', recipients: null, retentionMs: null };
  await as('domains', () =>
    storage.domains.put({ ...domain, aliases: ['b.example'], quarantine: true, quarantineOff: [] }),
  );
  await as('domains', () => storage.domains.list());
  await as('domains', () => storage.domains.remove('a.example'));
  await as('accounts', () => storage.accounts.put({ name: 'global', passwordHash: '', createdAt: 0 }));
  await as('accounts', () => storage.accounts.get('global'));
  await as('upkeep', () => storage.upkeep.markRestored());
  await as('upkeep', () => storage.upkeep.raiseUidValidity());
  await as('upkeep', () => storage.upkeep.settled());
  await as('stats', () => storage.upkeep.stats());
}

async function read(storage: Storage, as: As): Promise<void> {
  const view = 'caught' as const;
  const listed = await storage.list(scopes[0]!, view, [{ from: 1, to: 99 }]);
  const ids = listed.map((message) => message.id);
  const uids = listed.map((message) => message.uid);
  for (const scope of scopes) {
    await as('openMailbox', () => storage.openMailbox(scope, view));
    await as('mailboxStatus', () => storage.mailboxStatus(scope, view));
    await as('dropStatus', () => storage.dropStatus(scope, 'Release'));
    await as('changesSince', () => storage.changesSince(scope, view, 1));
    await as('list', () => storage.list(scope, view, [{ from: 1, to: 9 }]));
    await as('list', () =>
      storage.list(scope, view, [
        { from: 1, to: 2 },
        { from: 4, to: 9 },
      ]),
    );
    await as('readings', () => storage.readings(scope, ids));
    for (const id of ids) await as('content', () => storage.content(scope, id, 0, 10));
    await as('messagesByUid', () => storage.messagesByUid(scope, view, uids));
    const sources: MessageQuery[] = [
      ...[{}, { ids }, { digests: ['x'] }, { likeness: 'x' }, { owner: 'x@example.com' }, { domain: 'x' }],
      { text: 'x' },
    ];
    for (const source of sources)
      for (const which of ['held', 'all'] as const)
        for (const where of [{}, { view }]) await as('find', () => storage.find(scope, { ...source, which, ...where }));
  }
  const { worker } = storage;
  await as('get', () => worker.get(ids[0] ?? ''));
  await as('contentOf', () => worker.contentOf(ids[0] ?? ''));
  for (const targets of [[], ['rspamd']]) await as('due', () => worker.due(arrivedAt, 9, ['b.example'], targets));
  await as('nextDueAt', () => worker.nextDueAt());
  await as('leased', () => worker.leased(arrivedAt, 9));
  for (const ended of [true, false]) await as('withJobs', () => worker.withJobs({ ended, limit: 9 }));
  for (const domain of [{}, { domain: 'example.com' }])
    await as('heldBefore', () => worker.heldBefore({ view, before: arrivedAt + 1, limit: 9, ...domain }));
  for (const tombstones of [true, false])
    await as('endedBefore', () => worker.endedBefore({ before: arrivedAt, tombstones, limit: 9 }));
}

/** One for each statement of a write. Deadlines, sessions and concerns are left out. */
function readCommand(by: string, { commandName: name, command }: CommandStartedEvent): Overheard[] {
  const collection = String(command[name]);
  const base = { by, name, collection, sort: undefined, limit: undefined, fields: undefined };
  if (name === 'find') {
    const { filter, sort, limit, projection } = command as Record<string, Document>;
    const explainable = {
      find: collection,
      filter,
      ...(sort && { sort }),
      ...(limit && { limit }),
      ...(projection && { projection }),
    };
    const found = { sort: plain(sort), limit: limit as number | undefined, fields: fieldsOf(projection) };
    return [{ ...base, ...found, filter: filter ?? {}, explainable }];
  }
  if (name === 'update' || name === 'delete') {
    const list = name === 'update' ? 'updates' : 'deletes';
    const statements = command[list] as Document[];
    return statements.map((statement) => ({
      ...base,
      filter: statement.q as Document,
      explainable: { [name]: collection, [list]: [statement] },
    }));
  }
  if (name === 'aggregate') {
    const pipeline = command.pipeline as Document[];
    const explainable = { aggregate: collection, pipeline, cursor: {} };
    // Counting: what is grouped is only how many there are.
    return [{ ...base, filter: (pipeline[0]?.$match as Document | undefined) ?? {}, fields: [], explainable }];
  }
  return [];
}

function plain(sort: Document | undefined): Document | undefined {
  if (!sort) return undefined;
  return (sort instanceof Map ? Object.fromEntries(sort) : sort) as Document;
}

/** Undefined where a projection leaves fields out instead of naming them. */
function fieldsOf(projection: Document | undefined): string[] | undefined {
  const entries = Object.entries(projection ?? {});
  if (!entries.some(([, value]) => value === 1)) return undefined;
  const named = entries.filter(([, value]) => value === 1).map(([field]) => field);
  return projection?._id === 0 ? named : ['_id', ...named];
}
