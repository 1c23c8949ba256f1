// Whether a text holds another one, in linear time whatever both are. String.includes is faster, but for what is longer than 250
// characters its time grows with the product of both: a megabyte of one letter keeps it busy for half a minute. Called by match.ts.

/** Up to here V8 skips ahead by the whole of what it looks for. The index of a storage looks for bytes in the same way. */
export const longestQuick = 250;

export function holdsText(text: string, wanted: string): boolean {
  if (wanted.length <= longestQuick) return text.includes(wanted);
  return text.includes(wanted.slice(0, longestQuick)) && holdsLong(text, wanted);
}

/** Knuth, Morris and Pratt: no character of the text is looked at again. */
function holdsLong(text: string, wanted: string): boolean {
  const borders = bordersOf(wanted);
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && unit !== wanted.charCodeAt(matched)) matched = borders[matched - 1] ?? 0;
    if (unit === wanted.charCodeAt(matched)) matched++;
    if (matched === wanted.length) return true;
  }
  return false;
}

/** For each end in the text: the length of the longest beginning that also ends there. */
function bordersOf(text: string): Uint32Array {
  const borders = new Uint32Array(text.length);
  let length = 0;
  for (let at = 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (length > 0 && unit !== text.charCodeAt(length)) length = borders[length - 1] ?? 0;
    if (unit === text.charCodeAt(length)) length++;
    borders[at] = length;
  }
  return borders;
}
