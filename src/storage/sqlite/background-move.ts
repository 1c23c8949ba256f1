// Has the writer move what an older version of the program stored (older-readings.ts), one short step after the other, as long as the store is
// open. What was not reached is gone on with when it is opened the next time. Started by open.ts.
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../quarantine/ports.ts';
import type { Thread } from './thread.ts';
import type { WriterOperations } from './writer.ts';

/** Between two steps: twice as long as a step takes, so that arriving mail hardly waits. */
const pauseMs = 20;

export interface BackgroundMove {
  stop(): Promise<void>;
}

export function startMove(writer: Thread<WriterOperations>, log: Log): BackgroundMove {
  const stopping = new AbortController();
  const moving = moveAll(writer, stopping.signal).catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    log.warn(
      { event: 'storage', err: error },
      'older messages could not be moved to where they are listed from faster',
    );
  });
  return {
    async stop() {
      stopping.abort();
      await moving;
    },
  };
}

async function moveAll(writer: Thread<WriterOperations>, signal: AbortSignal): Promise<void> {
  for (let more = true; more && !signal.aborted;) {
    ({ more } = await writer.call('moveOlderReadings', undefined));
    if (more) await pause(pauseMs, undefined, { ref: false, signal });
  }
}
