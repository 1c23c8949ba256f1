// The lines of a list, one after the other in one large buffer: bytes and numbers go straight to their place, nothing becomes a string or an
// object on the way. Used by fetch-list.ts.
import type { PackedMessages } from '../quarantine/ports.ts';
import type { ListPage, ListPlan } from './list-plan.ts';
import { putBytes, putNumber } from './put-bytes.ts';

const [beginning, ending] = [Buffer.from('* '), Buffer.from(')\r\n')];
/** More than a number, a date or the length of a literal takes. */
const shortBytes = 40;

export class ListLines {
  readonly #plan: ListPlan;
  /** The most that a line takes without packed values and flags. */
  readonly #plainBytes: number;
  #buffer: Buffer;
  #length = 0;

  constructor(plan: ListPlan, buffer: Buffer) {
    this.#plan = plan;
    this.#plainBytes = plan.items.reduce((sum, { label }) => sum + label.length + shortBytes, shortBytes);
    this.#buffer = buffer;
  }

  /** The lines so far, in the buffer itself. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** False, and nothing is added, when there is no room for it; never when there are no lines. */
  add(number: number, page: ListPage, index: number): boolean {
    const most = this.#plainBytes + this.#valueBytes(page, index);
    if (this.#length + most > this.#buffer.length) {
      if (this.#length) return false;
      this.#buffer = Buffer.allocUnsafeSlow(most);
    }
    const buffer = this.#buffer;
    let at = putNumber(buffer, putBytes(buffer, this.#length, beginning), number);
    for (const { label, put } of this.#plan.items) at = put(buffer, putBytes(buffer, at, label), page, index);
    this.#length = putBytes(buffer, at, ending);
    return true;
  }

  /** Begins anew in the same buffer. */
  clear(): void {
    this.#length = 0;
  }

  #valueBytes({ messages, flagTexts }: ListPage, index: number): number {
    const { flags, positions } = messages;
    const width = this.#plan.query.values.length;
    let bytes = flagTexts[flags[index] ?? 0]?.length ?? 0;
    for (const { value } of this.#plan.items) {
      if (value < 0) continue;
      const at = (index * width + value) * 2;
      bytes += (positions[at + 1] ?? 0) - (positions[at] ?? 0);
    }
    return bytes;
  }
}

/** Whether all values of the message at `index` are packed; there are `width` of them. */
export function isPacked({ positions }: PackedMessages, index: number, width: number): boolean {
  for (let value = index * width; value < (index + 1) * width; value++)
    if ((positions[value * 2] ?? -1) < 0) return false;
  return true;
}
