// Splits an mbox into its messages while it is read, one message in memory at a time.
//
// A message begins at a `From ` line that is the first line or follows an empty one; the empty line belongs to the file, not to the message.
// Where the file's first such line carries a time of day, as they do, the others have to: a paragraph that begins with "From " does not
// split a message in a file whose writer quoted nothing. Content-Length is ignored, because it is wrong in any file that was ever edited.
//
// Quoting: mboxrd puts a `>` before every `>…>From ` line, mboxo before `From ` lines only; a file does not say which it is. We take one `>`
// away, as mboxrd has it: right for all of mboxrd and for what mboxo quoted. Wrong only for mail that held `>From ` before mboxo stored it
// unquoted, where keeping the `>` would have damaged every quoted line of every mboxrd.
import { MessageBuffer } from '../message-buffer.ts';
import { maxFromLineBytes } from '../limits.ts';
import { CrlfWriter } from './crlf-writer.ts';
import { beginsLikeFromLine, hasTimeOfDay, parseFromLine } from './from-line.ts';
import type { FromLine } from './from-line.ts';

export interface MboxMessage {
  /** From 1. */
  number: number;
  /** Line number of its `From ` line, from 1. */
  line: number;
  fromLine: FromLine;
  /** Null when it is larger than the limit. */
  raw: Buffer | null;
}

const LF = 10;
const GREATER = 62;

export class MboxSplitter {
  readonly #limit: number;
  /** The begin of a line that did not fit into the last piece. */
  #carry: Buffer = Buffer.alloc(0);
  /** In a line whose begin has been dealt with. */
  #isInsideLine = false;
  #isAfterEmptyLine = true;
  /** An empty line that belongs to the file if a `From ` line or the end follows, else to the message. */
  #heldEmptyLine: Buffer | null = null;
  #needsTime: boolean | null = null;
  #lines = 0;
  #count = 0;
  #current: { message: Omit<MboxMessage, 'raw'>; buffer: MessageBuffer; writer: CrlfWriter } | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The messages that ended in this piece. */
  push(piece: Buffer): MboxMessage[] {
    const done: MboxMessage[] = [];
    const data = this.#carry.length ? Buffer.concat([this.#carry, piece]) : piece;
    this.#carry = Buffer.alloc(0);
    for (let at = 0; at < data.length;) {
      const lf = data.indexOf(LF, at);
      const end = lf < 0 ? data.length : lf + 1;
      const part = data.subarray(at, end);
      if (this.#isInsideLine) {
        this.#current?.writer.write(part);
      } else if (lf < 0 && part.length < maxFromLineBytes) {
        // A copy, because the piece's memory is the reader's.
        this.#carry = Buffer.from(part);
        return done;
      } else {
        const ended = this.#beginLine(part, lf >= 0);
        if (ended) done.push(ended);
      }
      this.#isInsideLine = lf < 0;
      at = end;
    }
    return done;
  }

  /** The last message, when there is one. */
  end(): MboxMessage[] {
    const ended = this.#carry.length ? [this.#beginLine(this.#carry, true)] : [];
    return [...ended, this.#finish()].filter((message) => message !== null);
  }

  #beginLine(part: Buffer, isWhole: boolean): MboxMessage | null {
    this.#lines += 1;
    const isEmpty = isWhole && (part.length === 1 || (part.length === 2 && part[0] === 13)) && part.at(-1) === LF;
    // What is decided by the begin of a line alone does not depend on how much of it has been read.
    const begin = part.subarray(0, maxFromLineBytes);
    if (part.length <= maxFromLineBytes && isWhole && this.#isAfterEmptyLine && this.#isSeparator(part)) {
      const ended = this.#finish();
      this.#begin(part);
      return ended;
    }
    this.#isAfterEmptyLine = isEmpty;
    const writer = this.#current?.writer;
    if (this.#heldEmptyLine) writer?.write(this.#heldEmptyLine);
    this.#heldEmptyLine = isEmpty ? Buffer.from(part) : null;
    if (!isEmpty) writer?.write(isQuotedFromLine(begin) ? part.subarray(1) : part);
    return null;
  }

  #isSeparator(line: Buffer): boolean {
    if (!beginsLikeFromLine(line)) return false;
    this.#needsTime ??= hasTimeOfDay(line);
    return !this.#needsTime || hasTimeOfDay(line);
  }

  #begin(line: Buffer): void {
    const buffer = new MessageBuffer(this.#limit);
    this.#count += 1;
    this.#isAfterEmptyLine = false;
    this.#heldEmptyLine = null;
    this.#current = {
      message: { number: this.#count, line: this.#lines, fromLine: parseFromLine(line) },
      buffer,
      writer: new CrlfWriter(buffer),
    };
  }

  #finish(): MboxMessage | null {
    if (!this.#current) return null;
    const { message, buffer } = this.#current;
    this.#current = null;
    return { ...message, raw: buffer.isTooLarge ? null : buffer.take() };
  }
}

function isQuotedFromLine(part: Buffer): boolean {
  if (part[0] !== GREATER) return false;
  let at = 1;
  while (part[at] === GREATER) at++;
  return beginsLikeFromLine(part.subarray(at));
}
