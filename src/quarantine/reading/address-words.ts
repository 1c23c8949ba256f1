// The words of an address list: atoms, quoted strings, encoded words, and how they make up a name or a local part.
// Called by addresses.

import type { StructuredText } from './structured-text.ts';

export interface Word {
  text: string;
  quoted: boolean;
  /** White space or a comment stood before it. */
  apart: boolean;
}

// More words are kept as one: a line of a million single letters need not become a million objects.
const MAX_WORDS = 1000;
// Commas and the like may not stand in an encoded word; programs write them all the same.
const encodedWord = /=\?[^?\s]+\?[bq]\?[^?\s]*\?=/iy;

/** The word that the text stands at; always moves past at least one character. */
export function readWord(source: StructuredText, ends: string, apart: boolean): Word {
  const quoted = source.quotedString();
  if (quoted !== null) return { text: quoted, quoted: true, apart };
  encodedWord.lastIndex = source.at;
  const encoded = source.char === '=' ? encodedWord.exec(source.text)?.[0] : undefined;
  if (encoded !== undefined) {
    source.at += encoded.length;
    return { text: encoded, quoted: false, apart };
  }
  // The first character is taken whatever it is: an opening quote or bracket that never closes is text.
  const first = source.char;
  source.at++;
  return { text: first + source.until(ends), quoted: false, apart };
}

export function addWord(words: Word[], word: Word): void {
  const last = words.at(-1);
  if (last && words.length >= MAX_WORDS) last.text += word.apart ? ` ${word.text}` : word.text;
  else words.push(word);
}

/** RFC 9051 section 7.5.2: a name is the phrase without its quoting; null when it is empty. */
export function phrase(words: Word[]): string | null {
  return words.length === 0 ? null : join(words) || null;
}

/** RFC 9051 section 7.5.2: the mailbox is the local part without its quoting. */
export function localPart(words: Word[]): string {
  return join(words, (before, word) => !before.text.endsWith('.') && !word.text.startsWith('.'));
}

function join(words: Word[], keepSpace: (before: Word, word: Word) => boolean = () => true): string {
  let text = '';
  let before: Word | null = null;
  for (const word of words) {
    text += before && word.apart && keepSpace(before, word) ? ` ${word.text}` : word.text;
    before = word;
  }
  return text;
}

/** Index of the first word of the local part: the last words that touch each other or are held together by dots. */
export function startOfLastRun(words: Word[]): number {
  let first = words.length - 1;
  for (; first > 0; first--) {
    const word = words[first];
    const before = words[first - 1];
    if (!word || !before) break;
    if (word.apart && !before.text.endsWith('.') && !word.text.startsWith('.')) break;
  }
  return Math.max(first, 0);
}
