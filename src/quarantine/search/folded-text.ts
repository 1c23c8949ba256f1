// Makes texts comparable for SEARCH: without regard to case, to how letters are composed, and to the length of white
// space. Linear on any input, because what is searched was written by spammers. Called by match.ts and message-text.ts.

// More than the longest letter with all its marks.
const longestPiece = 256;

export function foldText(text: string): string {
  // Capitals, because the small form of a letter can depend on its place in the word, and ß has to equal SS.
  return composed(text)
    .toUpperCase()
    .replace(/\s{2,}|[^\S ]/g, ' ');
}

/**
 * NFKC, piece by piece: sorting the marks of one letter takes time with the square of their number, so 300 KB of marks
 * would stop the process for seconds. A letter that lies across two pieces may stay as it was.
 */
function composed(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = endOfPiece(text, at);
    pieces.push(text.slice(at, end).normalize('NFKC'));
    at = end;
  }
  return pieces.join('');
}

/** Before an ASCII character where there is one, since none of them joins what precedes it. */
function endOfPiece(text: string, start: number): number {
  const furthest = start + longestPiece;
  for (let end = furthest; end > start; end--) {
    if (end >= text.length || text.charCodeAt(end) < 0x80) return Math.min(end, text.length);
  }
  return furthest;
}
