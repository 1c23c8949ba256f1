// FETCH of nothing but FLAGS and UID, with which mail programs bring their copy of a whole mailbox up to date: answered from memory, as the
// mailbox is now in all processes together. A slow client is waited for, and others are served between any two chunks. Called by FETCH.
import { setImmediate as serveOthers } from 'node:timers/promises';
import { giveChunkBack, takeChunk } from './chunk-pool.ts';
import type { ImapConnection } from './command.ts';
import type { FetchItem } from './fetch-items.ts';
import { FlagLines } from './flag-lines.ts';
import type { MessageRun, MessageSequence } from './message-sequence.ts';
import type { OpenMailbox } from './selected.ts';
import type { PositionRange } from './sequence-set.ts';

export function isOfFlagsAlone(items: readonly FetchItem[]): boolean {
  return items.every(({ kind }) => kind === 'flags' || kind === 'uid');
}

/** @param items of which `isOfFlagsAlone` is true */
export async function fetchFlags(
  connection: ImapConnection,
  mailbox: OpenMailbox,
  positions: readonly PositionRange[],
  items: readonly FetchItem[],
): Promise<void> {
  const now = await mailbox.refreshed();
  const chunk = takeChunk();
  const lines = new FlagLines(items, chunk);
  const tellsFlags = items.some(({ kind }) => kind === 'flags');
  for (const { start, end } of positions) {
    for (const run of mailbox.messages.runs(start, end)) {
      // Where nothing has changed both versions have the very same leaf.
      const isUnchanged = now.leafOf(run.leaf.lastUid) === run.leaf && !mailbox.wasToldMore;
      if (tellsFlags && !isUnchanged) noteTold(mailbox, run, now);
      for (let next = addLines(lines, run, run.start, isUnchanged ? null : now); next < run.end;) {
        await send(connection, lines);
        await serveOthers();
        next = addLines(lines, run, next, isUnchanged ? null : now);
      }
    }
  }
  await send(connection, lines);
  giveChunkBack(chunk);
}

async function send(connection: ImapConnection, lines: FlagLines): Promise<void> {
  if (lines.bytes.length) await connection.writeThrough(lines.bytes);
  lines.clear();
}

/** Lines of the run from an index on, as many as there is room for; answers the next index. @param now null: as the run says */
function addLines(
  lines: FlagLines,
  { leaf, start, end, position }: MessageRun,
  from: number,
  now: MessageSequence | null,
) {
  for (let i = from; i < end; i++) {
    const uid = leaf.uids[i] ?? 0;
    const flags = now ? now.flagsOf(uid) : leaf.flagsAt(i);
    // A message that has gone is passed over; the client learns it with the next announcement.
    if (flags && !lines.add(position + i - start + 1, uid, flags)) return i;
  }
  return end;
}

function noteTold(mailbox: OpenMailbox, { leaf, start, end }: MessageRun, now: MessageSequence): void {
  for (let i = start; i < end; i++) {
    const uid = leaf.uids[i] ?? 0;
    const flags = now.flagsOf(uid);
    if (flags) mailbox.noteTold(uid, flags.text);
  }
}
