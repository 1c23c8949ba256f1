// Claims jobs that are due, runs each at its target, records the outcome. Any number of workers may run against one storage: a claim is
// a lease, renewed while the attempt runs (lease.ts), and an attempt whose lease was lost is stopped and its outcome thrown away. What
// must survive a process or hold for all of them (back-off, attempts, who works on what) is in the messages; a worker remembers only what
// it is doing itself. Decides nothing about mail: what an outcome means is quarantine/outcomes.ts. Started by main.ts.
import { claimDue, jobOf, returnClaim } from '../quarantine/claims.ts';
import type { Claim, JobName } from '../quarantine/claims.ts';
import type { Message } from '../quarantine/message.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { recordEveryMs, shutdown } from './attempt.ts';
import type { Targets } from './attempt.ts';
import { attemptsElsewhere, destinationOf, hasRoom, saturated } from './capacity.ts';
import type { Elsewhere, Limits, Place } from './capacity.ts';
import { runWithLease } from './lease.ts';

export interface WorkerOptions {
  quarantine: Quarantine;
  targets: Targets;
  /** How long a claim lasts without being renewed. Default 10 s. */
  leaseMs?: number;
  /** An attempt is stopped after this, whatever the target says about its own time-outs. Default 15 min. */
  attemptDeadlineMs?: number;
  /** Attempts at once, over all. Default 40. */
  maxAttempts?: number;
  /** Deliveries at once for one domain, and reports at once at one target, approximately over all processes (capacity.ts). Default 5. */
  maxPerDestination?: number;
  /** Bytes of the messages that are tried at once; beyond it, one at each destination. Default 200 MB. */
  maxBytes?: number;
}

interface Running extends Place {
  key: string;
  token: string;
  stop: AbortController;
}

export interface Worker {
  /** Looks for due jobs now; needed only by tests that move the clock. */
  wake(): void;
  /** Resolves when nothing is running and nothing is due. */
  idle(): Promise<void>;
  /** How long ago a look for due jobs ended; it looks every 30 s at least, so that minutes mean that it is stuck. */
  msSinceLook(): number;
  /**
   * Stops claiming and waits for what runs, at most `graceMs`; then stops it and gives the claims back. What a store that hangs still grants
   * after that is not begun.
   */
  close(graceMs?: number): Promise<void>;
}

/** A worker looks by itself at least this often, should a notice of the storage ever be late. */
const maxSleepMs = 30_000;
/** How many due messages are looked at per round. */
const roundSize = 100;
/** How often all that is due is searched for jobs whose destination is free. */
const deepLookMs = 500;
/** How long the last count of what others do is believed, while something is due that waits for them. */
const believedMs = 100;
/** After the store was out of reach, the owners of leases that ran out meanwhile get this long to write what they know. */
const ownersFirstMs = 3 * recordEveryMs;

