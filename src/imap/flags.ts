// Flags and keywords as clients write them: checked, brought into one spelling, and without those that a client may not
// set. Called by STORE, APPEND and SEARCH; which of them a message carries is the domain's affair.

import type { Mark } from '../quarantine/message.ts';
import { BadCommand } from './answers.ts';
import type { Argument } from './command.ts';

/** The system flags that a client may set, and all that PERMANENTFLAGS and FLAGS announce besides keywords. */
export const systemFlags: readonly string[] = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'];

/** Set by what happens to a message, never by STORE or APPEND. */
export const ourKeywords: readonly Mark[] = ['$Released', '$Reported', '$ReleaseFailed'];

// RFC 5788 section 3 compares keywords without regard to case; the domain compares spellings. The usual ones get one
// spelling here, so that a keyword set by one mail program is found and removed by another.
const usualKeywords = ['$Forwarded', '$MDNSent', '$Important', '$Phishing', '$Junk', '$NotJunk', 'Junk', 'NonJunk'];

const spellings = new Map(
  [...systemFlags, ...ourKeywords, ...usualKeywords].map((flag) => [flag.toLowerCase(), flag] as const),
);
const maxKeywordLength = 128;
const maxFlags = 64;

/** One spelling for a system flag or a keyword; null for what is neither. `\Recent` is no flag of ours. */
export function canonicalFlag(text: string): string | null {
  const known = spellings.get(text.toLowerCase());
  if (known !== undefined) return known;
  // RFC 9051 section 9 (flag-keyword): an atom, so neither blanks, wildcards, brackets nor 8-bit.
  return /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/.test(text) && text.length <= maxKeywordLength ? text : null;
}

/**
 * The flags of STORE or APPEND, in parentheses or (STORE) bare, without duplicates. Left out without a word: `\Recent`
 * and our own keywords, because mail programs copy flags from message to message and must not fail over it.
 */
export function readFlags(args: readonly Argument[]): string[] {
  const [first] = args;
  const written = args.length === 1 && first?.kind === 'list' ? first.items : args;
  if (args.length === 0) throw new BadCommand('The list of flags is missing');
  if (written.length > maxFlags) throw new BadCommand(`A list of flags may name ${maxFlags} at most`);
  const flags = new Set<string>();
  for (const argument of written) {
    if (argument.kind !== 'atom') throw new BadCommand('A list of flags holds flags and keywords only');
    // RFC 9051 section 2.3.2: a session's own flag, which no client can alter.
    if (argument.value.toLowerCase() === '\\recent') continue;
    const flag = canonicalFlag(argument.value);
    if (flag === null) throw new BadCommand('A flag is none of the system flags and no valid keyword');
    if (!isOurs(flag)) flags.add(flag);
  }
  return [...flags];
}

function isOurs(flag: string): boolean {
  return ourKeywords.some((keyword) => keyword === flag);
}

/** `(\Seen $Released)`, as FETCH and FLAGS show it. */
export function formatFlags(flags: readonly string[]): string {
  return `(${flags.join(' ')})`;
}
