// The file of the search index beside the store, such as quarantine-search.db: what it is called, what is in it, and whether it belongs to
// this store and this version of the program. It holds nothing that the store does not, and is made anew when it does not fit. It is
// written by one thread (indexer.ts) and read by each search (run-search.ts).
//
// It consists of blocks, each for some hundred or thousand contents (block-builder.ts, block.ts). Their texts are cut into words
// (atoms.ts); a block has each different word once, sorted, with all places where it stands. A needle within a word is looked for in the list
// of words, one of several words is a row of places (find-text.ts). Blocks are never changed, only merged and replaced (index-rounds.ts).
//
// Why not SQLite's FTS5 with trigrams: measured on 20,000 messages, it takes 20 kB for each of them and answers a search in 84 ms (one
// word) to 206 ms (a sentence that most of them have), several times the room and the time of this index; it cannot find texts of one or two
// characters, such as most Japanese words; and with detail=none, 2.5 kB each, it finds what is not there. Nor would it know when to fold
// letters as match.ts does, which has to find the same.
import { existsSync, rmSync } from 'node:fs';
import { READING_VERSION } from '../../../quarantine/reading/reading.ts';
import { SEARCH_TEXT_VERSION } from '../../../quarantine/search/message-text.ts';
import { openConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { makePrivate } from '../private-file.ts';
import type { Block, PageEntry } from './block-builder.ts';
import { BlockWords, readContents } from './block.ts';
import type { BlockContents } from './block.ts';

/** What the texts and their folding depend on; Unicode's tables come with Node. */
const version = [1, SEARCH_TEXT_VERSION, READING_VERSION, process.versions.unicode].join('/');

/** `LZRS`. */
const applicationId = 0x4c5a5253;

const schema = `
PRAGMA application_id = ${applicationId};
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- AUTOINCREMENT: a reader must never take the places of one block for another's.
CREATE TABLE blocks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  atoms INTEGER NOT NULL,
  first_content INTEGER NOT NULL,
  last_content INTEGER NOT NULL,
  contents BLOB NOT NULL,
  digests BLOB NOT NULL,
  texts BLOB NOT NULL,
  pages TEXT NOT NULL,
  words BLOB NOT NULL
) STRICT;
-- number: that of the block.
CREATE TABLE places (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
-- number: that of the block, then the rank of the word.
CREATE TABLE long_lists (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
`;

const listNumber = (block: number, rank: number): number => block * 2 ** 24 + rank;

/** Where the index of a store is. */
export function indexPath(store: string): string {
  return `${store.replace(/\.(db|sqlite3?)$/, '')}-search.db`;
}

/** Opens the index for writing; a new one in the place of one that does not fit. */
export function openIndex(store: string): Connection {
  const path = indexPath(store);
  makePrivate(path);
  const connection = openConnection(path, { readOnly: false });
  const { database } = connection;
  try {
    database.exec('PRAGMA page_size = 16384; PRAGMA journal_mode = WAL');
    // What a power loss takes is indexed again. NORMAL keeps the file whole.
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864');
    database.exec('BEGIN IMMEDIATE');
    if (!hasTables(connection) || !isOurs(connection)) makeAnew(connection);
    database.exec('COMMIT');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** @throws Error when it is another program's database */
function makeAnew(connection: Connection): void {
  const { database } = connection;
  const application = connection.get<{ application_id: number }>('PRAGMA application_id')?.application_id;
  if (hasTables(connection) && application !== applicationId)
    throw new Error("the file of the search index is another program's database");
  const tables = database.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  );
  for (const { name } of tables.all()) database.exec(`DROP TABLE "${String(name)}"`);
  database.exec(schema);
  writeMeta(connection, 'version', version);
  writeMeta(connection, 'upto', 0);
}

/** Whether it is an index of this version. */
export function isOurs(connection: Connection): boolean {
  const hasMeta = connection.get(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'`);
  return hasMeta !== undefined && readMeta(connection, 'version') === version;
}

function hasTables(connection: Connection): boolean {
  return connection.get(`SELECT 1 FROM sqlite_schema WHERE type = 'table' LIMIT 1`) !== undefined;
}

/** Opens the index for one search, in a snapshot that lasts until it is closed; null when there is none that fits. */
export function openIndexSnapshot(store: string, main: Connection): Connection | null {
  const path = indexPath(store);
  if (!existsSync(path)) return null;
  const connection = openConnection(path, { readOnly: true });
  try {
    connection.database.exec('BEGIN');
    if (isOurs(connection) && belongsTo(main, connection)) return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
  connection.close();
  return null;
}

/** Removes an index that cannot be read. This process must have closed it. */
export function removeIndex(store: string): void {
  rmSync(indexPath(store), { force: true });
  removeLogs(store);
}

/** Removes what SQLite kept beside an index that is gone. */
export function removeLogs(store: string): void {
  for (const end of ['-wal', '-shm']) rmSync(indexPath(store) + end, { force: true });
}

function readMeta(connection: Connection, name: string): unknown {
  return connection.get<{ value: unknown }>('SELECT value FROM meta WHERE name = ?', name)?.value;
}

function writeMeta(connection: Connection, name: string, value: string | number): void {
  connection.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, value);
}

/** Contents up to this number are in the index, unless they were deleted. */
export function indexedUpTo(index: Connection): number {
  return Number(readMeta(index, 'upto'));
}

/** Begins or goes on with the index of this store: contents up to `number` are in it. */
export function noteIndexed(main: Connection, index: Connection, number: number): void {
  writeMeta(index, 'upto', number);
  writeMeta(index, 'store', firstUidValidity(main));
}

/** Forgets everything. */
export function emptyIndex(index: Connection): void {
  index.run('DELETE FROM blocks');
  index.run('DELETE FROM places');
  index.run('DELETE FROM long_lists');
  writeMeta(index, 'upto', 0);
}

/** Some may be missing in the index, because they are damaged; more than this are a reason to make it anew. */
const comparedContents = 20;

/**
 * Whether the index was made of this store: the file of the store may have been replaced by a backup, which gives the same numbers to other
 * contents. Then it gave fewer numbers than the index knows, or its last content among those is another one. Asked by every search.
 */
export function belongsTo(main: Connection, index: Connection): boolean {
  const upTo = indexedUpTo(index);
  if (upTo === 0) return true;
  if (readMeta(index, 'store') !== firstUidValidity(main)) return false;
  const given = main.get<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'contents'`)?.seq ?? 0;
  if (given < upTo) return false;
  const last = main.all<{ number: number; digest: string }>(
    `SELECT number, digest FROM contents WHERE number <= ? ORDER BY number DESC LIMIT ${comparedContents}`,
    upTo,
  );
  for (const { number, digest } of last) {
    const known = digestInIndex(index, number);
    if (known !== null) return known === digest.slice(0, 16);
  }
  return last.length < comparedContents;
}

function firstUidValidity(main: Connection): number {
  return main.get<{ value: number }>(`SELECT value FROM store WHERE name = 'uid_validity'`)?.value ?? 0;
}

function digestInIndex(index: Connection, number: number): string | null {
  const blocks = index.all<{ contents: Uint8Array; digests: Uint8Array }>(
    'SELECT contents, digests FROM blocks WHERE first_content <= ? AND last_content >= ?',
    number,
    number,
  );
  for (const { contents, digests } of blocks) {
    const at = readContents(contents).numbers.indexOf(number);
    if (at >= 0) return digestAt(digests, at);
  }
  return null;
}

/** The first 16 digits of a content's digest. */
export function digestAt(digests: Uint8Array, at: number): string {
  return Buffer.from(digests.subarray(at * 8, at * 8 + 8)).toString('hex');
}

export interface BlockHead {
  number: number;
  atoms: number;
  wordBytes: number;
  contents: BlockContents;
  digests: Uint8Array;
}

/** The blocks that have contents between these numbers, oldest first. */
export function* readBlocks(index: Connection, from = 0, to = Number.MAX_SAFE_INTEGER): Generator<BlockHead> {
  const rows = index.all<Omit<BlockHead, 'contents'> & { contents: Uint8Array }>(
    `SELECT number, atoms, length(words) AS wordBytes, contents, digests FROM blocks
      WHERE last_content >= ? AND first_content <= ? ORDER BY number`,
    from,
    to,
  );
  for (const row of rows) yield { ...row, contents: readContents(row.contents) };
}

/** What a search reads of one block. */
export function readBlock(index: Connection, block: number): { texts: Uint8Array; words: BlockWords } {
  const row = index.get<{ texts: Uint8Array; pages: string; words: Uint8Array }>(
    'SELECT texts, pages, words FROM blocks WHERE number = ?',
    block,
  );
  if (!row) throw new Error(`block ${block} of the search index is missing`);
  const words = Buffer.from(row.words.buffer, row.words.byteOffset, row.words.length);
  let places: Uint8Array | undefined;
  return {
    texts: row.texts,
    words: new BlockWords(words, JSON.parse(row.pages) as PageEntry[], {
      get places() {
        return (places ??= readList(index, 'places', block));
      },
      longList: (rank) => readList(index, 'long_lists', listNumber(block, rank)),
    }),
  };
}

function readList(index: Connection, table: 'places' | 'long_lists', number: number): Uint8Array {
  const found = index.get<{ bytes: Uint8Array }>(`SELECT bytes FROM ${table} WHERE number = ?`, number);
  if (!found) throw new Error('places of the search index are missing');
  return found.bytes;
}

export function writeBlock(index: Connection, block: Block): void {
  const { numbers } = readContents(block.contents);
  index.run(
    `INSERT INTO blocks (atoms, first_content, last_content, contents, digests, texts, pages, words)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    block.atoms,
    numbers[0] ?? 0,
    numbers.at(-1) ?? 0,
    block.contents,
    block.digests,
    block.texts,
    JSON.stringify(block.pages),
    block.words,
  );
  const number = index.get<{ number: number }>('SELECT last_insert_rowid() AS number')?.number ?? 0;
  index.run('INSERT INTO places VALUES (?, ?)', number, block.places);
  for (const { rank, places } of block.longLists)
    index.run('INSERT INTO long_lists VALUES (?, ?)', listNumber(number, rank), places);
}

export function deleteBlock(index: Connection, block: number): void {
  index.run('DELETE FROM blocks WHERE number = ?', block);
  index.run('DELETE FROM places WHERE number = ?', block);
  index.run('DELETE FROM long_lists WHERE number BETWEEN ? AND ?', listNumber(block, 0), listNumber(block + 1, 0) - 1);
}
