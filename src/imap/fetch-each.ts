// FETCH message by message: whatever a list of packed values (fetch-list.ts) does not answer, above all large messages and parts of messages, of
// which only the bytes that go out are read. Memory is bounded by the page and the window, whatever is asked for; a slow client is waited for. Called by
// FETCH.
import type { ListedMessage, UidRange } from '../quarantine/ports.ts';
import { storeFlags } from '../quarantine/flags.ts';
import type { View } from '../quarantine/message.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { slicesOf } from '../quarantine/slices.ts';
import type { ImapConnection } from './command.ts';
import { FetchLine } from './fetch-line.ts';
import type { FetchedMessage } from './fetch-line.ts';
import type { FetchItem } from './fetch-items.ts';
import { formatFlags } from './flags.ts';
import { readingsAtOnce } from './message-set.ts';
import { PieceWriter } from './piece-writer.ts';
import type { OpenMailbox } from './selected.ts';
import { rangesAfter } from './sequence-set.ts';

/** Messages listed at once. */
const pageSize = 500;
/** Contents loaded ahead of the socket, together. */
const windowBytes = 4 * 1024 * 1024;
const windowMessages = 32;

export interface Fetch {
  quarantine: Quarantine;
  connection: ImapConnection<OpenMailbox>;
  mailbox: OpenMailbox;
  view: View;
  items: readonly FetchItem[];
  /** The messages become \Seen. */
  marksSeen: boolean;
}

export async function fetchEach(fetching: Fetch, ranges: readonly UidRange[]): Promise<void> {
  const { quarantine, connection, mailbox, view } = fetching;
  let left = ranges;
  while (left.length && !connection.closed) {
    const page = await quarantine.storage.list(mailbox.scope, view, left, pageSize);
    await fetchPage(fetching, page);
    left = page.length < pageSize ? [] : rangesAfter(left, page.at(-1)?.uid ?? 0);
  }
}

async function fetchPage(fetching: Fetch, page: readonly ListedMessage[]): Promise<void> {
  const { quarantine, mailbox, items } = fetching;
  const { storage } = quarantine;
  const flags = fetching.marksSeen ? await markSeen(fetching, page) : new Map<number, string[]>();
  const needsReading = items.some(
    ({ kind }) => kind === 'envelope' || kind === 'body' || kind === 'bodyStructure' || kind === 'section',
  );
  for (const slice of slicesOf(page, needsReading ? readingsAtOnce : pageSize)) {
    const ids = slice.map(({ id }) => id);
    const readings = needsReading ? await storage.readings(mailbox.scope, ids) : [];
    const messages = slice.flatMap((message, i): FetchedMessage[] => {
      const number = mailbox.sequenceNumber(message.uid);
      const reading = readings[i] ?? null;
      // A message that left since the list was read is passed over; the client learns it with the next announcement.
      if (!number || (needsReading && !reading)) return [];
      const newFlags = flags.get(message.uid);
      return [{ ...message, number, flags: newFlags ?? message.flags, flagsChanged: newFlags !== undefined, reading }];
    });
    await writeMessages(fetching, messages);
  }
}

/** RFC 9051 section 6.4.5: fetching a body without PEEK sets \Seen, and the answer tells the new flags. */
async function markSeen(
  { quarantine, mailbox, view }: Fetch,
  page: readonly ListedMessage[],
): Promise<Map<number, string[]>> {
  const uids = page.filter(({ flags }) => !flags.includes('\\Seen')).map(({ uid }) => uid);
  if (!uids.length) return new Map();
  const stored = await storeFlags(quarantine, {
    scope: mailbox.scope,
    view,
    uids,
    action: 'add',
    flags: ['\\Seen'],
  });
  return new Map(stored.map(({ uid, flags }) => [uid, flags]));
}

async function writeMessages(fetching: Fetch, messages: readonly FetchedMessage[]): Promise<void> {
  for await (const lines of loadedWindows(fetching, messages)) await writeLines(fetching, lines);
}

/** Each window is asked for before the one before it goes out, so that storage and socket work at the same time. */
async function* loadedWindows(
  fetching: Fetch,
  messages: readonly FetchedMessage[],
): AsyncGenerator<readonly FetchLine[]> {
  let next = 0;
  const ask = (): Promise<FetchLine[]> | null => {
    const lines = windowFrom(fetching, messages, next);
    if (!lines.length) return null;
    next += lines.length;
    const asked = load(lines);
    // Nobody waits for it any more when the connection is lost meanwhile.
    asked.catch(() => undefined);
    return asked;
  };
  for (let coming = ask(); coming;) {
    const lines = await coming;
    coming = ask();
    yield lines;
  }
}

function windowFrom(
  { quarantine: { storage }, mailbox, items }: Fetch,
  messages: readonly FetchedMessage[],
  first: number,
): FetchLine[] {
  const lines: FetchLine[] = [];
  let bytes = 0;
  for (const message of messages.slice(first)) {
    const line = new FetchLine(message, items, (from, to) => storage.content(mailbox.scope, message.id, from, to));
    lines.push(line);
    bytes += line.contentBytes;
    if (bytes >= windowBytes || (line.contentBytes && lines.length >= windowMessages)) break;
  }
  return lines;
}

/** Without those that have just left. */
async function load(lines: readonly FetchLine[]): Promise<FetchLine[]> {
  const loaded = await Promise.all(lines.map((line) => line.load()));
  return lines.filter((_, i) => loaded[i]);
}

async function writeLines({ connection, mailbox }: Fetch, lines: readonly FetchLine[]): Promise<void> {
  const writer = new PieceWriter(connection);
  try {
    for (const line of lines) {
      for await (const piece of line.pieces()) await writer.write(piece);
      // Not before: a FETCH that fails has not told the flags of the messages that it did not come to, which are yet to be announced.
      if (line.flags) mailbox.noteTold(line.uid, formatFlags(line.flags));
    }
    await writer.end();
  } catch (error) {
    // Part of a literal may be out; whatever we said now, the client would take for the rest of the message.
    connection.close();
    throw error;
  }
}
