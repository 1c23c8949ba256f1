// Memory that whole contents are put into on their way from a reader thread (packed-contents.ts), used again and again: taken and freed each
// time, hundreds of kilobytes in one thread and in another, it leaves holes that add up to a hundred megabytes. Called by storage.ts.
import { enoughContentBytes, largestPackedContentBytes } from '../packed-values.ts';

/** The last content of an answer may reach beyond what is enough; a quarter of a megabyte is left for other values. */
const size = enoughContentBytes + 2 * largestPackedContentBytes;
/** As many answers are on their way at once without an allocation. */
const keptAtMost = 4;
const kept: ArrayBuffer[] = [];

export function takeMemory(): ArrayBuffer {
  return kept.pop() ?? new ArrayBuffer(size);
}

/** The memory of an answer, whether it was taken here or not. Whoever still held it finds it empty, and cannot see what others put there. */
export function giveMemoryBack(memory: ArrayBuffer): void {
  if (memory.byteLength === size && kept.length < keptAtMost) kept.push(memory.transfer());
  else memory.transfer(0);
}
