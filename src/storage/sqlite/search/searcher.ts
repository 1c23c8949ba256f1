// The thread that answers searches, so that a long one keeps nobody waiting who reads or writes. Several searches take turns in it, and one
// that nobody waits for any more ends with its turn. Its connection cannot write. Started by open.ts with the first search.
import { parentPort, workerData } from 'node:worker_threads';
import { openConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { toSent } from '../errors.ts';
import type { Answer, Request, Response } from '../thread.ts';
import { runSearch } from './run-search.ts';
import type { SearchRequest } from './run-search.ts';

/** As thread.ts knows them: by their names, what they take and what they come to. */
export type SearcherOperations = {
  /** Null when the search took too long or was cancelled. */
  search: (on: never, request: SearchRequest & { ticket: number }) => Uint32Array | null;
  cancel: (on: never, ticket: number) => null;
};

export interface SearcherData {
  path: string;
}

if (parentPort) serve(parentPort, workerData as SearcherData);

function serve(port: NonNullable<typeof parentPort>, { path }: SearcherData): void {
  const send = (response: Response, transfer: ArrayBuffer[] = []): void => port.postMessage(response, transfer);
  const answer = (answered: Answer, transfer: ArrayBuffer[] = []): void =>
    send({ kind: 'answers', answers: [answered], changed: null }, transfer);
  let connection: Connection;
  try {
    connection = openConnection(path, { readOnly: true });
  } catch (error) {
    send({ kind: 'refused', error: toSent(error) });
    return port.close();
  }
  /** Searches under way, by their tickets. */
  const running = new Map<number, { cancellation: AbortController; ended: Promise<void> }>();

  async function search(id: number, request: SearchRequest, signal: AbortSignal): Promise<void> {
    try {
      const result = await runSearch(connection, path, request, signal);
      answer({ id, result }, result ? [result.buffer as ArrayBuffer] : []);
    } catch (error) {
      answer({ id, error: toSent(error) });
    }
  }

  function begin(id: number, { ticket, ...request }: SearchRequest & { ticket: number }): void {
    const cancellation = new AbortController();
    const ended = search(id, request, cancellation.signal).finally(() => running.delete(ticket));
    running.set(ticket, { cancellation, ended });
  }

  async function close(): Promise<void> {
    for (const { cancellation } of running.values()) cancellation.abort();
    await Promise.all([...running.values()].map(({ ended }) => ended));
    connection.close();
    port.close();
  }

  port.on('message', (request: Request) => {
    if (request.kind === 'close') void close();
    if (request.kind !== 'call') return;
    if (request.name === 'search') return begin(request.id, request.argument as Parameters<typeof begin>[1]);
    running.get(request.argument as number)?.cancellation.abort();
    answer({ id: request.id, result: null });
  });
  send({ kind: 'ready' });
}
