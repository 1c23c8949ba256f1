// Moves what an older version of the program prepared, as a part of each reading's JSON, to where it stands now (prepared.ts), and tells the
// messages their content's number. A store of a million messages takes minutes for that, so it is done a few contents at a time, newest
// first, beside the server's work; until then such messages are listed from their readings. Any process may do the next step. Driven by
// open.ts, each step runs in the writer's transaction.
import type { Reading } from '../../quarantine/reading/reading.ts';
import type { Connection } from './connection.ts';
import { isWhole, storePrepared, toSentReading } from './prepared.ts';
import type { Write, Written } from './write.ts';

/** Contents of one step, which takes some 10 ms. */
const contentsPerStep = 100;

/** Moves the next contents; answers whether there are more. */
export function moveOlderReadings({ connection }: Write): Written<{ more: boolean }> {
  const left = connection.get<{ value: number }>(`SELECT value FROM store WHERE name = 'unprepared'`);
  if (!left) return { result: { more: false }, changed: [] };
  const rows = connection.all<StoredContent>(
    `SELECT number, digest, reading FROM contents WHERE number <= ? ORDER BY number DESC LIMIT ${contentsPerStep}`,
    left.value,
  );
  for (const row of rows) move(connection, row);
  const last = rows.at(-1);
  const more = last !== undefined && rows.length === contentsPerStep;
  if (more) connection.run(`UPDATE store SET value = ? WHERE name = 'unprepared'`, last.number - 1);
  else connection.run(`DELETE FROM store WHERE name = 'unprepared'`);
  return { result: { more }, changed: [] };
}

interface StoredContent {
  number: number;
  digest: string;
  reading: string;
}

function move(connection: Connection, { number, digest, reading }: StoredContent): void {
  connection.run('UPDATE messages SET content_number = ? WHERE content = ?', number, digest);
  const parsed = parseIfPossible(reading);
  // A newer reading may have replaced the older one meanwhile.
  if (!parsed || !isWhole(parsed)) return;
  const sent = toSentReading(parsed);
  storePrepared(connection, number, sent);
  connection.run('UPDATE contents SET reading = ? WHERE number = ?', sent.rest, number);
}

/** What is damaged stays as it is: `store verify` tells it, and it must not keep the others from being moved. */
function parseIfPossible(reading: string): Partial<Reading> | null {
  try {
    return JSON.parse(reading) as Partial<Reading>;
  } catch {
    return null;
  }
}
