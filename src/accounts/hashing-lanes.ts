// Lets few password hashes run at once and few wait, so that a flood of logins can take neither memory (19 MiB each) nor the threads
// that files and name look-ups need. Those who logged in from the same network before go first. Called by accounts.ts.
import { TemporaryError } from '../quarantine/errors.ts';

export interface HashingLanes {
  /**
   * Runs `task` when its turn comes.
   * @param network who asks: nobody may fill the queue alone
   * @param first goes before everybody who is not
   * @throws TemporaryError when too many wait already; `task` was not run
   */
  run<T>(task: () => Promise<T>, from: { network: string; first: boolean }): Promise<T>;
}

/** Two of libuv's four threads: files and DNS keep the other two. */
const defaultParallel = 2;
/** About eight seconds of work on one core; mail programs wait for a minute or more. */
const defaultWaiting = 256;

interface Waiting {
  network: string;
  start: () => void;
}

export function createHashingLanes({ parallel = defaultParallel, waiting = defaultWaiting } = {}): HashingLanes {
  const lanes: { first: Waiting[]; others: Waiting[] } = { first: [], others: [] };
  const waitingOf = new Map<string, number>();
  let running = 0;

  function next(): void {
    const entry = lanes.first.shift() ?? lanes.others.shift();
    if (!entry) return;
    count(entry.network, -1);
    entry.start();
  }

  function count(network: string, change: number): number {
    const total = (waitingOf.get(network) ?? 0) + change;
    if (total > 0) waitingOf.set(network, total);
    else waitingOf.delete(network);
    return total;
  }

  return {
    async run(task, { network, first }) {
      if (running >= parallel) {
        const lane = first ? lanes.first : lanes.others;
        if (lane.length >= waiting || (waitingOf.get(network) ?? 0) >= waiting / 2) {
          throw new TemporaryError('Too many people are logging in right now. Please try again in a minute.');
        }
        count(network, 1);
        // The one that ends hands its place over, so that `running` never exceeds the limit in between.
        await new Promise<void>((resolve) => lane.push({ network, start: resolve }));
      } else running++;
      try {
        return await task();
      } finally {
        if (lanes.first.length || lanes.others.length) next();
        else running--;
      }
    },
  };
}
