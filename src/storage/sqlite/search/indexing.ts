// Drives the indexer: soon after every commit it indexes what came in, and every day it takes out what was deleted. Started by the process
// that serves mail programs, as long as it runs. A commit that comes while it works is seen to when that is done.
import type { Log } from '../../../quarantine/ports.ts';
import type { Watchers } from '../../watchers.ts';
import type { Thread } from '../thread.ts';
import type { IndexerOperations } from './indexer.ts';

/** A server that starts lets people in first; and a process that soon ends needs no index. */
const startMs = 1000;
/** What comes in together is indexed together; until then searches read it. */
const settleMs = 250;
const retryMs = 30_000;
/** What was deleted is out of the index a day later at the latest; the rest is for the work that this is. */
const sweepMs = 20 * 3_600_000;

/** Answers how to stop. */
export function startIndexing(
  indexer: Thread<IndexerOperations>,
  { watchers, log }: { watchers: Watchers; log: Log },
): () => Promise<void> {
  let isStopped = false;
  let isStale = true;
  let isSweepDue = true;
  let hasFailed = false;
  /** Since when a whole block's worth of mail, or more, is being indexed. */
  let longSince: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | null = null;

  async function indexAll(): Promise<void> {
    while (isStale && !isStopped) {
      isStale = false;
      for (let more = true; more && !isStopped;) {
        more = await indexer.call('indexNew', undefined);
        if (more) noteBegin();
      }
    }
    noteEnd();
  }

  /** What a few seconds make up for is nothing to tell; the index of a whole store is, and people who search wait for it. */
  function noteBegin(): void {
    if (longSince !== null) return;
    longSince = performance.now();
    log.info({ event: 'storage' }, 'the search index is being made; until it is, searches read the mail itself');
  }

  function noteEnd(): void {
    if (longSince === null || isStopped) return;
    log.info(
      { event: 'storage', durationMs: Math.round(performance.now() - longSince) },
      'the search index is complete',
    );
    longSince = null;
  }

  async function sweep(): Promise<void> {
    isSweepDue = false;
    for (let after: number | null = 0; after !== null && !isStopped;) {
      after = await indexer.call('removeGone', after);
      // New mail does not wait for all of this; and a file that somebody removed, or was found damaged just now, is filled again.
      isStale = true;
      await indexAll();
    }
  }

  /** Answers how long to wait before the next time. */
  async function work(): Promise<number> {
    try {
      await indexAll();
      if (isSweepDue) await sweep();
      hasFailed = false;
      return settleMs;
    } catch (error) {
      isStale = true;
      isSweepDue = true;
      // Once, not every half minute for as long as the disk is full.
      if (!isStopped && !hasFailed)
        log.warn(
          { event: 'storage', err: error },
          'the search index could not be brought up to date; until it is, searches read the mail itself',
        );
      hasFailed = true;
      return retryMs;
    }
  }

  function begin(delayMs: number): void {
    if (isStopped || timer || working) return;
    timer = setTimeout(() => {
      timer = undefined;
      working = work().then((pauseMs) => {
        working = null;
        if (isStale || isSweepDue) begin(pauseMs);
      });
    }, delayMs).unref();
  }

  const unwatch = watchers.add(() => {
    isStale = true;
    begin(settleMs);
  });
  const sweeping = setInterval(() => {
    isSweepDue = true;
    begin(0);
  }, sweepMs).unref();
  begin(startMs);
  return async () => {
    isStopped = true;
    unwatch();
    clearInterval(sweeping);
    clearTimeout(timer);
    // It may be cut off at any moment, and nobody wants to wait for a block to be written.
    await indexer.kill();
    await working;
  };
}
