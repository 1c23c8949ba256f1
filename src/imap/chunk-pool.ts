// The memory of answers that are written in large chunks, used again or given back at once: V8 collects all of its garbage for every few
// hundred chunks that are left to it. Called by whoever writes with writeThrough.

export const chunkBytes = 256 * 1024;
/** As many sessions write at once without an allocation. */
const keptChunks = 4;
const kept: Buffer[] = [];

export function takeChunk(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
}

/** Frees a buffer that came from the storage, if all of its memory is its own; nobody may read from it any more. */
export function freeBuffer({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}

/** Only when nobody reads from it any more: a socket does until its write has succeeded. */
export function giveChunkBack(chunk: Buffer): void {
  if (kept.length < keptChunks) kept.push(chunk);
}
