// Runs one attempt, keeping its lease alive, and stops it before anybody else may claim its job. Called by worker.ts.
//
// A lease is a wall-clock time that one process writes and others compare with clocks of their own. So its owner trusts it for less than
// it lasts: of 10 s it believes in 7 since the last renewal, and renews every 2 s. The clocks of two processes may therefore differ
//   - by 8 s as long as the owner reaches the store: its lease always has that much left, so nobody thinks that it ran out;
//   - by 3 s when the owner is cut off from the store: it stops after 7 s, and others wait until the 10 s are over.
// NTP keeps machines within a fraction of a second. Where clocks differ by more, a job is claimed while its owner works on it. The owner
// learns that with its next renewal and stops, and only one of the two can record its outcome; but the far end may get the message from
// both, with the same trace. Nothing is lost by it.
import { jobOf, renewClaim } from '../quarantine/claims.ts';
import type { Claim } from '../quarantine/claims.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { leaseOver, runAttempt } from './attempt.ts';
import type { Targets } from './attempt.ts';

/** Parts of a lease: how often it is renewed, and how much of its end its owner does not trust. */
const renewals = 5;
const margin = 0.3;

export interface LeasedAttempt {
  quarantine: Quarantine;
  targets: Targets;
  claim: Claim;
  leaseMs: number;
  deadlineMs: number;
  stop: AbortController;
  /** As in Attempt. */
  end: AbortSignal;
}

/** Runs one attempt, keeping its lease alive; never rejects. */
export async function runWithLease({
  quarantine,
  targets,
  claim,
  leaseMs,
  deadlineMs,
  stop,
  end,
}: LeasedAttempt): Promise<void> {
  const deadline = setTimeout(() => stop.abort(), deadlineMs);
  const until = jobOf(claim.message, claim.job)?.lease?.until ?? 0;
  const lease = keepLease(quarantine, claim, { until, leaseMs, stop });
  try {
    const written = await runAttempt({ quarantine, targets, claim, signal: stop.signal, isOurs: lease.isOurs, end });
    if (!written)
      quarantine.log.warn(
        { event: 'worker', message: claim.message.id, job: claim.job.kind },
        'the lease was lost; the outcome is not recorded',
      );
  } catch (error) {
    // The lease is left to run out, so that an error of ours cannot become a busy loop.
    quarantine.log.error(
      { event: 'worker', message: claim.message.id, job: claim.job.kind, err: error },
      'an attempt failed inside; it will be tried again',
    );
  } finally {
    clearTimeout(deadline);
    lease.end();
  }
}

interface KeptLease {
  /** Asked before what cannot be taken back. False stops the attempt: the job may be somebody else's. */
  isOurs(): boolean;
  /** Ends the renewals; the lease itself stays as it is. */
  end(): void;
}

/** @param stop is aborted with `leaseOver` when the lease was lost or is no longer to be trusted */
function keepLease(
  quarantine: Quarantine,
  claim: Claim,
  { until, leaseMs, stop }: { until: number; leaseMs: number; stop: AbortController },
): KeptLease {
  // The write that gave us the lease took its time, so less than a whole lease may be left.
  let elapsedMs = stopwatch();
  let trustedMs = until - quarantine.clock.now() - leaseMs * margin;
  let expiry = setTimeout(giveUp, trustedMs);
  let isAsking = false;
  let hasEnded = false;

  async function renew(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const sinceAsked = stopwatch();
    try {
      const isHeld = await renewClaim(quarantine, claim, leaseMs);
      if (hasEnded) return;
      if (!isHeld) return giveUp();
      elapsedMs = sinceAsked;
      trustedMs = leaseMs * (1 - margin);
      clearTimeout(expiry);
      expiry = setTimeout(giveUp, trustedMs - elapsedMs());
    } catch {
      // The store is out of reach: the next tick asks again, until the lease is not trusted any more.
    } finally {
      isAsking = false;
    }
  }

  const renewal = setInterval(() => void renew(), leaseMs / renewals);
  function end(): void {
    hasEnded = true;
    clearInterval(renewal);
    clearTimeout(expiry);
  }
  function giveUp(): void {
    end();
    stop.abort(leaseOver);
  }
  return {
    isOurs() {
      // A process that slept (stopped, swapped out, a paused virtual machine) may read its far end's answer before its timers run.
      if (!hasEnded && elapsedMs() >= trustedMs) giveUp();
      return !stop.signal.aborted;
    },
    end,
  };
}

/** By the clock that went further: the monotonic one may stand still while a machine sleeps, the other one may be set back. */
function stopwatch(): () => number {
  const [monotonic, wall] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - monotonic, Date.now() - wall);
}
