// What every call of the port goes through: its errors become the domain's, and when the storage closes, what was asked for before is done
// and what comes later is told to try again.
import { TemporaryError } from '../../quarantine/errors.ts';
import { fromMongo } from './errors.ts';

export interface Gate {
  /** The same functions, behind the gate. */
  behind<Port extends object>(port: Port): Port;
  /** Lets nobody in any more; resolves when everybody is out. */
  close(): Promise<void>;
}

type Run = (...args: unknown[]) => Promise<unknown>;

export function createGate(): Gate {
  const inside = new Set<Promise<unknown>>();
  let isClosed = false;

  async function pass(run: Run, args: unknown[]): Promise<unknown> {
    if (isClosed) throw new TemporaryError('The quarantine is stopping. Please try again later.');
    const work = run(...args);
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
    behind<Port extends object>(port: Port): Port {
      const members = Object.entries(port) as [string, Run][];
      return Object.fromEntries(
        members.map(([name, run]) => [name, (...args: unknown[]) => pass(run, args)]),
      ) as unknown as Port;
    },
    async close() {
      isClosed = true;
      while (inside.size) await Promise.allSettled(inside);
    },
  };
}
