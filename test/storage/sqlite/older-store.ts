// The same rows as an older version of Lazaretto would have written them.
import assert from 'node:assert/strict';
import { openConnection } from '../../../src/storage/sqlite/connection.ts';
import { migrate, migrations } from '../../../src/storage/sqlite/migrations.ts';
import { fromStoredReading, readReading } from '../../../src/storage/sqlite/prepared.ts';

/** Nothing may be open any more. */
export function copyIntoVersion(version: number, from: string, to: string): void {
  const newer = openConnection(from, { readOnly: true });
  const connection = openConnection(to, { readOnly: false });
  const { database } = connection;
  migrate(connection, migrations.slice(0, version));
  database.prepare('ATTACH ? AS newer').run(from);
  database.exec('PRAGMA foreign_keys = OFF; BEGIN');
  for (const name of connection.column<string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`)) {
    const columns = connection.column<string>('SELECT name FROM pragma_table_info(?)', name).join(', ');
    database.exec(`INSERT OR REPLACE INTO main.${name} (${columns}) SELECT ${columns} FROM newer.${name}`);
  }
  // The triggers have counted what was counted already.
  database.exec(
    'UPDATE contents SET referrers = (SELECT referrers FROM newer.contents WHERE number = main.contents.number)',
  );
  // Up to version 4 a reading was one piece of JSON.
  for (const digest of connection.column<string>('SELECT digest FROM contents')) {
    const reading = readReading(newer, digest);
    assert.ok(reading);
    connection.run(
      'UPDATE contents SET reading = ? WHERE digest = ?',
      JSON.stringify(fromStoredReading(reading)),
      digest,
    );
  }
  database.exec('COMMIT');
  assert.equal(connection.get<{ user_version: number }>('PRAGMA user_version')?.user_version, version);
  connection.close();
  newer.close();
}
