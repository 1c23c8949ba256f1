// Says where a process is: a storage and targets that report every step before and after it is taken. The crash run kills the process at
// a chosen step, so that a kill falls between any two of them. Changes nothing about what the steps do.
import type { Message } from '../../src/quarantine/message.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import type { DeliveryTarget, ReportTarget } from '../../src/quarantine/target.ts';

/** Called at every boundary, synchronously; may not return. */
export type OnStep = (step: string, messages: readonly Message[]) => void;

export function steppedStorage(storage: Storage, onStep: OnStep): Storage {
  return {
    ...storage,
    async insert(arrival, now) {
      onStep('insert: before', []);
      const result = await storage.insert(arrival, now);
      onStep('insert: after', []);
      return result;
    },
    async keepContent(content, now) {
      onStep('keepContent: before', []);
      await storage.keepContent(content, now);
      onStep('keepContent: after', []);
    },
    async commit(changes, drop) {
      const messages = changes.map(({ after }) => after);
      onStep('commit: before', []);
      const result = await storage.commit(changes, drop);
      onStep('commit: after', messages);
      return result;
    },
  };
}

/** `onDeliver` is told the trace of each attempt that begins. */
export function steppedDelivery(
  target: DeliveryTarget,
  onStep: OnStep,
  onDeliver: (trace: string) => void,
): DeliveryTarget {
  return {
    async deliver(attempt) {
      onStep('deliver: before', []);
      onDeliver(attempt.trace);
      const outcomes = await target.deliver(attempt);
      onStep('deliver: after', []);
      return outcomes;
    },
    close: () => target.close(),
  };
}

export function steppedReports(target: ReportTarget, onStep: OnStep): ReportTarget {
  return {
    name: target.name,
    async report(attempt) {
      onStep('report: before', []);
      const outcome = await target.report(attempt);
      onStep('report: after', []);
      return outcome;
    },
    close: () => target.close(),
  };
}
