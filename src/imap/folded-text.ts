// Makes texts comparable for SEARCH: without regard to case, to how letters are composed, and to the length of white
// space. Linear on any input, because what is searched was written by spammers. Called by search-match.ts.

// More than the longest letter with all its marks.
const longestPiece = 256;

export function foldText(text: string): string {
  // Capitals, because the small form of a letter can depend on its place in the word, and ß has to equal SS.
  return composed(text).toUpperCase().replace(/\s+/g, ' ');
}

/**
 * NFKC, piece by piece: sorting the marks of one letter takes time with the square of their number, so 300 KB of marks
 * would stop the process for seconds. A letter that lies across two pieces may stay as it was.
 */
function composed(text: string): string {
  return text.replace(/[\0-\x7f]?[^\0-\x7f]+/g, (run) => {
    if (run.length <= longestPiece) return run.normalize('NFKC');
    const pieces: string[] = [];
    for (let at = 0; at < run.length; at += longestPiece) {
      pieces.push(run.slice(at, at + longestPiece).normalize('NFKC'));
    }
    return pieces.join('');
  });
}
