// A FETCH that is answered from packed values alone, as mail programs open a folder or load what is in it: hundreds of messages, or as many
// whole ones as some hundred kilobytes hold, come from the storage in one piece, and their lines go out in large writes. A message with a
// value that is not packed is answered the long way, in its place. A slow client is waited for, and others are served between any two pages.
// Called by FETCH.
import type { View } from '../quarantine/message.ts';
import type { PackedMessages, ScopedStorage, UidRange } from '../quarantine/ports.ts';
import { giveChunkBack, takeChunk } from './chunk-pool.ts';
import type { ImapConnection } from './command.ts';
import { formatFlags } from './flags.ts';
import { MessageCursor } from './message-cursor.ts';
import { isPacked, ListLines } from './list-lines.ts';
import type { ListPlan } from './list-plan.ts';
import type { OpenMailbox } from './selected.ts';
import { rangesAfter } from './sequence-set.ts';

/** Messages asked for at once. */
const pageSize = 1000;

export interface ListFetch {
  storage: Pick<ScopedStorage, 'listPacked'>;
  connection: ImapConnection<OpenMailbox>;
  mailbox: OpenMailbox;
  view: View;
  plan: ListPlan;
  /** Answers messages the long way. */
  fetchUnpacked(uids: readonly UidRange[]): Promise<void>;
}

export async function fetchList(fetching: ListFetch, ranges: readonly UidRange[]): Promise<void> {
  const { connection, plan } = fetching;
  const chunk = takeChunk();
  const lines = new ListLines(plan, chunk);
  try {
    for await (const messages of pages(fetching, ranges)) {
      if (connection.closed) return;
      await addPage(fetching, lines, messages);
      messages[Symbol.dispose]();
    }
  } finally {
    // Also when the storage fails in between: flags that are noted as told would never be announced.
    await send(connection, lines);
  }
  giveChunkBack(chunk);
}

/** Each page is asked for before the one before it goes out, so that storage and socket work at the same time. */
async function* pages(
  { storage, mailbox, view, plan }: ListFetch,
  ranges: readonly UidRange[],
): AsyncGenerator<PackedMessages> {
  const ask = (from: readonly UidRange[]): Promise<PackedMessages> | null => {
    if (!from.length) return null;
    const asked = storage.listPacked(mailbox.scope, view, from, { ...plan.query, limit: pageSize });
    // Nobody waits for it any more when the connection is lost meanwhile.
    asked.catch(() => undefined);
    return asked;
  };
  let left = ranges;
  for (let coming = ask(left); coming;) {
    const page = await coming;
    left = page.uids.length ? rangesAfter(left, page.uids.at(-1) ?? 0) : [];
    coming = ask(left);
    yield page;
  }
}

async function addPage(fetching: ListFetch, lines: ListLines, messages: PackedMessages): Promise<void> {
  const { connection, mailbox, plan } = fetching;
  const { uids, flags, flagSets } = messages;
  const texts = flagSets.map(formatFlags);
  const page = { messages, flagTexts: texts.map((text) => Buffer.from(text, 'latin1')) };
  const tellsFlags = plan.query.also.includes('flags');
  const known = new MessageCursor(mailbox.messages);
  let unpacked: UidRange[] = [];
  const answerUnpacked = async (): Promise<void> => {
    await send(connection, lines);
    await fetching.fetchUnpacked(unpacked);
    unpacked = [];
  };
  for (let index = 0; index < uids.length; index++) {
    const uid = uids[index] ?? 0;
    if (!known.moveTo(uid)) continue;
    if (!isPacked(messages, index, plan.query.values.length)) {
      unpacked.push({ from: uid, to: uid });
      continue;
    }
    if (unpacked.length) await answerUnpacked();
    if (!lines.add(known.number, page, index)) {
      await send(connection, lines);
      lines.add(known.number, page, index);
    }
    const text = texts[flags[index] ?? 0];
    if (tellsFlags && text !== undefined && (mailbox.wasToldMore || known.flags?.text !== text))
      mailbox.noteTold(uid, text);
  }
  if (unpacked.length) await answerUnpacked();
}

async function send(connection: ImapConnection, lines: ListLines): Promise<void> {
  if (lines.bytes.length) await connection.writeThrough(lines.bytes);
  lines.clear();
}
