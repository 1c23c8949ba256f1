// A set of small whole numbers, from 0 up to its size. What a search works with: contents of a block, places in it, messages of a mailbox.

export class Bits {
  readonly size: number;
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.size = size;
    this.#words = new Uint32Array((size + 31) >>> 5);
  }

  static all(size: number): Bits {
    const bits = new Bits(size);
    bits.#words.fill(0xffff_ffff);
    if (size & 31) bits.#words[size >>> 5] = 2 ** (size & 31) - 1;
    return bits;
  }

  add(number: number): void {
    const at = number >>> 5;
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (number & 31));
  }

  delete(number: number): void {
    const at = number >>> 5;
    this.#words[at] = (this.#words[at] ?? 0) & ~(1 << (number & 31));
  }

  has(number: number): boolean {
    return (((this.#words[number >>> 5] ?? 0) >>> (number & 31)) & 1) === 1;
  }

  get isEmpty(): boolean {
    for (const word of this.#words) if (word) return false;
    return true;
  }

  count(): number {
    let count = 0;
    for (let word of this.#words) for (; word; word &= word - 1) count++;
    return count;
  }

  and(other: Bits): Bits {
    return this.#with(other, (a, b) => a & b);
  }

  or(other: Bits): Bits {
    return this.#with(other, (a, b) => a | b);
  }

  without(other: Bits): Bits {
    return this.#with(other, (a, b) => a & ~b);
  }

  *[Symbol.iterator](): Generator<number> {
    for (const [at, word] of this.#words.entries()) {
      for (let rest = word; rest; rest &= rest - 1) yield at * 32 + (31 - Math.clz32(rest & -rest));
    }
  }

  #with(other: Bits, combine: (a: number, b: number) => number): Bits {
    const bits = new Bits(this.size);
    for (let at = 0; at < bits.#words.length; at++)
      bits.#words[at] = combine(this.#words[at] ?? 0, other.#words[at] ?? 0);
    return bits;
  }
}
