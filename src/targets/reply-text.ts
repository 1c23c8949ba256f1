// The words that a target hands back, whoever said them: they end up in the store, on a terminal and in a notice. Called by every target.

const maxReplyChars = 1000;

/** One far end's reply or our own words, fit for the store, a terminal and a notice: one line, no control characters, bounded. */
export function asReply(text: string): string {
  const line = text
    .replace(/\r?\n/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
    .trim();
  return line.length > maxReplyChars ? `${line.slice(0, maxReplyChars - 1)}…`.toWellFormed() : line;
}
