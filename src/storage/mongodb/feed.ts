// Notices of what other processes commit: by change stream where the deployment has them, else by looking at the sequences again and
// again. What is told is only that something changed; what it was, sessions read themselves (changes.ts), so notices that are lost with
// a connection are made good by comparing the numbers when the feed is back.
import { setTimeout as wait } from 'node:timers/promises';
import type { ChangeStreamDocument, Document } from 'mongodb';
import type { Connection } from './connection.ts';
import { inTime } from './deadline.ts';

export interface Feed {
  start(): void;
  stop(): Promise<void>;
}

interface Following extends FeedOptions {
  connection: Connection;
  /** What listeners know of, at least. */
  seen: { last: Seen };
}

export interface FeedOptions {
  /** Between two looks while something happens; it grows to `slowestPollMs` while nothing does. */
  pollMs: number;
  tell(changed: readonly string[] | 'all'): void;
}

const slowestPollMs = 500;
const longestPauseMs = 5_000;
/** How long the server waits for an event before it says that there is none, and we for the server beyond that. */
const stepMs = 10_000;
const answerMs = 50_000;

/** Only while somebody listens it costs anything. What was committed from now on is told when it starts. */
export async function createFeed(connection: Connection, options: FeedOptions): Promise<Feed> {
  let listening: { stop: AbortController; ended: Promise<void> } | null = null;
  const seen: { last: Seen } = { last: await look(connection) };
  return {
    start() {
      const stop = new AbortController();
      listening = { stop, ended: listen({ connection, seen, ...options }, stop.signal) };
    },
    async stop() {
      const ending = listening;
      listening = null;
      ending?.stop.abort();
      await ending?.ended;
    },
  };
}

/** Never rejects: after trouble with the server it begins anew, ever more patiently. */
async function listen(following: Following, signal: AbortSignal): Promise<void> {
  const { connection } = following;
  const follow = connection.abilities.changeStreams ? followStream : poll;
  let pauseMs = 100;
  while (!signal.aborted) {
    const begun = Date.now();
    try {
      await follow(following, signal);
    } catch (error) {
      if (signal.aborted) return;
      const isNew = Date.now() - begun > longestPauseMs || pauseMs === 100;
      connection.log[isNew ? 'warn' : 'debug'](
        { event: 'storage', err: error },
        'changes of other processes cannot be followed; trying again',
      );
      pauseMs = Date.now() - begun > longestPauseMs ? 100 : Math.min(pauseMs * 2, longestPauseMs);
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

type Event = ChangeStreamDocument<Document>;

/** What sessions, workers and the directory of domains live by; a lease that is renewed is nobody's news. */
const watched = [
  {
    $match: {
      $or: [
        { 'ns.coll': 'sequences', 'updateDescription.updatedFields.modseq': { $exists: true } },
        { 'ns.coll': 'sequences', operationType: { $in: ['insert', 'replace'] } },
        { 'ns.coll': 'store' },
        { 'ns.coll': 'messages', 'updateDescription.updatedFields.dueAt': { $exists: true } },
      ],
    },
  },
  { $project: { operationType: 1, ns: 1, documentKey: 1 } },
];

async function followStream(following: Following, signal: AbortSignal): Promise<void> {
  const {
    connection: { db },
    tell,
  } = following;
  // The client resumes it by itself after a change of primary. A step answers nothing after this while nothing happens, so that a stream
  // that hangs is told from a quiet one.
  const stream = db.watch(watched, { maxAwaitTimeMS: stepMs });
  const close = (): void => void stream.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    let event: Event | null = await inTime(stream.tryNext(), stepMs + answerMs);
    // The stream misses nothing from here on; what was committed before it began is found by comparison.
    await tellNews(following);
    while (!signal.aborted) {
      if (event) tellEvent(event, tell);
      event = await inTime(stream.tryNext(), stepMs + answerMs);
    }
  } finally {
    signal.removeEventListener('abort', close);
    await inTime(stream.close(), answerMs).catch(() => undefined);
  }
}

function tellEvent(event: Event, tell: FeedOptions['tell']): void {
  if (!('ns' in event && event.ns && 'coll' in event.ns && 'documentKey' in event)) return tell('all');
  const key = String((event.documentKey as { _id: unknown })._id);
  if (event.ns.coll === 'sequences') tell([key]);
  else if (event.ns.coll === 'messages') tell([]);
  else tell('all');
}

/** Numbers that rise with everything that is news. */
interface Seen {
  modseqs: Map<string, number>;
  domains: number;
  dueAt: number | null;
}

async function poll(following: Following, signal: AbortSignal): Promise<void> {
  const { pollMs } = following;
  let pauseMs = pollMs;
  while (!signal.aborted) {
    pauseMs = (await tellNews(following)) ? pollMs : Math.min(pauseMs * 1.5, Math.max(slowestPollMs, pollMs));
    await wait(pauseMs, undefined, { signal });
  }
}

/** Tells what is different from what was seen last; answers whether anything was. */
async function tellNews({ connection, seen, tell }: Following): Promise<boolean> {
  const before = seen.last;
  const now = await look(connection);
  seen.last = now;
  const keys = [...now.modseqs].filter(([key, modseq]) => before.modseqs.get(key) !== modseq).map(([key]) => key);
  if (now.domains !== before.domains) tell('all');
  else if (keys.length || now.dueAt !== before.dueAt) tell(keys);
  else return false;
  return true;
}

async function look({ sequences, store, messages }: Connection): Promise<Seen> {
  const [numbers, domains, due] = await Promise.all([
    sequences.find({}, { projection: { modseq: 1 } }).toArray(),
    store.findOne({ _id: 'domains' }),
    messages
      .find({ dueAt: { $gte: 0 } }, { projection: { _id: 0, dueAt: 1 } })
      .sort({ dueAt: 1 })
      .limit(1)
      .toArray(),
  ]);
  return {
    modseqs: new Map(numbers.map(({ _id, modseq }) => [_id, modseq])),
    domains: domains?.version ?? 0,
    dueAt: due[0]?.dueAt ?? null,
  };
}
