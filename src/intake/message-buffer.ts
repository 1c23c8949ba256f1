// Collects the bytes of one message up to a limit. Copies them into blocks of its own: a client that sends one byte per packet would
// otherwise make us keep millions of tiny buffers. Beyond the limit it keeps nothing and only counts.
// Used by the listeners and by the readers of files.

const smallestBlock = 4096;
const largestBlock = 1024 * 1024;

export class MessageBuffer {
  readonly #limit: number;
  #blocks: Buffer[] = [];
  /** Bytes used in the last block. */
  #used = 0;
  #sizeBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes appended so far, kept or not. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isTooLarge(): boolean {
    return this.#sizeBytes > this.#limit;
  }

  append(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length;
    if (this.isTooLarge) {
      this.discard();
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const block = this.#blockWithRoom();
      const copied = Math.min(block.length - this.#used, chunk.length - at);
      block.set(chunk.subarray(at, at + copied), this.#used);
      this.#used += copied;
      at += copied;
    }
  }

  /** Forgets the bytes, not how many they were. */
  discard(): void {
    this.#blocks = [];
    this.#used = 0;
  }

  /** The message, once. Only when it is not too large. */
  take(): Buffer {
    const last = this.#blocks.pop();
    const whole = Buffer.concat([...this.#blocks, ...(last ? [last.subarray(0, this.#used)] : [])]);
    this.discard();
    return whole;
  }

  #blockWithRoom(): Buffer {
    const last = this.#blocks.at(-1);
    if (last && this.#used < last.length) return last;
    const block = Buffer.allocUnsafeSlow(Math.min((last?.length ?? smallestBlock / 2) * 2, largestBlock));
    this.#blocks.push(block);
    this.#used = 0;
    return block;
  }
}
