// The search index of a Lazaretto that was given mail while it did not run: how long it takes to make, and what that costs. Made before
// anything is measured, because a server that makes one is busy with it.
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openConnection } from '../../../src/storage/sqlite/connection.ts';
import { indexedUpTo, indexPath, openIndexSnapshot } from '../../../src/storage/sqlite/search/index-file.ts';
import { cpuMs, rssBytes } from '../usage.ts';
import { startLazaretto } from './lazaretto.ts';

export interface IndexFigures {
  contents: number;
  ms: number;
  cpuMs: number;
  /** By how much the server was larger meanwhile than when it had just started, at the most. */
  grownBytes: number;
  diskBytes: number;
}

/** @param directory where the store and the settings file are */
export async function makeIndex(directory: string): Promise<IndexFigures> {
  const server = await startLazaretto(directory);
  const began = performance.now();
  const cpuBefore = cpuMs(server.pid);
  const rssBefore = rssBytes(server.pid);
  let rssMost = rssBefore;
  const store = storeIn(directory);
  const contents = last(store);
  while (indexed(store) < contents) {
    await wait(100);
    rssMost = Math.max(rssMost, rssBytes(server.pid));
  }
  const ms = performance.now() - began;
  const figures = { contents, ms, cpuMs: cpuMs(server.pid) - cpuBefore, grownBytes: rssMost - rssBefore };
  await server.stop();
  return { ...figures, diskBytes: statSync(indexPath(store)).size };
}

/** No server may run. */
export async function removeIndex(directory: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(indexPath(storeIn(directory)) + end, { force: true });
}

function storeIn(directory: string): string {
  return join(directory, 'data', 'quarantine.db');
}

function last(store: string): number {
  const main = openConnection(store, { readOnly: true });
  const number = main.get<{ last: number | null }>('SELECT max(number) AS last FROM contents')?.last ?? 0;
  main.close();
  return number;
}

function indexed(store: string): number {
  const main = openConnection(store, { readOnly: true });
  const index = openIndexSnapshot(store, main);
  const number = index ? indexedUpTo(index) : 0;
  index?.close();
  main.close();
  return number;
}
