// Finds the held message that an appended copy stands for when a client wrote the copy anew: same Message-ID and From, Date and Subject.
// Message-ID alone is not unique (a sender repeats it, an attacker chooses it), so it is never enough.
import type { Reading } from './reading/reading.ts';

/** One comparable line; '' when the message has no Message-ID, which is never like anything. */
export function likenessOf(reading: Reading): string {
  const { messageId, from, date, subject } = reading.summary;
  if (!messageId) return '';
  return JSON.stringify([messageId, from, date, subject]);
}
