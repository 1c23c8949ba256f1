// Time passes: what was held long enough leaves its view, what can no longer be restored gives its content back, what is no longer
// remembered is forgotten. Never stops a job and never deletes what one still needs. Called by the worker every few minutes; each
// round may be cut short or run twice, on several machines at once.
import { StaleError } from './errors.ts';
import type { Message, View } from './message.ts';
import { removeForAll } from './orders.ts';
import type { Quarantine } from './quarantine.ts';

export interface SweepResult {
  expired: number;
  contentsReleased: number;
  forgotten: number;
  purged: { marked: number; deleted: number; bytes: number };
}

const batchSize = 500;
/** A content that nothing refers to is deleted no earlier than this after it was marked, so that an intake under way can renew it. */
const purgeGraceMs = 3_600_000;

export async function sweep(quarantine: Quarantine, signal?: AbortSignal): Promise<SweepResult> {
  const { storage, clock, policy } = quarantine;
  const now = clock.now();
  const result: SweepResult = {
    expired: 0,
    contentsReleased: 0,
    forgotten: 0,
    purged: { marked: 0, deleted: 0, bytes: 0 },
  };
  for (const round of expiryRounds(quarantine, now)) {
    result.expired += await inBatches(signal, async () => {
      const messages = await storage.worker.heldBefore({ ...round, limit: batchSize });
      return commitEach(quarantine, messages, (message) => removeForAll(message, 'expired', 'retention', now));
    });
  }
  result.contentsReleased = await inBatches(signal, async () => {
    const messages = await storage.worker.endedBefore({
      before: now - policy.undoMs,
      tombstones: false,
      limit: batchSize,
    });
    return commitEach(quarantine, messages, (message) => ({ ...message, contentReleased: true }));
  });
  result.forgotten = await inBatches(signal, async () =>
    storage.worker.forget(
      await storage.worker.endedBefore({ before: now - policy.historyMs, tombstones: true, limit: batchSize }),
    ),
  );
  result.purged = await storage.worker.purgeContents(now, purgeGraceMs, signal);
  const { expired, contentsReleased, forgotten, purged } = result;
  const isIdle = !expired && !contentsReleased && !forgotten && !purged.marked && !purged.deleted;
  // Every minute, for ever: what did nothing is told to those alone who look for it.
  quarantine.log[isIdle ? 'debug' : 'info']({ event: 'sweep', ...result }, 'retention swept');
  return result;
}

/** When a held message will leave its view by itself, as the settings are now; null when it is not held. */
export function expiresAt(quarantine: Quarantine, { view, owner, heldSince, removed }: Message): number | null {
  if (removed || view === 'reports') return null;
  const ownMs = owner.domain ? quarantine.domains.find(owner.domain)?.retentionMs : null;
  return heldSince + (ownMs ?? quarantine.policy.retentionMs[view]);
}

/** One query per view and retention time: domains with a time of their own, then all others together. */
function expiryRounds(
  quarantine: Quarantine,
  now: number,
): { view: View; before: number; domain?: string; exceptDomains?: string[] }[] {
  const { retentionMs } = quarantine.policy;
  const own = quarantine.domains.list().filter((domain) => domain.retentionMs !== null);
  const views = ['caught', 'outgoing', 'training', 'notices'] as const;
  return views.flatMap((view) => [
    ...own.map((domain) => ({ view, before: now - (domain.retentionMs ?? 0), domain: domain.name })),
    { view, before: now - retentionMs[view], exceptDomains: own.map((domain) => domain.name) },
  ]);
}

/** Repeats until a round does nothing more; a round that got nowhere ends it too, the next sweep will try again. */
async function inBatches(signal: AbortSignal | undefined, round: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    if (signal?.aborted) return total;
    const done = await round();
    total += done;
    if (done === 0) return total;
  }
}

/** All in one commit; where somebody changed one of them meanwhile, one by one, leaving that one to the next sweep. */
async function commitEach(
  quarantine: Quarantine,
  messages: readonly Message[],
  change: (message: Message) => Message,
): Promise<number> {
  const { storage } = quarantine;
  if (!messages.length) return 0;
  const changes = messages.map((before) => ({ before, after: change(before) }));
  try {
    await storage.commit(changes);
    return changes.length;
  } catch (error) {
    if (!(error instanceof StaleError)) throw error;
  }
  let done = 0;
  for (const one of changes) {
    try {
      await storage.commit([one]);
      done++;
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
    }
  }
  return done;
}
