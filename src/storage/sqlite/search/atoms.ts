// Cuts folded text into atoms: words, runs of signs, and the single characters of scripts that put no spaces between words. An atom takes
// the space behind it along. Whether there is a cut between two characters depends on these two alone, so that a piece of a text is cut
// where the text is cut: what stands between two cuts of a needle is a whole atom of every text that holds it. Pure.
import { longestQuick } from '../../../quarantine/search/holds-text.ts';

/** Scripts whose words are not set apart: every character is an atom, else each sentence would be one. */
const unspaced = '\\u0e00-\\u109f\\u1780-\\u17ff\\u2e80-\\uabff\\ue000-\\uffff';
/** Letters and digits; above ASCII signs, too, which is harmless. Halves of surrogate pairs must stay together. */
const letters = 'A-Za-z0-9\\x80-\\u0dff\\u10a0-\\u177f\\u1800-\\u2e7f\\uac00-\\udfff';
const atom = new RegExp(`[${letters}]+ ?|[${unspaced}\\0]|[^${letters}${unspaced}\\0 ]+ ?| `, 'g');

/** Stands for a character that no needle can hold, and is never stored. */
export const nothing = '\0';

/** The atoms of a text; joined they are the text again, but for what cannot be searched for. */
export function atomsOf(text: string): string[] {
  return (text.isWellFormed() ? text : text.replace(/\p{Surrogate}/gu, nothing)).match(atom) ?? [];
}

/** The atoms of what is searched for; null for what cannot be found by atoms. */
export function needleAtoms(text: string): string[] | null {
  return text !== '' && text.isWellFormed() && !text.includes(nothing) ? atomsOf(text) : null;
}

/** What of a longer text is looked for: the work grows with its words, and with the length of each. */
const longest = 80;

/** All of a text, or as much of its beginning as the index can look for in a time that nobody minds. */
export function beginningOf(text: string): string {
  if (Buffer.byteLength(text) <= longestQuick) return text;
  return text.slice(0, longest).replace(/[\ud800-\udbff]$/, '');
}
