// Reads one file and yields the messages in it, one in memory at a time, however large the file is. An mbox is known by its first line, a
// single message by beginning with a header field; what is neither is refused rather than imported as garbage. Called by import-files.ts.
import { open } from 'node:fs/promises';
import { readBytes } from '../limits.ts';
import { MessageBuffer } from '../message-buffer.ts';
import { CrlfWriter } from './crlf-writer.ts';
import { beginsLikeFromLine, parseFromLine } from './from-line.ts';
import type { FromLine } from './from-line.ts';
import { MboxSplitter } from './mbox-splitter.ts';
import type { Source } from './sources.ts';

export interface FoundMessage {
  /** Where in the file, for example `message 3 (line 120)`; '' in a file that is one message. */
  position: string;
  /** Null when it is larger than the limit. */
  raw: Buffer | null;
  /** Milliseconds since the epoch. */
  internalDate: number;
  /** What the `From ` line says; null when it says nothing or there is none. */
  sender: string | null;
}

/** The file holds no mail. Shown as it stands. */
export class NoMailError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'NoMailError';
  }
}

/**
 * @param onBytes told how many bytes were read, as they are
 * @throws NoMailError, or Node's error when the file cannot be read
 */
export async function* readSource(
  source: Source,
  limit: number,
  onBytes: (count: number) => void,
): AsyncGenerator<FoundMessage, void, undefined> {
  const pieces = piecesOf(source.path, onBytes);
  const first = (await pieces.next()).value;
  if (!first) throw new NoMailError('the file is empty');
  if (source.kind === 'file' && !source.path.toLowerCase().endsWith('.eml') && isMbox(first)) {
    const splitter = new MboxSplitter(limit);
    const asFound = messagesOf(source);
    yield* splitter.push(first).map(asFound);
    for await (const piece of pieces) yield* splitter.push(piece).map(asFound);
    yield* splitter.end().map(asFound);
    return;
  }
  if (source.kind === 'file' && !isMessage(first)) {
    await pieces.return(undefined);
    throw new NoMailError('no mail: it begins neither with a header field nor with the "From " line of an mbox');
  }
  const { fromLine, rest } = source.kind === 'file' ? withoutFromLine(first) : { fromLine: null, rest: first };
  const buffer = new MessageBuffer(limit);
  const writer = new CrlfWriter(buffer);
  writer.write(rest);
  for await (const piece of pieces) writer.write(piece);
  yield {
    position: '',
    raw: buffer.isTooLarge ? null : buffer.take(),
    internalDate: fromLine?.date ?? source.modifiedAt,
    sender: fromLine?.sender ?? null,
  };
}

function messagesOf(source: Source): (message: ReturnType<MboxSplitter['push']>[number]) => FoundMessage {
  return ({ number, line, fromLine, raw }) => ({
    position: `message ${number} (line ${line})`,
    raw,
    internalDate: fromLine.date ?? source.modifiedAt,
    sender: fromLine.sender,
  });
}

async function* piecesOf(path: string, onBytes: (count: number) => void): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(readBytes), 0, readBytes);
      if (!bytesRead) return;
      onBytes(bytesRead);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function isMbox(first: Buffer): boolean {
  return beginsLikeFromLine(first.subarray(firstLineStart(first)));
}

/** RFC 5322 section 2.2: a field name is printable ASCII without a colon. A byte order mark may stand before it. */
function isMessage(first: Buffer): boolean {
  const begin = first.toString('latin1', 0, 4096);
  return beginsLikeFromLine(first) || /^(?:\u00ef\u00bb\u00bf)?[!-9;-~]{1,200}[ \t]*:/.test(begin);
}

function firstLineStart(first: Buffer): number {
  let at = 0;
  while (first[at] === 10 || first[at] === 13) at++;
  return at;
}

/** Some programs save a single message with the `From ` line of the mbox it came from. The line is not part of the message. */
function withoutFromLine(first: Buffer): { fromLine: FromLine | null; rest: Buffer } {
  const lf = first.indexOf(10);
  if (!beginsLikeFromLine(first) || lf < 0) return { fromLine: null, rest: first };
  return { fromLine: parseFromLine(first.subarray(0, lf)), rest: first.subarray(lf + 1) };
}
