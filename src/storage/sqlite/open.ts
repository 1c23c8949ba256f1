// Opens a SQLite store: makes file and directory private, starts the threads, hands out the port. Called through open-storage.ts.
import { resolve } from 'node:path';
import type { Log, Storage } from '../../quarantine/ports.ts';
import { largestUid } from '../shown.ts';
import { createWatchers } from '../watchers.ts';
import type { Watchers } from '../watchers.ts';
import { startMove } from './background-move.ts';
import { makePrivate } from './private-file.ts';
import type { ReaderData, ReaderOperations } from './reader.ts';
import type { IndexerData, IndexerOperations } from './search/indexer.ts';
import { startIndexing } from './search/indexing.ts';
import type { SearcherData, SearcherOperations } from './search/searcher.ts';
import { createStorage } from './storage.ts';
import { Thread } from './thread.ts';
import type { WriterData, WriterOperations } from './writer.ts';

export interface SqliteOptions {
  log: Log;
  /** How often commits of other processes are looked for, while somebody listens. Default 200 ms. */
  pollMs?: number;
  /** Largest UID before UIDVALIDITY rises. Default: the largest that IMAP allows. */
  uidLimit?: number;
}

const readerCount = 2;

/**
 * @throws PermanentError the file is not ours, or a newer version of Lazaretto wrote it
 * @throws TemporaryError the file or its directory cannot be used
 */
export async function openSqlite(path: string, options: SqliteOptions): Promise<Storage> {
  const { log } = options;
  const file = resolve(path);
  makePrivate(file);
  const watchers = createWatchers(log, (used) => writer.watch(used));
  const writer = createWriter(file, options, watchers);
  await writer.open();
  // They start with the first call that needs them: most commands of the command line need one at most.
  const readers = Array.from({ length: readerCount }, (_, i) => createReader(file, `reader ${i + 1}`, log));
  const index = (): (() => Promise<void>) => startIndexing(createIndexer(file, log), { watchers, log });
  const storage = createStorage({
    writer,
    readers,
    searcher: createSearcher(file, log),
    watchers,
    startIndexing: index,
  });
  const move = startMove(writer, log);
  return {
    ...storage,
    async close() {
      const stopped = move.stop();
      await storage.close();
      await stopped;
    },
  };
}

function createWriter(file: string, options: SqliteOptions, watchers: Watchers): Thread<WriterOperations> {
  return new Thread<WriterOperations>({
    name: 'writer',
    file: new URL('./writer.ts', import.meta.url),
    workerData: {
      path: file,
      uidLimit: options.uidLimit ?? largestUid,
      pollMs: options.pollMs ?? 200,
    } satisfies WriterData,
    log: options.log,
    onChanged: (changed) => watchers.tell(changed),
  });
}

function createReader(file: string, name: string, log: Log): Thread<ReaderOperations> {
  return new Thread<ReaderOperations>({
    name,
    file: new URL('./reader.ts', import.meta.url),
    workerData: { path: file } satisfies ReaderData,
    log,
    onChanged: () => undefined,
  });
}

function createSearcher(file: string, log: Log): Thread<SearcherOperations> {
  return new Thread<SearcherOperations>({
    name: 'searcher',
    file: new URL('./search/searcher.ts', import.meta.url),
    workerData: { path: file } satisfies SearcherData,
    log,
    onChanged: () => undefined,
  });
}

function createIndexer(file: string, log: Log): Thread<IndexerOperations> {
  return new Thread<IndexerOperations>({
    name: 'indexer',
    file: new URL('./search/indexer.ts', import.meta.url),
    workerData: { path: file } satisfies IndexerData,
    // It makes many short-lived texts; with more room for them it would only take more.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
    log,
    onChanged: () => undefined,
  });
}
