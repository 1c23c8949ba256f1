// Lines like `* 7 FETCH (UID 12 FLAGS (\Seen))`, put together byte by byte: they are written a million times, and a string for each would
// cost more than everything else. Used by fetch-flags.ts.
import type { FetchItem } from './fetch-items.ts';
import type { FlagSet } from './flag-set.ts';
import { putBytes, putNumber } from './put-bytes.ts';

/** Of any line besides its flags: two numbers and what stands around them. */
const plainBytes = 64;
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const [beginning, ending] = [ascii('* '), ascii(')\r\n')];

export class FlagLines {
  readonly #items: readonly { isUid: boolean; label: Buffer }[];
  #buffer: Buffer;
  #length = 0;

  /** @param items flags and UID alone */
  constructor(items: readonly FetchItem[], buffer: Buffer) {
    this.#items = items.map(({ kind, label }, i) => ({
      isUid: kind === 'uid',
      label: ascii(`${i ? ' ' : ' FETCH ('}${label} `),
    }));
    this.#buffer = buffer;
  }

  /** The lines so far, in the buffer itself. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** False, and nothing is added, when there is no room for it; never when there are no lines. */
  add(number: number, uid: number, flags: FlagSet): boolean {
    const { bytes } = flags;
    const most = plainBytes + bytes.length;
    if (this.#length + most > this.#buffer.length) {
      if (this.#length) return false;
      this.#buffer = Buffer.allocUnsafe(most);
    }
    const buffer = this.#buffer;
    let at = putNumber(buffer, putBytes(buffer, this.#length, beginning), number);
    const items = this.#items;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (!item) continue;
      at = putBytes(buffer, at, item.label);
      at = item.isUid ? putNumber(buffer, at, uid) : putBytes(buffer, at, bytes);
    }
    this.#length = putBytes(buffer, at, ending);
    return true;
  }

  /** Begins anew in the same buffer. */
  clear(): void {
    this.#length = 0;
  }
}
