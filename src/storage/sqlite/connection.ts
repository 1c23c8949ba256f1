// One SQLite connection with its prepared statements and the settings that durability rests on. Synchronous: it is used only inside the
// driver's threads (writer.ts, reader.ts) and by tests that look at single statements.
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { PermanentError } from '../../quarantine/errors.ts';

export type Bound = SQLInputValue;

export interface Connection {
  readonly database: DatabaseSync;
  /** The first row of a query. */
  get<Row>(sql: string, ...values: Bound[]): Row | undefined;
  all<Row>(sql: string, ...values: Bound[]): Row[];
  /** Row after row, as they are asked for; whoever has enough may stop. */
  each<Row>(sql: string, ...values: Bound[]): Iterable<Row>;
  /** The first column of all rows. */
  column<Value>(sql: string, ...values: Bound[]): Value[];
  /** Runs a writing statement; answers how many rows it changed. */
  run(sql: string, ...values: Bound[]): number;
  /** Runs a writing statement with values by name. */
  runNamed(sql: string, values: Record<string, Bound>): number;
  /** Everything that was prepared so far, for the test that asks for their query plans. */
  statements(): string[];
  close(): void;
}

/** How long one process waits for another one's commit. A commit of ten thousand messages takes about a second. */
const busyTimeoutMs = 15_000;
const sqliteBusy = 5;
const sqliteNotADatabase = 26;

export function openConnection(path: string, { readOnly }: { readOnly: boolean }): Connection {
  const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  // Prepared without a limit: the driver's statements are some hundred at most, none is made of values.
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    let found = prepared.get(sql);
    if (!found) {
      found = database.prepare(sql);
      prepared.set(sql, found);
    }
    return found;
  };
  database.exec('PRAGMA cache_size = -16000');
  return {
    database,
    get: <Row>(sql: string, ...values: Bound[]) => statement(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: Bound[]) => statement(sql).all(...values) as Row[],
    each: <Row>(sql: string, ...values: Bound[]) => statement(sql).iterate(...values) as Iterable<Row>,
    column: <Value>(sql: string, ...values: Bound[]) =>
      statement(sql)
        .all(...values)
        .map((row) => Object.values(row)[0] as Value),
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    runNamed: (sql, values) => Number(statement(sql).run(values).changes),
    statements: () => [...prepared.keys()],
    close: () => database.close(),
  };
}

/** @throws PermanentError when the file that the settings name is no database at all: trying again does not help */
export function openStoreFile(path: string, options: { readOnly: boolean }): Connection {
  try {
    return openConnection(path, options);
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteNotADatabase)) throw error;
    throw new PermanentError(
      'The file of the store is not a database, or its beginning is damaged. Put a backup in its place, or name another file.',
    );
  }
}

/** What the writing connection is set to. Durable means: each commit is on the disk before it is answered. */
export function setDurable({ database }: Connection): void {
  waitWhileBusy(() => database.exec('PRAGMA journal_mode = WAL'));
  database.exec('PRAGMA synchronous = FULL');
  // A write-ahead log that one huge commit made large is cut back to this when it is reused.
  database.exec('PRAGMA journal_size_limit = 67108864');
}

/** Runs `read` against one snapshot of the store. */
export function inSnapshot<T>(connection: Connection, read: () => T): T {
  connection.database.exec('BEGIN');
  try {
    return read();
  } finally {
    // Nothing was written, so there is nothing to keep; ROLLBACK never waits for anybody.
    if (connection.database.isTransaction) connection.database.exec('ROLLBACK');
  }
}

/** SQLite does not wait by itself where two processes switch a new file to write-ahead logging at the same moment. */
function waitWhileBusy(action: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const until = Date.now() + busyTimeoutMs;
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || Date.now() > until) throw error;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === sqliteBusy;
}
