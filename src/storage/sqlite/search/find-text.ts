// Which contents of a block hold a text: exactly those in which String.includes would find it. A text within one word is looked for in
// all words of the block. One that goes across words is found where its first atom ends a word, its last one begins a word, those between
// are whole words, and all stand in a row.
import { Bits } from './bits.ts';
import { decodePlaces } from './block.ts';
import type { BlockWords, PlaceList, Relation, Texts } from './block.ts';

interface Step {
  relation: Relation;
  /** Index of the atom. */
  at: number;
}

/**
 * @param atoms of the needle (needleAtoms)
 * @param texts where it may stand
 * @param wanted contents that are of interest: no others are answered
 */
export function contentsWith(words: BlockWords, atoms: readonly string[], texts: Texts, wanted: Bits): Bits {
  const finding = new Finding(words, texts, wanted);
  const steps = stepsFor(atoms);
  const last = steps.pop();
  for (const step of steps) {
    if (!finding.narrow(step, atoms[step.at] ?? '')) return new Bits(wanted.size);
  }
  if (last) finding.settle(last, atoms[last.at] ?? '');
  return finding.found;
}

/** Long whole words first: they are rare and found at once, so that most blocks end there. Ends of words are dear: all words are looked at. */
function stepsFor(atoms: readonly string[]): Step[] {
  if (atoms.length < 2) return [{ relation: 'holds', at: 0 }];
  const between = atoms.slice(1, -1).map((_atom, i): Step => ({ relation: 'equals', at: i + 1 }));
  between.sort((a, b) => (atoms[b.at]?.length ?? 0) - (atoms[a.at]?.length ?? 0));
  return [...between, { relation: 'begins', at: atoms.length - 1 }, { relation: 'ends', at: 0 }];
}

class Finding {
  readonly found: Bits;
  readonly #words: BlockWords;
  readonly #texts: Texts;
  readonly #wanted: Bits;
  readonly #low: number;
  readonly #high: number;
  /** Places, from `low`, where the needle may begin; null before the first step. */
  #begins: Bits | null = null;
  #places = new Uint32Array(1024);

  constructor(words: BlockWords, texts: Texts, wanted: Bits) {
    this.found = new Bits(wanted.size);
    this.#words = words;
    this.#texts = texts;
    this.#wanted = wanted;
    this.#low = texts.starts[0] ?? 0;
    this.#high = texts.starts.at(-1) ?? 0;
  }

  /** Keeps the places that fit this step as well; false when there are none. */
  narrow({ relation, at }: Step, atom: string): boolean {
    const former = this.#begins;
    const begins = new Bits(this.#high - this.#low);
    let isEmpty = true;
    for (const list of this.#words.placesWhere(relation, atom)) {
      const count = this.#decode(list);
      for (let i = 0; i < count; i++) {
        const begin = (this.#places[i] ?? 0) - at - this.#low;
        if (begin < 0) continue;
        if (begin >= begins.size) break;
        if (former && !former.has(begin)) continue;
        begins.add(begin);
        isEmpty = false;
      }
    }
    this.#begins = begins;
    return !isEmpty;
  }

  /** The last step: notes the contents in which the needle begins at one of the places. Ends when all that are wanted were found. */
  settle({ relation, at }: Step, atom: string): void {
    let missing = this.#wanted.count();
    if (!missing) return;
    for (const list of this.#words.placesWhere(relation, atom)) {
      missing -= this.#note(this.#decode(list), at);
      if (!missing) return;
    }
  }

  #note(count: number, at: number): number {
    const { starts, contents } = this.#texts;
    let noted = 0;
    let text = 0;
    // Where the next text begins: in this one nothing is to be found any more.
    let next = this.#low;
    for (let i = 0; i < count; i++) {
      const begin = (this.#places[i] ?? 0) - at;
      if (begin < next) continue;
      if (begin >= this.#high) break;
      if (this.#begins && !this.#begins.has(begin - this.#low)) continue;
      text = textAt(starts, begin, text);
      next = starts[text + 1] ?? 0;
      const content = contents[text] ?? 0;
      if (!this.#wanted.has(content) || this.found.has(content)) continue;
      this.found.add(content);
      noted++;
    }
    return noted;
  }

  #decode(list: PlaceList): number {
    const room = list.end - list.start;
    if (this.#places.length < room) this.#places = new Uint32Array(room * 2);
    return decodePlaces(list, this.#places);
  }
}

/** Index of the text that the place belongs to, which is `from` or one behind it. Looks ahead in growing steps. */
function textAt(starts: Uint32Array, place: number, from: number): number {
  let low = from;
  let step = 1;
  while ((starts[low + step] ?? Infinity) <= place) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, starts.length - 1);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= place) low = middle;
    else high = middle;
  }
  return low;
}