export function startWorker(options: WorkerOptions): Worker {
  const { quarantine, targets } = options;
  const leaseMs = options.leaseMs ?? 10_000;
  const limits: Limits = {
    maxAttempts: options.maxAttempts ?? 40,
    maxPerDestination: options.maxPerDestination ?? 5,
    maxBytes: options.maxBytes ?? 200_000_000,
  };
  const running = new Map<Promise<void>, Running>();
  const idleWaiters: (() => void)[] = [];
  let elsewhere: Elsewhere = new Map();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | null = null;
  let wanted = false;
  let closing = false;
  const end = new AbortController();
  let countedAt = -Infinity;
  let lastDeepLook = -Infinity;
  let isOutOfReach = false;
  let ownersFirstUntil = -Infinity;
  let lookedAt = performance.now();

  /** Whether an attempt may be made now, besides those that run and those that are planned; if so, it is planned. */
  function plan(planned: Place[], message: Message, job: JobName): boolean {
    // Our own attempt may still be under way although its lease ran out, on a machine that is too busy to renew it.
    const key = keyOf(message, job);
    if ([...running.values()].some((attempt) => attempt.key === key)) return false;
    if (jobOf(message, job)?.lease && performance.now() < ownersFirstUntil) return false;
    const place = { destination: destinationOf(message, job), bytes: message.sizeBytes };
    if (!hasRoom(place, { here: [...running.values(), ...planned], elsewhere, limits })) return false;
    planned.push(place);
    return true;
  }

  async function lookOnce(): Promise<void> {
    if (running.size >= limits.maxAttempts) return;
    // What the others kept busy may be free again. Their leases are few; what is due for them may be thousands.
    if (elsewhere.size && performance.now() - countedAt >= believedMs) await countOthers(performance.now());
    const passedOver = full('domain ');
    let claims = await claimFree(passedOver, []);
    // What the others keep busy is known only now; it must not hide the work behind it.
    const known = full('domain ');
    if (!claims.length && known.some((domain) => !passedOver.includes(domain))) claims = await claimFree(known, []);
    const exceptTargets = full('target ');
    if (!claims.length && exceptTargets.length && performance.now() - lastDeepLook >= deepLookMs) {
      // Hundreds of reports for a filter that does not answer must not hide the deliveries behind them.
      lastDeepLook = performance.now();
      claims = await claimFree(full('domain '), exceptTargets);
    }
    if (claims.length) wanted = true;
  }

  function full(kind: 'domain ' | 'target '): string[] {
    return saturated(kind, { here: [...running.values()], elsewhere, limits });
  }

  async function claimFree(exceptDomains: readonly string[], exceptTargets: readonly string[]): Promise<Claim[]> {
    const planned: Place[] = [];
    const askedAt = performance.now();
    const claims = await claimDue(quarantine, {
      limit: roundSize,
      leaseMs,
      exceptDomains,
      exceptTargets,
      beforeAsking: () => countOthers(askedAt),
      isWanted: (message, job) => plan(planned, message, job),
    });
    // Nobody waits any more for what begins now.
    if (end.signal.aborted) await Promise.all(claims.map((claim) => returnClaim(quarantine, claim)));
    else for (const each of claims) start(each);
    return claims;
  }

  /** Only when something is due, so that a worker with nothing to do asks for nothing more. */
  async function countOthers(askedAt: number): Promise<void> {
    elsewhere = await attemptsElsewhere(quarantine, new Set([...running.values()].map(({ token }) => token)));
    countedAt = performance.now();
    // A store that took so long to answer was away for the others, too.
    if (isOutOfReach || countedAt - askedAt > leaseMs / 5) ownersFirstUntil = countedAt + ownersFirstMs;
    isOutOfReach = false;
  }

  function start(claim: Claim): void {
    const stop = new AbortController();
    const attempt = runWithLease({
      quarantine,
      targets,
      claim,
      leaseMs,
      stop,
      end: end.signal,
      deadlineMs: options.attemptDeadlineMs ?? 900_000,
    }).finally(() => {
      running.delete(attempt);
      wake();
    });
    const { message, job, token } = claim;
    const [key, destination] = [keyOf(message, job), destinationOf(message, job)];
    running.set(attempt, { key, token, destination, bytes: message.sizeBytes, stop });
  }

  async function look(): Promise<void> {
    while (wanted && !closing) {
      wanted = false;
      try {
        await lookOnce();
      } catch (error) {
        isOutOfReach = true;
        // After the end the store may be closed. Leases that could not be given back run out.
        if (!end.signal.aborted)
          quarantine.log.error(
            { event: 'worker', err: error },
            'the worker could not look for due jobs; it will look again',
          );
        break;
      }
    }
    if (!closing) await sleepUntilDue();
    lookedAt = performance.now();
  }

  async function sleepUntilDue(): Promise<void> {
    let sleepMs = maxSleepMs;
    try {
      const next = await quarantine.storage.worker.nextDueAt();
      const now = quarantine.clock.now();
      // Due but not claimed: its destination is busy. Our own attempts wake us when they end, the others' perhaps not.
      if (next !== null && next <= now) sleepMs = elsewhere.size ? believedMs : 1000;
      else {
        if (next !== null) sleepMs = Math.min(sleepMs, next - now);
        // Nothing waits for the others, so that they are not counted again before something does.
        elsewhere = new Map();
        if (running.size === 0 && !wanted) for (const resolve of idleWaiters.splice(0)) resolve();
      }
    } catch (error) {
      quarantine.log.warn({ event: 'worker', err: error }, 'the storage does not say when the next job is due');
      isOutOfReach = true;
      sleepMs = 1000;
    }
    clearTimeout(timer);
    if (!closing) timer = setTimeout(wake, sleepMs).unref();
  }

  function wake(): void {
    wanted = true;
    if (closing || round) return;
    round = look().finally(() => {
      round = null;
      if (wanted) wake();
    });
  }

  const unwatch = quarantine.storage.watch(wake);
  wake();

  return {
    wake,
    msSinceLook: () => performance.now() - lookedAt,
    idle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        wake();
      }),
    async close(graceMs = 10_000) {
      closing = true;
      unwatch();
      clearTimeout(timer);
      let patience: NodeJS.Timeout | undefined;
      const outOfPatience = new Promise<void>((resolve) => {
        patience = setTimeout(() => {
          end.abort();
          running.forEach(({ stop }) => stop.abort(shutdown));
          resolve();
        }, graceMs);
      });
      await Promise.race([round, outOfPatience]);
      await Promise.allSettled(running.keys());
      clearTimeout(patience);
      for (const resolve of idleWaiters.splice(0)) resolve();
    },
  };
}

function keyOf(message: Message, job: JobName): string {
  return `${message.id} ${job.kind === 'delivery' ? 'delivery' : job.target}`;
}
