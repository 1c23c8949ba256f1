// What every call of the port goes through: its errors become the domain's, none lasts for ever, and when the storage closes, what was
// asked for before is done and what comes later is told to try again.
import { TemporaryError } from '../../quarantine/errors.ts';
import { fromMongo } from './errors.ts';

export interface Gate {
  /** The same functions, behind the gate. `endless`: those that may take as long as they like. */
  behind<Port extends object>(port: Port, endless?: readonly (keyof Port)[]): Port;
  /** Lets nobody in any more; resolves when everybody is out. */
  close(): Promise<void>;
}

type Run = (...args: unknown[]) => Promise<unknown>;

/** @param deadlineMs after it a call is given up: the client's own limits leave gaps (heartbeats.ts), and somebody waits for the answer */
export function createGate(deadlineMs: number): Gate {
  const inside = new Set<Promise<unknown>>();
  let isClosed = false;

  async function pass(run: Run, args: unknown[], isEndless: boolean): Promise<unknown> {
    if (isClosed) throw new TemporaryError('The quarantine is stopping. Please try again later.');
    const work = isEndless || deadlineMs === Infinity ? run(...args) : inTime(run(...args), deadlineMs);
    inside.add(work);
    try {
      return await work;
    } catch (error) {
      throw fromMongo(error);
    } finally {
      inside.delete(work);
    }
  }

  return {
    behind<Port extends object>(port: Port, endless: readonly (keyof Port)[] = []): Port {
      const members = Object.entries(port) as [keyof Port & string, Run][];
      return Object.fromEntries(
        members.map(([name, run]) => [name, (...args: unknown[]) => pass(run, args, endless.includes(name))]),
      ) as unknown as Port;
    },
    async close() {
      isClosed = true;
      while (inside.size) await Promise.allSettled(inside);
    },
  };
}

async function inTime<Result>(work: Promise<Result>, deadlineMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TemporaryError('The stored mail of the quarantine does not answer just now. Please try again later.'));
    }, deadlineMs);
    timer.unref();
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
