// Turns SQLite's errors into the domain's, and carries errors from the driver's threads to their callers: an error loses its class on the
// way, so it travels as plain data. No text for people holds a path or SQL; that travels in `cause`.
import { PermanentError, Refusal, StaleError, TemporaryError } from '../../quarantine/errors.ts';
import type { RefusalCode } from '../../quarantine/errors.ts';

export interface SentError {
  kind: 'refusal' | 'temporary' | 'permanent' | 'stale' | 'other';
  text: string;
  code?: RefusalCode;
  stack?: string;
  /** Message of what lies underneath. */
  cause?: string;
}

const busy = 'The quarantine is busy just now. Please try again in a moment.';
const full = 'The quarantine has no room left on its disk just now. Please try again later.';
const unreachable = 'The quarantine cannot reach its stored mail just now. Please try again later.';

/** Primary result codes (sqlite.org/rescode.html) that may pass, by themselves or because somebody repairs the disk or the file. */
const passing = new Map<number, string>([
  [5, busy], // SQLITE_BUSY
  [6, busy], // SQLITE_LOCKED
  [7, unreachable], // SQLITE_NOMEM
  [8, unreachable], // SQLITE_READONLY
  [9, unreachable], // SQLITE_INTERRUPT
  [10, unreachable], // SQLITE_IOERR
  [11, unreachable], // SQLITE_CORRUPT
  [13, full], // SQLITE_FULL
  [14, unreachable], // SQLITE_CANTOPEN
  [15, unreachable], // SQLITE_PROTOCOL
  [26, unreachable], // SQLITE_NOTADB
]);

/** What a caller is told about an error that SQLite (or the file system below it) reported; other errors come back as they are. */
export function fromSqlite(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  const text = passing.get(Number(error.errcode) & 0xff);
  return text ? new TemporaryError(text, { cause: error }) : error;
}

export function toSent(thrown: unknown): SentError {
  const error = fromSqlite(thrown);
  if (!(error instanceof Error)) return { kind: 'other', text: String(error) };
  const sent: SentError = { kind: kindOf(error), text: error.message, stack: error.stack };
  if (error instanceof Refusal) sent.code = error.code;
  if (error.cause instanceof Error) sent.cause = `${error.cause.message}${sqliteCode(error.cause)}`;
  return sent;
}

export function fromSent(sent: SentError): Error {
  const options = sent.cause === undefined ? undefined : { cause: new Error(sent.cause) };
  switch (sent.kind) {
    case 'refusal':
      return new Refusal(sent.code ?? 'CANNOT', sent.text, options);
    case 'temporary':
      return new TemporaryError(sent.text, options);
    case 'permanent':
      return new PermanentError(sent.text, options);
    case 'stale':
      return new StaleError(sent.text, options);
    case 'other': {
      const error = new Error(sent.text, options);
      if (sent.stack) error.stack = sent.stack;
      return error;
    }
  }
}

function kindOf(error: Error): SentError['kind'] {
  if (error instanceof Refusal) return 'refusal';
  if (error instanceof TemporaryError) return 'temporary';
  if (error instanceof PermanentError) return 'permanent';
  return error instanceof StaleError ? 'stale' : 'other';
}

function sqliteCode(error: Error): string {
  return 'errcode' in error ? ` (SQLite result code ${String(error.errcode)})` : '';
}
