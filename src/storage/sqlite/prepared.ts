// What is prepared of a message for the wire (reading.ts), in tables of its own with a few hundred bytes in a row: a list of messages reads
// them in one sweep and hands them over as they are (packed.ts). A row holds one or two values, packed: the length of each in four bytes,
// little-endian, and its bytes. Everything else of a reading is JSON beside the content. What an older version of the program stored is JSON
// as a whole until it is moved (older-readings.ts).
import type { Reading } from '../../quarantine/reading/reading.ts';
import type { Connection } from './connection.ts';

/** Which value stands in which table, in the order in which they are packed. */
export const preparedTables = {
  prepared_structures: ['envelope', 'bodyStructure'],
  prepared_headers: ['listHeader'],
} as const;
export type PreparedTable = keyof typeof preparedTables;
export type PreparedValue = (typeof preparedTables)[PreparedTable][number];

/** A reading in parts, ready to be stored. */
export interface SentReading {
  version: Reading['version'];
  /** JSON of what is not packed. */
  rest: string;
  headerBytes: number;
  structures: Uint8Array;
  /** Null when the reading has no list header. */
  headers: Uint8Array | null;
}

/** Before each packed value. */
export const lengthBytes = 4;

export function toSentReading(reading: Reading): SentReading {
  const { envelope, bodyStructure, listHeader, ...rest } = reading;
  return {
    version: reading.version,
    rest: JSON.stringify(rest),
    headerBytes: reading.headerBytes,
    structures: packed([envelope, bodyStructure]),
    headers: listHeader === null ? null : packed([listHeader]),
  };
}

/** A reading as it is stored; what an older version of the program stored has all of it in `rest`. */
export interface StoredReading {
  rest: string;
  structures: Uint8Array | null;
  headers: Uint8Array | null;
}

export function fromStoredReading({ rest, structures, headers }: StoredReading): Reading {
  const parsed = JSON.parse(rest) as Omit<Reading, PreparedValue> & Partial<Reading>;
  if (isWhole(parsed)) return parsed;
  if (!structures) throw new Error('what is prepared of a content is missing');
  const [envelope = '', bodyStructure = ''] = unpacked(structures);
  const [listHeader = null] = headers ? unpacked(headers) : [];
  return { ...parsed, envelope, bodyStructure, listHeader };
}

/** An older version of the program stored it. */
export function isWhole(parsed: Partial<Reading>): parsed is Reading {
  return parsed.envelope !== undefined;
}

/** Wire strings hold one byte per character. In memory of its own, because all of it goes to the writer thread. */
function packed(values: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(values.reduce((sum, { length }) => sum + lengthBytes + length, 0));
  let at = 0;
  for (const value of values) {
    at = bytes.writeUInt32LE(value.length, at);
    at += bytes.write(value, at, 'latin1');
  }
  return bytes;
}

function unpacked(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: string[] = [];
  for (let at = 0; at < buffer.length;) {
    const start = at + lengthBytes;
    at = start + buffer.readUInt32LE(at);
    values.push(buffer.toString('latin1', start, at));
  }
  return values;
}

/** Stores the packed parts of a content's reading, or replaces them. */
export function storePrepared(connection: Connection, content: number, reading: SentReading): void {
  const { headerBytes, structures, headers } = reading;
  connection.run(
    'REPLACE INTO prepared_structures (content, header_bytes, packed) VALUES (?, ?, ?)',
    content,
    headerBytes,
    structures,
  );
  if (headers) connection.run('REPLACE INTO prepared_headers (content, packed) VALUES (?, ?)', content, headers);
  else connection.run('DELETE FROM prepared_headers WHERE content = ?', content);
}

/** The reading of a content; null when it is not there. */
export function readReading(connection: Connection, digest: string): StoredReading | null {
  const row = connection.get<StoredReading>(
    `SELECT reading AS rest, prepared_structures.packed AS structures, prepared_headers.packed AS headers
       FROM contents LEFT JOIN prepared_structures ON prepared_structures.content = contents.number
       LEFT JOIN prepared_headers ON prepared_headers.content = contents.number
      WHERE digest = ?`,
    digest,
  );
  return row ?? null;
}
