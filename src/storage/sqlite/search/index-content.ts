// What the index keeps of one content: the texts that a search looks at (message-text.ts), cut into atoms. Called by the indexer.
import { FieldNames, HeaderCursor } from '../../../quarantine/reading/header-fields.ts';
import type { Reading } from '../../../quarantine/reading/reading.ts';
import { foldText } from '../../../quarantine/search/folded-text.ts';
import { ContentGone, keptFields, MessageText } from '../../../quarantine/search/message-text.ts';
import type { Connection } from '../connection.ts';
import { readBytes } from '../contents.ts';
import { fromStoredReading, readReading } from '../prepared.ts';
import { atomsOf } from './atoms.ts';
import type { BlockBuilder, IndexedContent, Piece } from './block-builder.ts';
import { bodyField, headerField } from './fields.ts';

/** A content of the store. */
export interface StoredContent {
  number: number;
  digest: string;
  /** As the store notes it: what is stored there later is compared with this. */
  readingVersion: number;
}

/** Adds a content to a block, unless it is gone. */
export async function addContent(builder: BlockBuilder, main: Connection, content: StoredContent): Promise<void> {
  const { number, digest, readingVersion } = content;
  const stored = readReading(main, digest);
  if (!stored) return;
  try {
    const reading = fromStoredReading(stored);
    const text = new MessageText(
      reading,
      (start, end) => readPart(main, digest, start, end),
      new FieldNames(keptFields),
    );
    const known = { number, digest: Buffer.from(digest.slice(0, 16), 'hex'), readingVersion };
    const isRegular = await holdsOtherFields(await text.header(), reading, await text.headerBytes());
    const indexed: IndexedContent = { ...known, sentDay: await text.sentDay(), isRegular };
    builder.add(indexed, await piecesOf(text, builder));
  } catch (error) {
    if (!(error instanceof ContentGone)) throw error;
  }
}

async function piecesOf(text: MessageText, builder: BlockBuilder): Promise<Piece[]> {
  const pieceOf = (field: number, value: string): Piece => ({
    field,
    atoms: Uint32Array.from(atomsOf(value), (atom) => builder.numberOf(atom)),
  });
  const pieces: Piece[] = [];
  for (const [field, name] of keptFields.entries())
    for (const value of await text.field(name)) pieces.push(pieceOf(field, value));
  return [...pieces, pieceOf(headerField, await text.header()), pieceOf(bodyField, await text.body())];
}

async function readPart(main: Connection, digest: string, start: number, end: number): Promise<Buffer | null> {
  const bytes = readBytes(main, digest, start, end);
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** More than nearly all mail has: the work of comparing them grows with the square of their number, and of their length. */
const mostFields = 1000;
const mostBytes = 64 * 1024;

/**
 * Whether the names and values of all fields that have no text of their own are found in the header as a whole, so that who searches the
 * header misses none of them. It is not so where a part of the header, taken by itself, is decoded in another way.
 */
async function holdsOtherFields(header: string, reading: Reading, bytes: Buffer): Promise<boolean> {
  if (bytes.length > mostBytes) return false;
  const names = new Set<string>();
  let count = 0;
  for (const cursor = new HeaderCursor(bytes, 0, bytes.length); cursor.next();) {
    const isLong = cursor.name === '' && cursor.nameEnd > cursor.start;
    if (++count > mostFields || isLong) return false;
    names.add(cursor.name.toLowerCase());
  }
  for (const name of keptFields) names.delete(name);
  const text = new MessageText(reading, () => Promise.resolve(bytes), new FieldNames(names));
  for (const name of names) {
    if (!header.includes(foldText(name))) return false;
    for (const value of await text.field(name)) if (!header.includes(value)) return false;
  }
  return true;
}
