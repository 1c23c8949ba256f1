// A reading thread: answers one call after the other, each from one snapshot that holds every commit resolved before the call was made.
// Its connection cannot write. Started by open.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { getAccount, listAccounts } from './accounts.ts';
import { changesSince } from './changes.ts';
import { inSnapshot, openConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { listDomains } from './domains.ts';
import { toSent } from './errors.ts';
import { findSlice } from './find.ts';
import { contentOf, due, endedBefore, getDocument, heldBefore, leased, nextDueAt, withJobs } from './jobs.ts';
import { content, dropStatus, list, mailboxStatus, messagesByUid, readings } from './mailboxes.ts';
import { listPacked } from './packed.ts';
import { openMailbox } from './snapshot.ts';
import type { Answer, Request, Response } from './thread.ts';
import { countContents, countMessages, diskBytes, isRestored } from './upkeep.ts';

export const readerOperations = {
  openMailbox,
  mailboxStatus,
  dropStatus,
  changesSince,
  list,
  listPacked,
  readings,
  content,
  messagesByUid,
  findSlice,
  getDocument,
  contentOf,
  due,
  nextDueAt,
  leased,
  withJobs,
  heldBefore,
  endedBefore,
  listDomains,
  getAccount,
  listAccounts,
  countMessages,
  countContents,
  diskBytes,
  isRestored,
};
export type ReaderOperations = typeof readerOperations;

export interface ReaderData {
  path: string;
}

if (parentPort) serve(parentPort, workerData as ReaderData);

function serve(port: NonNullable<typeof parentPort>, { path }: ReaderData): void {
  const send = (response: Response, transfer: ArrayBuffer[] = []): void => port.postMessage(response, transfer);
  let connection: Connection;
  try {
    connection = openConnection(path, { readOnly: true });
  } catch (error) {
    send({ kind: 'refused', error: toSent(error) });
    return port.close();
  }
  port.on('message', (request: Request) => {
    if (request.kind === 'call') {
      const { answer, transfer } = answerTo(connection, request);
      send({ kind: 'answers', answers: [answer], changed: null }, transfer);
    } else if (request.kind === 'close') {
      connection.close();
      port.close();
    }
  });
  send({ kind: 'ready' });
}

function answerTo(
  connection: Connection,
  { id, name, argument }: { id: number; name: string; argument: unknown },
): { answer: Answer; transfer: ArrayBuffer[] } {
  try {
    const operation = readerOperations[name as keyof ReaderOperations] as (
      on: Connection,
      argument: unknown,
    ) => unknown;
    const result = inSnapshot(connection, () => operation(connection, argument));
    return { answer: { id, result }, transfer: buffersIn(result) };
  } catch (error) {
    return { answer: { id, error: toSent(error) }, transfer: [] };
  }
}

/** Bytes and numbers change hands instead of being copied; each operation gives them a buffer of their own for that. */
function buffersIn(result: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(result)) return result.buffer instanceof ArrayBuffer ? [result.buffer] : [];
  const isObject = typeof result === 'object' && result !== null && !Array.isArray(result);
  return isObject ? Object.values(result).flatMap(buffersIn) : [];
}
