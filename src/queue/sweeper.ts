// Runs the retention sweep now and then, one at a time. Several processes may do so on one storage. Started by main.ts.
import type { Quarantine } from '../quarantine/quarantine.ts';
import { sweep } from '../quarantine/retention.ts';

/** Expiry is a matter of days; a minute keeps open mail programs close to it. */
const intervalMs = 60_000;

export interface Sweeper {
  /** Stops after the batch that is under way. */
  close(): Promise<void>;
}

export function startSweeper(quarantine: Quarantine): Sweeper {
  const stop = new AbortController();
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    try {
      await sweep(quarantine, stop.signal);
    } catch (error) {
      quarantine.log.error({ event: 'sweep', err: error }, 'the retention sweep failed; it will be tried again');
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = null;
    });
  }

  const timer = setInterval(start, intervalMs);
  timer.unref();
  start();
  return {
    async close() {
      clearInterval(timer);
      stop.abort();
      await running;
    },
  };
}
