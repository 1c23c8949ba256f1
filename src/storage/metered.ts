// Stands between the program and its store and times every answer, whatever the driver. Changes nothing else. Put there by src/open-web.ts.
import { Refusal, StaleError, TemporaryError } from '../quarantine/errors.ts';
import type { Meter } from '../quarantine/meter.ts';
import type { Storage } from '../quarantine/ports.ts';

type Call = (...args: unknown[]) => unknown;

/** `close` ends what would be measured, and `watch` asks nothing. */
const untimed: ReadonlySet<PropertyKey> = new Set(['watch', 'close']);

/** Operations are named as in the port: `commit`, `worker.due`, `accounts.get`. */
export function meteredStorage(storage: Storage, meter: Meter): Storage {
  const part = <T extends object>(of: T, prefix: string): T => timed(of, prefix, meter);
  const parts: Partial<Storage> = {
    worker: part(storage.worker, 'worker.'),
    upkeep: part(storage.upkeep, 'upkeep.'),
    domains: part(storage.domains, 'domains.'),
    accounts: part(storage.accounts, 'accounts.'),
  };
  return timed(storage, '', meter, parts);
}

function timed<T extends object>(target: T, prefix: string, meter: Meter, parts: Partial<T> = {}): T {
  return new Proxy(target, {
    get(_target, key) {
      if (key in parts) return Reflect.get(parts, key) as unknown;
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      const call = (member as Call).bind(target);
      return untimed.has(key) ? call : timedCall(call, `${prefix}${String(key)}`, meter);
    },
  });
}

function timedCall(call: Call, operation: string, meter: Meter): Call {
  return async (...args) => {
    const startedAt = performance.now();
    const note = (outcome: string): void =>
      meter.time('store', { operation, outcome }, (performance.now() - startedAt) / 1000);
    try {
      const answer = await call(...args);
      note('ok');
      return answer;
    } catch (error) {
      note(outcomeOf(error));
      throw error;
    }
  };
}

function outcomeOf(error: unknown): string {
  if (error instanceof StaleError) return 'stale';
  if (error instanceof TemporaryError) return 'unavailable';
  return error instanceof Refusal ? 'refused' : 'error';
}
