// Puts short texts and numbers into a buffer: lists are made of millions of them, and a string for each would cost more than everything else.
// Each function answers where it has stopped. The room is the caller's business. Pure.

/** From this length on a call of `set` is faster than a loop. */
const longBytes = 64;

export function putBytes(buffer: Buffer, start: number, bytes: Buffer): number {
  const { length } = bytes;
  if (length >= longBytes) buffer.set(bytes, start);
  else for (let i = 0; i < length; i++) buffer[start + i] = bytes[i] ?? 0;
  return start + length;
}

/** In decimal digits. @param number whole, from 0 to 4294967295 */
export function putNumber(buffer: Buffer, start: number, number: number): number {
  let end = start + 1;
  for (let limit = 10; number >= limit; limit *= 10) end++;
  let left = number;
  for (let at = end - 1; at >= start; at--) {
    const tenth = (left / 10) >>> 0;
    buffer[at] = 0x30 + left - tenth * 10;
    left = tenth;
  }
  return end;
}
