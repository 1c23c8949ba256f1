// A place for a SQLite file, and single connections to it without threads, for tests of what only this driver promises.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../../src/quarantine/ports.ts';
import { openConnection, setDurable } from '../../../src/storage/sqlite/connection.ts';
import type { Connection } from '../../../src/storage/sqlite/connection.ts';
import { migrate } from '../../../src/storage/sqlite/migrations.ts';

export interface LogLine {
  level: string;
  fields: object;
  text: string;
}

export interface TemporaryStore extends Disposable {
  directory: string;
  path: string;
  logged: LogLine[];
  log: Log;
  /** A connection that writes, to a store with the newest schema. */
  connect(): Connection;
}

export function temporaryStore(): TemporaryStore {
  const directory = mkdtempSync(join(tmpdir(), 'lazaretto-sqlite-'));
  const path = join(directory, 'quarantine.db');
  const logged: LogLine[] = [];
  const connections: Connection[] = [];
  const keep = (level: string) => (fields: object, text: string) => void logged.push({ level, fields, text });
  return {
    directory,
    path,
    logged,
    log: { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') },
    connect() {
      const connection = openConnection(path, { readOnly: false });
      connections.push(connection);
      setDurable(connection);
      migrate(connection);
      return connection;
    },
    [Symbol.dispose]() {
      for (const { database } of connections) if (database.isOpen) database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
