// How the index follows the store: new contents become a small block, four small blocks a larger one, and what the store deleted is taken
// out of the block that it is in. Each function is one transaction of the index file and reads the store in snapshots; it may be killed at
// any moment, and another process may do the same. Runs in the indexer's thread.
import type { Connection } from '../connection.ts';
import { BlockBuilder } from './block-builder.ts';
import type { IndexedContent, Piece } from './block-builder.ts';
import { decodePlaces, readFields, readTexts } from './block.ts';
import type { BlockContents } from './block.ts';
import { bodyField } from './fields.ts';
import { addContent } from './index-content.ts';
import type { StoredContent } from './index-content.ts';
import {
  belongsTo,
  deleteBlock,
  digestAt,
  emptyIndex,
  indexedUpTo,
  isOurs,
  noteIndexed,
  readBlock,
  readBlocks,
  writeBlock,
} from './index-file.ts';
import type { BlockHead } from './index-file.ts';
import { saysDamaged } from './open-index.ts';

/** Atoms of a block that is not merged any more: some thousand messages. Larger ones have fewer words, but take more memory to make. */
const fullBlock = 2 ** 21;
/** Characters or bytes of its different words, which is as much again and more where mail consists of words without end. */
const fullWords = 2 ** 24;
const rowsAtOnce = 50;
const mergedBlocks = 4;

/** Indexes what came in since the last round, up to a block; answers whether there is more. */
export async function indexNew(main: Connection, index: Connection): Promise<boolean> {
  if (!belongsTo(main, index)) write(index, () => emptyIndex(index));
  const from = indexedUpTo(index);
  const builder = new BlockBuilder();
  let upTo = from;
  for (let more = true; more && !isFull(builder);) {
    const rows = main.all<StoredContent>(
      `SELECT number, digest, reading_version AS readingVersion FROM contents WHERE number > ? ORDER BY number LIMIT ${rowsAtOnce}`,
      upTo,
    );
    for (const row of rows) {
      if (isFull(builder)) break;
      await addSound(builder, main, row);
      upTo = row.number;
    }
    more = rows.length === rowsAtOnce;
  }
  if (upTo === from) return false;
  write(index, () => {
    // Another process was here.
    if (indexedUpTo(index) !== from || !belongsTo(main, index)) return;
    if (!builder.isEmpty) writeBlock(index, builder.finish());
    noteIndexed(main, index, upTo);
    mergeSmall(index);
  });
  return isFull(builder);
}

function isFull({ atoms, characters }: Pick<BlockBuilder, 'atoms' | 'characters'>): boolean {
  return atoms >= fullBlock || characters >= fullWords;
}

/** A content that is damaged must not keep the others out. Who searches for it meets the damage. */
async function addSound(builder: BlockBuilder, main: Connection, content: StoredContent): Promise<void> {
  try {
    await addContent(builder, main, content);
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && !saysDamaged(error)) throw error;
  }
}

function mergeSmall(index: Connection): void {
  for (let size = 0; size <= sizeOf(fullBlock - 1); size++) {
    const small = [...readBlocks(index)].filter(
      ({ atoms, wordBytes }) => sizeOf(atoms) === size && !isFull({ atoms, characters: wordBytes }),
    );
    if (small.length < mergedBlocks) continue;
    const builder = new BlockBuilder();
    for (const block of small) {
      if (isFull(builder)) break;
      copyBlock(index, block, builder, () => true);
      deleteBlock(index, block.number);
    }
    writeBlock(index, builder.finish());
  }
}

/** Blocks of one size differ by less than a factor of four. */
function sizeOf(atoms: number): number {
  return Math.max(0, Math.floor(Math.log2(atoms / 2048) / 2));
}

/**
 * Takes what the store deleted out of the first block behind `after` that has any of it, and reads again what the store read anew. Answers
 * the number of the last block that was looked at; null when that was the last of all.
 */
export async function removeGone(main: Connection, index: Connection, after: number): Promise<number | null> {
  for (const block of readBlocks(index)) {
    if (block.number <= after) continue;
    const { gone, renewed } = compare(main, block);
    if (gone.size || renewed.length) {
      await rewrite(main, index, block, { gone, renewed });
      return block.number;
    }
  }
  return null;
}

