// What a block of the index knows of the messages whose contents it has. Answers exactly, or says "maybe": for fields that have no text of
// their own, for needles that no atoms can find, and for long ones, of which it looks for the beginning.
import type { ReadCondition } from '../../../quarantine/search/condition.ts';
import { foldText } from '../../../quarantine/search/folded-text.ts';
import { decidesByItself, isSentWithin } from '../../../quarantine/search/match.ts';
import type { Connection } from '../connection.ts';
import { beginningOf, needleAtoms } from './atoms.ts';
import { Bits } from './bits.ts';
import { readTexts } from './block.ts';
import type { BlockWords } from './block.ts';
import { bodyField, headerField, numberOfField } from './fields.ts';
import { contentsWith } from './find-text.ts';
import { readBlock } from './index-file.ts';
import type { BlockHead } from './index-file.ts';
import type { Verdict } from './narrow.ts';

export class BlockKnowledge {
  readonly #index: Connection;
  readonly #block: BlockHead;
  /** For each message the index of its content in the block. */
  readonly #contentOf: readonly number[];
  #stored: { texts: Uint8Array; words: BlockWords } | null = null;

  constructor(index: Connection, block: BlockHead, contentOf: readonly number[]) {
    this.#index = index;
    this.#block = block;
    this.#contentOf = contentOf;
  }

  read(condition: ReadCondition, among: Bits): Verdict {
    const none = new Bits(among.size);
    if (decidesByItself(condition)) return { yes: among, maybe: none };
    const wanted = new Bits(this.#block.contents.numbers.length);
    for (const message of among) wanted.add(this.#contentOf[message] ?? 0);
    const { yes, maybe } = this.#contents(condition, wanted);
    return { yes: this.#messages(yes, among), maybe: this.#messages(maybe, among) };
  }

  #messages(contents: Bits, among: Bits): Bits {
    const messages = new Bits(among.size);
    for (const message of among) if (contents.has(this.#contentOf[message] ?? 0)) messages.add(message);
    return messages;
  }

  #contents(condition: ReadCondition, wanted: Bits): Verdict {
    switch (condition.kind) {
      case 'sentDay':
        return { yes: this.#sentWithin(condition, wanted), maybe: new Bits(wanted.size) };
      case 'body':
        return this.#holding(condition.text, bodyField, bodyField, wanted);
      case 'text':
        return this.#holding(condition.text, headerField, bodyField, wanted);
      case 'header': {
        const field = numberOfField(condition.field);
        if (field >= 0) return this.#holding(condition.text, field, field, wanted);
        return { yes: new Bits(wanted.size), maybe: this.#mayHave(condition, wanted) };
      }
    }
  }

  #sentWithin(condition: Extract<ReadCondition, { kind: 'sentDay' }>, wanted: Bits): Bits {
    const { sentDays } = this.#block.contents;
    const found = new Bits(wanted.size);
    for (const content of wanted) {
      const day = sentDays[content] ?? NaN;
      if (isSentWithin(condition, Number.isNaN(day) ? null : day)) found.add(content);
    }
    return found;
  }

  #holding(text: string, first: number, last: number, wanted: Bits): Verdict {
    const begin = beginningOf(text);
    const found = this.#with(begin, first, last, wanted);
    const none = new Bits(wanted.size);
    return found && begin === text ? { yes: found, maybe: none } : { yes: none, maybe: found ?? wanted };
  }

  /** Contents with the text in these fields; null when the index cannot tell. */
  #with(text: string, first: number, last: number, wanted: Bits): Bits | null {
    this.#stored ??= readBlock(this.#index, this.#block.number);
    const texts = readTexts(this.#stored.texts, first, last);
    if (text === '') {
      // Whether the field is there.
      const found = new Bits(wanted.size);
      for (const content of texts.contents) if (wanted.has(content)) found.add(content);
      return found;
    }
    const atoms = needleAtoms(text);
    return atoms && contentsWith(this.#stored.words, atoms, texts, wanted);
  }

  /** A field that is known only as a part of the header. */
  #mayHave({ field, text }: Extract<ReadCondition, { kind: 'header' }>, wanted: Bits): Bits {
    let likely: Bits = wanted;
    for (const part of [text, foldText(field)])
      if (part !== '') likely = this.#with(beginningOf(part), headerField, headerField, likely) ?? likely;
    for (const content of wanted) if (!this.#block.contents.isRegular[content]) likely.add(content);
    return likely;
  }
}
