// The one writing thread. Everything that came in while the disk was busy is run in one transaction, each operation in a savepoint of its
// own, and answered after its one COMMIT: a hundred deliveries at once cost one flush. An operation that throws undoes only itself.
// It also looks for commits of other processes while somebody wants to know. Started by open.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { markGreeted, putAccount, removeAccount } from './accounts.ts';
import { openStoreFile, setDurable } from './connection.ts';
import type { Connection } from './connection.ts';
import { keepContent } from './contents.ts';
import { putDomain, removeDomain } from './domains.ts';
import { toSent } from './errors.ts';
import type { SentError } from './errors.ts';
import { forget } from './jobs.ts';
import { commit, insert } from './messages.ts';
import { checkVersion, migrate } from './migrations.ts';
import { deleteMarkedContents, markContents, removeChunks } from './purge.ts';
import { moveOlderReadings } from './older-readings.ts';
import type { Answer, Request, Response } from './thread.ts';
import { checkFinished } from './unfinished.ts';
import { markRestored, raiseUidValidity, settled } from './upkeep.ts';
import type { Write, Written } from './write.ts';

export const writerOperations = {
  insert,
  commit,
  keepContent,
  putDomain,
  removeDomain,
  putAccount,
  markGreeted,
  removeAccount,
  forget,
  markContents,
  deleteMarkedContents,
  removeChunks,
  moveOlderReadings,
  markRestored,
  raiseUidValidity,
  settled,
};
export type WriterOperations = typeof writerOperations;

export interface WriterData {
  path: string;
  uidLimit: number;
  pollMs: number;
}

interface Call {
  id: number;
  name: string;
  argument: unknown;
}

/** More than this wait for the next transaction, so that the first of them is not answered late. */
const callsPerCommit = 500;

if (parentPort) serve(parentPort, workerData as WriterData);

function serve(port: NonNullable<typeof parentPort>, { path, uidLimit, pollMs }: WriterData): void {
  const send = (response: Response): void => port.postMessage(response);
  let connection: Connection;
  try {
    connection = openStore(path);
  } catch (error) {
    send({ kind: 'refused', error: toSent(error) });
    return port.close();
  }
  const write: Write = { connection, uidLimit };
  const queue: Call[] = [];
  let poll: NodeJS.Timeout | undefined;
  // Never reset: a commit between opening and the first look is noticed by the first look.
  let version = dataVersion(connection);
  let scheduled = false;

  function work(): void {
    scheduled = false;
    const calls = queue.splice(0, callsPerCommit);
    if (calls.length) send({ kind: 'answers', ...commitTogether(write, calls) });
    if (queue.length) schedule();
  }

  /** Not at once: what else has arrived by now joins the same transaction. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(work);
  }

  function look(): void {
    try {
      const now = dataVersion(connection);
      if (now !== version) send({ kind: 'changed' });
      version = now;
    } catch {
      // Out of reach for a moment; the next look sees what this one missed.
    }
  }

  port.on('message', (request: Request) => {
    switch (request.kind) {
      case 'call':
        queue.push(request);
        schedule();
        break;
      case 'watch':
        clearInterval(poll);
        if (request.watching) {
          look();
          poll = setInterval(look, pollMs);
        }
        break;
      case 'close':
        clearInterval(poll);
        while (queue.length) work();
        connection.close();
        port.close();
    }
  });
  send({ kind: 'ready' });
}

function openStore(path: string): Connection {
  const connection = openStoreFile(path, { readOnly: false });
  // Before anything is written: the file may be another program's.
  checkVersion(connection);
  checkFinished(connection);
  setDurable(connection);
  migrate(connection);
  return connection;
}

/** Changes when another connection, of this process or another, has committed; own commits leave it alone. */
function dataVersion(connection: Connection): number {
  return connection.get<{ data_version: number }>('PRAGMA data_version')?.data_version ?? 0;
}

export function commitTogether(
  write: Write,
  calls: readonly Call[],
): { answers: Answer[]; changed: string[] | 'all' | null } {
  const { database } = write.connection;
  const answers: Answer[] = [];
  const changed = new Set<string>();
  let wrote = false;
  try {
    database.exec('BEGIN IMMEDIATE');
    for (const call of calls) {
      const outcome = runOne(write, call);
      if ('error' in outcome) {
        answers.push({ id: call.id, error: outcome.error });
        continue;
      }
      wrote = true;
      for (const key of outcome.changed === 'all' ? ['*'] : outcome.changed) changed.add(key);
      answers.push({ id: call.id, result: outcome.result });
    }
    database.exec('COMMIT');
    return { answers, changed: wrote ? (changed.has('*') ? 'all' : [...changed]) : null };
  } catch (error) {
    // The transaction as a whole failed: nothing of it is stored, not even what had gone well.
    if (database.isTransaction) database.exec('ROLLBACK');
    const sent = toSent(error);
    return { answers: calls.map(({ id }) => ({ id, error: sent })), changed: null };
  }
}

/** @throws when SQLite gave up the whole transaction (no room, no disk), so that the others' work is lost too */
function runOne({ connection, uidLimit }: Write, { name, argument }: Call): Written<unknown> | { error: SentError } {
  const { database } = connection;
  database.exec('SAVEPOINT operation');
  try {
    const operation = writerOperations[name as keyof WriterOperations] as (on: Write, of: unknown) => Written<unknown>;
    const outcome = operation({ connection, uidLimit }, argument);
    database.exec('RELEASE operation');
    return outcome;
  } catch (error) {
    if (!database.isTransaction) throw error;
    database.exec('ROLLBACK TO operation; RELEASE operation');
    return { error: toSent(error) };
  }
}
