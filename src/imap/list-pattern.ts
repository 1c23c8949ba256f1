// Matches mailbox names against the patterns of LIST and LSUB: `*` is anything, `%` is anything within one level.
// Patterns come from clients, so the work is bounded: one pass over the pattern, then at most the square of the length
// of the (short, our own) name. Never a regular expression. Called by LIST, LSUB and XLIST.

import { encodeModifiedUtf7, isInbox, readMailboxName } from './mailbox-name.ts';

export const hierarchyDelimiter = '/';

/** Takes the two arguments as they came over the wire; the answer tells whether a name (decoded) fits. */
export function listMatcher(reference: string, pattern: string): (name: string) => boolean {
  const joined = joinReference(reference, pattern);
  // Clients write names encoded, plain, or in UTF-8. A part of an encoded name is no encoded name ("Release &*"), so the
  // pattern is tried as it stands against the encoded name, too.
  const asWritten = shorten(joined);
  const decoded = shorten(readMailboxName(joined));
  const inCapitals = shorten(joined.toUpperCase());
  return (name) => {
    if (isInbox(name)) return matches(inCapitals, 'INBOX');
    return matches(asWritten, encodeModifiedUtf7(name)) || matches(decoded, name);
  };
}

function joinReference(reference: string, pattern: string): string {
  // RFC 9051 section 6.3.9.1: the reference is the level that the pattern counts from. Doubling its delimiter would
  // make a name that nobody has.
  const overlap = reference.endsWith(hierarchyDelimiter) && pattern.startsWith(hierarchyDelimiter);
  return reference + (overlap ? pattern.slice(1) : pattern);
}

/** Neighbouring wildcards become one: `*%*%` says no more than `*`, and this is what keeps the work small. */
function shorten(pattern: string): string {
  return pattern.replace(/[*%]+/g, (wildcards) => (wildcards.includes('*') ? '*' : '%'));
}

/** Follows all ways through the pattern at once: `reached[i]` says that the pattern so far can use up `i` characters. */
function matches(pattern: string, name: string): boolean {
  // Between two wildcards stands at least one character that the name must have, so more than this cannot fit.
  if (pattern.length > 2 * name.length + 1) return false;
  const reached = new Array<boolean>(name.length + 1).fill(false);
  reached[0] = true;
  for (let at = 0; at < pattern.length; at++) {
    const wanted = pattern[at];
    if (wanted === '*' || wanted === '%') {
      for (let used = 1; used <= name.length; used++) {
        const passable = wanted === '*' || name[used - 1] !== hierarchyDelimiter;
        if (reached[used - 1] === true && passable) reached[used] = true;
      }
    } else {
      for (let used = name.length; used > 0; used--) {
        reached[used] = reached[used - 1] === true && name[used - 1] === wanted;
      }
      reached[0] = false;
    }
    if (!reached.includes(true)) return false;
  }
  return reached[name.length] === true;
}
