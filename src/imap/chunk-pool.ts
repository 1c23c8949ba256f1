// Buffers for answers that are written in large chunks, used again and again: V8 collects all of its garbage for every few hundred of them
// that are left to it. Called by whoever writes with writeThrough.

export const chunkBytes = 256 * 1024;
/** As many sessions write at once without an allocation. */
const keptChunks = 4;
const kept: Buffer[] = [];

export function takeChunk(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
}

/** Only when nobody reads from it any more: a socket does until its write has succeeded. */
export function giveChunkBack(chunk: Buffer): void {
  if (kept.length < keptChunks) kept.push(chunk);
}