/** A content has another digest where the store was replaced by a copy, which counts anew, and its last contents are the same. */
function compare(main: Connection, { contents, digests }: BlockHead): { gone: Set<number>; renewed: number[] } {
  const { numbers, readingVersions } = contents;
  const rows = main.all<StoredContent>(
    `SELECT number, digest, reading_version AS readingVersion FROM contents NOT INDEXED WHERE number BETWEEN ? AND ?`,
    numbers[0] ?? 0,
    numbers.at(-1) ?? 0,
  );
  const stored = new Map(rows.map((row) => [row.number, row]));
  const gone = new Set([...numbers].filter((number) => !stored.has(number)));
  const isNew = ({ digest, readingVersion }: StoredContent, at: number): boolean =>
    readingVersion !== readingVersions[at] || digest.slice(0, 16) !== digestAt(digests, at);
  const renewed = [...numbers].filter((number, at) => {
    const content = stored.get(number);
    return content !== undefined && isNew(content, at);
  });
  return { gone, renewed };
}

async function rewrite(
  main: Connection,
  index: Connection,
  block: BlockHead,
  { gone, renewed }: { gone: ReadonlySet<number>; renewed: readonly number[] },
): Promise<void> {
  const builder = new BlockBuilder();
  copyBlock(index, block, builder, (number) => !gone.has(number) && !renewed.includes(number));
  for (const number of renewed) {
    const stored = main.get<StoredContent>(
      'SELECT number, digest, reading_version AS readingVersion FROM contents WHERE number = ?',
      number,
    );
    if (stored) await addSound(builder, main, stored);
  }
  write(index, () => {
    // Merged or rewritten by another process meanwhile, perhaps of a store that took the place of this one.
    if (!index.get('SELECT 1 FROM blocks WHERE number = ?', block.number) || !belongsTo(main, index)) return;
    deleteBlock(index, block.number);
    if (!builder.isEmpty) writeBlock(index, builder.finish());
  });
}

/** Adds the contents of a stored block to a new one. */
function copyBlock(
  index: Connection,
  { number, atoms, contents, digests }: BlockHead,
  builder: BlockBuilder,
  isWanted: (content: number) => boolean,
): void {
  const { texts, words } = readBlock(index, number);
  // Between two texts one place is left out.
  const all = new Uint32Array(atoms + readTexts(texts, 0, bodyField).contents.length);
  let places = new Uint32Array(1024);
  for (const { word, places: list } of words.all()) {
    const own = builder.numberOf(word);
    const room = list.end - list.start;
    if (places.length < room) places = new Uint32Array(room);
    const count = decodePlaces(list, places);
    for (let i = 0; i < count; i++) all[places[i] ?? 0] = own;
  }
  const pieces = Array.from(contents.numbers, (): Piece[] => []);
  for (const { field } of readFields(texts)) {
    const { contents: owners, starts } = readTexts(texts, field, field);
    for (const [i, owner] of owners.entries())
      pieces[owner]?.push({ field, atoms: all.subarray(starts[i], (starts[i + 1] ?? 0) - 1) });
  }
  for (const [at, own] of pieces.entries()) {
    const content = contentAt(contents, digests, at);
    if (isWanted(content.number)) builder.add(content, own);
  }
}

function contentAt(contents: BlockContents, digests: Uint8Array, at: number): IndexedContent {
  const sentDay = contents.sentDays[at] ?? NaN;
  return {
    number: contents.numbers[at] ?? 0,
    digest: digests.subarray(at * 8, at * 8 + 8),
    readingVersion: contents.readingVersions[at] ?? 0,
    sentDay: Number.isNaN(sentDay) ? null : sentDay,
    isRegular: contents.isRegular[at] === 1,
  };
}

/** @throws Error when another version of the program has made the index anew: its texts may be others */
function write(index: Connection, work: () => void): void {
  index.database.exec('BEGIN IMMEDIATE');
  try {
    if (!isOurs(index)) throw new Error('another version of Lazaretto keeps the search index');
    work();
    index.database.exec('COMMIT');
  } catch (error) {
    if (index.database.isTransaction) index.database.exec('ROLLBACK');
    throw error;
  }
}
