// Claims jobs that are due, runs each at its target, records the outcome. Any number of workers may run against one storage: a claim is
// a lease, renewed while the attempt runs, and an attempt whose lease was lost is stopped and its outcome thrown away. Decides nothing
// about mail: what an outcome means is quarantine/outcomes.ts. Started by main.ts.
import { claimDue, jobOf, renewClaim } from '../quarantine/claims.ts';
import type { Claim, JobName } from '../quarantine/claims.ts';
import type { Message } from '../quarantine/message.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { runAttempt, shutdown } from './attempt.ts';
import type { Targets } from './attempt.ts';

export interface WorkerOptions {
  quarantine: Quarantine;
  targets: Targets;
  /** How long a claim lasts without being renewed. Default 10 s. */
  leaseMs?: number;
  /** An attempt is stopped after this, whatever the target says about its own time-outs. Default 15 min. */
  attemptDeadlineMs?: number;
  /** Attempts at once, over all. Default 40. */
  maxAttempts?: number;
  /** Deliveries at once for one domain, and reports at once at one target. Default 5. */
  maxPerDestination?: number;
  /** Bytes of the messages that are tried at once; beyond it, one at each destination. Default 200 MB. */
  maxBytes?: number;
}

interface Running {
  key: string;
  destination: string;
  bytes: number;
  stop: AbortController;
}

export interface Worker {
  /** Looks for due jobs now; needed only by tests that move the clock. */
  wake(): void;
  /** Resolves when nothing is running and nothing is due. */
  idle(): Promise<void>;
  /** Stops claiming and waits for what runs, at most `graceMs`; then stops it and gives the claims back. */
  close(graceMs?: number): Promise<void>;
}

/** A worker looks by itself at least this often, should a notice of the storage ever be late. */
const maxSleepMs = 30_000;
/** How many due messages are looked at per round. */
const roundSize = 100;
/** How often all that is due is searched for jobs whose destination is free. */
const deepLookMs = 500;

export function startWorker(options: WorkerOptions): Worker {
  const { quarantine, targets } = options;
  const leaseMs = options.leaseMs ?? 10_000;
  const maxAttempts = options.maxAttempts ?? 40;
  const maxPerDestination = options.maxPerDestination ?? 5;
  const maxBytes = options.maxBytes ?? 200_000_000;
  const running = new Map<Promise<void>, Running>();
  const idleWaiters: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | null = null;
  let wanted = false;
  let closing = false;
  let lastDeepLook = 0;

  function busy(destination: string): number {
    let count = 0;
    for (const attempt of running.values()) if (attempt.destination === destination) count++;
    return count;
  }

  /** Whether an attempt may be made now, besides those that run and those that are planned; if so, it is planned. */
  function plan(planned: Pick<Running, 'destination' | 'bytes'>[], message: Message, job: JobName): boolean {
    // Our own attempt may still be under way although its lease ran out, on a machine that is too busy to renew it.
    const key = keyOf(message, job);
    if ([...running.values()].some((attempt) => attempt.key === key)) return false;
    const destination = destinationOf(message, job);
    const others = [...running.values(), ...planned];
    const bytes = others.reduce((sum, attempt) => sum + attempt.bytes, message.sizeBytes);
    const there = others.filter((attempt) => attempt.destination === destination).length;
    if (others.length >= maxAttempts || there >= maxPerDestination) return false;
    // The first at each destination is free: a far end that takes large messages slowly must not stop the others' mail.
    if (there && bytes > maxBytes) return false;
    planned.push({ destination, bytes: message.sizeBytes });
    return true;
  }

  async function lookOnce(): Promise<void> {
    if (running.size >= maxAttempts) return;
    const exceptTargets = saturated('target ');
    let claims = await claimFree([]);
    if (!claims.length && exceptTargets.length && Date.now() - lastDeepLook >= deepLookMs) {
      // Hundreds of reports for a filter that does not answer must not hide the deliveries behind them.
      lastDeepLook = Date.now();
      claims = await claimFree(exceptTargets);
    }
    for (const each of claims) start(each);
    if (claims.length) wanted = true;
  }

  function saturated(kind: 'domain ' | 'target '): string[] {
    const destinations = new Set([...running.values()].map(({ destination }) => destination));
    return [...destinations]
      .filter((destination) => destination.startsWith(kind) && busy(destination) >= maxPerDestination)
      .map((destination) => destination.slice(kind.length));
  }

  function claimFree(exceptTargets: readonly string[]): Promise<Claim[]> {
    const planned: Pick<Running, 'destination' | 'bytes'>[] = [];
    return claimDue(quarantine, {
      limit: roundSize,
      leaseMs,
      exceptDomains: saturated('domain '),
      exceptTargets,
      isWanted: (message, job) => plan(planned, message, job),
    });
  }

  function start(claim: Claim): void {
    const stop = new AbortController();
    const attempt = runWithLease({
      quarantine,
      targets,
      claim,
      leaseMs,
      stop,
      deadlineMs: options.attemptDeadlineMs ?? 900_000,
    }).finally(() => {
      running.delete(attempt);
      wake();
    });
    const { message, job } = claim;
    const [key, destination] = [keyOf(message, job), destinationOf(message, job)];
    running.set(attempt, { key, destination, bytes: message.sizeBytes, stop });
  }

  async function look(): Promise<void> {
    while (wanted && !closing) {
      wanted = false;
      try {
        await lookOnce();
      } catch (error) {
        quarantine.log.error(
          { event: 'worker', err: error },
          'the worker could not look for due jobs; it will look again',
        );
        break;
      }
    }
    if (!closing) await sleepUntilDue();
  }

  async function sleepUntilDue(): Promise<void> {
    let sleepMs = maxSleepMs;
    try {
      const next = await quarantine.storage.worker.nextDueAt();
      const now = quarantine.clock.now();
      if (next !== null && next > now) sleepMs = Math.min(sleepMs, next - now);
      // Due but not claimed: its destination is busy and wakes us when it is free again.
      else if (next !== null) sleepMs = 1000;
      if ((next === null || next > now) && running.size === 0 && !wanted)
        for (const resolve of idleWaiters.splice(0)) resolve();
    } catch (error) {
      quarantine.log.warn({ event: 'worker', err: error }, 'the storage does not say when the next job is due');
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
    idle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        wake();
      }),
    async close(graceMs = 10_000) {
      closing = true;
      unwatch();
      clearTimeout(timer);
      await round;
      const patience = setTimeout(() => running.forEach(({ stop }) => stop.abort(shutdown)), graceMs);
      await Promise.allSettled(running.keys());
      clearTimeout(patience);
      for (const resolve of idleWaiters.splice(0)) resolve();
    },
  };
}

