// EXPUNGE, EXISTS and FETCH: the lines that make of the mailbox as a client knows it the mailbox as it is now. Pure; sent by selected.ts.
import { differenceBetween } from './mailbox-difference.ts';
import type { ChangedMessage } from './mailbox-difference.ts';
import type { MessageSequence } from './message-sequence.ts';

/** By UID: flags that a client was told although they are not those of the version that it knows; null: it may have any. */
export type ToldFlags = ReadonlyMap<number, string | null>;

/** One byte per character; '' when there is nothing to tell. @param now what became of `before` */
export function newsBetween(before: MessageSequence, now: MessageSequence, told: ToldFlags): string {
  const { gone, changed, arrived } = differenceBetween(before, now);
  const lines: string[] = [];
  // RFC 9051 section 7.5.1: each EXPUNGE renumbers what follows, so the highest goes first and no number needs correcting.
  for (const position of gone.toReversed()) lines.push(`* ${position + 1} EXPUNGE\r\n`);
  if (arrived) lines.push(`* ${now.length} EXISTS\r\n`);
  for (const { position, uid, flags } of told.size ? toldOtherwise(changed, now, told) : changed)
    lines.push(`* ${position + 1} FETCH (UID ${uid} FLAGS ${flags.text})\r\n`);
  return lines.join('');
}

/** Messages that have other flags than the client was told last. Few, even where a client has marked a whole mailbox as read. */
function toldOtherwise(changed: readonly ChangedMessage[], now: MessageSequence, told: ToldFlags): ChangedMessage[] {
  const messages = changed.filter(({ uid }) => !told.has(uid));
  for (const [uid, text] of told) {
    const flags = now.flagsOf(uid);
    if (flags && flags.text !== text) messages.push({ position: now.positionOf(uid), uid, flags });
  }
  return messages.sort((a, b) => a.position - b.position);
}