function keyOf(message: Message, job: JobName): string {
  return `${message.id} ${job.kind === 'delivery' ? 'delivery' : job.target}`;
}

/** What concurrency is limited by. */
function destinationOf(message: Message, job: JobName): string {
  return job.kind === 'delivery' ? `domain ${message.owner.domain}` : `target ${job.target}`;
}

interface LeasedAttempt {
  quarantine: Quarantine;
  targets: Targets;
  claim: Claim;
  leaseMs: number;
  deadlineMs: number;
  stop: AbortController;
}

/** Runs one attempt, keeping its lease alive; never rejects. */
async function runWithLease({ quarantine, targets, claim, leaseMs, deadlineMs, stop }: LeasedAttempt): Promise<void> {
  const deadline = setTimeout(() => stop.abort(), deadlineMs);
  const lease = jobOf(claim.message, claim.job)?.lease;
  let heldUntil = Date.now() + (lease ? lease.until - quarantine.clock.now() : 0);
  const tickMs = leaseMs / 5;
  const renewal = setInterval(() => {
    // Somebody else may claim the job once the lease has run out, so we must have stopped by then, whatever delays the renewal.
    if (Date.now() >= heldUntil - tickMs) stop.abort();
    const askedAt = Date.now();
    renewClaim(quarantine, claim, leaseMs).then(
      (held) => {
        if (held) heldUntil = askedAt + leaseMs;
        else stop.abort();
      },
      // The store is out of reach: the next tick asks again, until the lease is nearly over.
      () => undefined,
    );
  }, tickMs);
  try {
    const written = await runAttempt({ quarantine, targets, claim, signal: stop.signal });
    if (!written)
      quarantine.log.warn(
        { event: claim.job.kind, message: claim.message.id },
        'the lease was lost; the outcome is not recorded',
      );
  } catch (error) {
    // The lease is left to run out, so that an error of ours cannot become a busy loop.
    quarantine.log.error(
      { event: claim.job.kind, message: claim.message.id, err: error },
      'an attempt failed inside; it will be tried again',
    );
  } finally {
    clearTimeout(deadline);
    clearInterval(renewal);
  }
}
