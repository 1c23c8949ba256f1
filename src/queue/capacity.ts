// What may run at once: the limits of this process alone (attempts, and bytes of mail in its memory), and the limit per destination, which
// holds over all processes. Called by worker.ts whenever something is due. Keeps nothing: what others do is read from their leases.
//
// Over all processes the limit holds approximately. A process counts everybody's leases when it plans, and its own claims are seen by the
// others when they look next; so processes that look at the same moment each take all that is free. The worst is processes × limit
// attempts, once, when much work comes in after a pause. It settles by itself: nobody takes another job until fewer than the limit are
// left, and after that no more than what became free between two looks is taken twice. A counter per destination would be exact, but
// one more write for each attempt, to a document that everybody writes, and wrong for ever after a crash; leases end by themselves, so
// those of a dead process stop counting when they run out.
import { jobNames, jobOf } from '../quarantine/claims.ts';
import type { JobName } from '../quarantine/claims.ts';
import type { Message } from '../quarantine/message.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';

export interface Limits {
  /** Attempts at once in this process. */
  maxAttempts: number;
  /** Attempts at once at one destination, over all processes. */
  maxPerDestination: number;
  /** Bytes of the messages that this process tries at once; beyond it, one at each destination. */
  maxBytes: number;
}

/** What an attempt takes up. */
export interface Place {
  destination: string;
  bytes: number;
}

/** Attempts of other processes by destination. */
export type Elsewhere = ReadonlyMap<string, number>;

/** More than all processes together have under way; the shortest leases would be left out, which only lets a few more attempts begin. */
const leasesCounted = 2000;

/** What concurrency is limited by. */
export function destinationOf(message: Message, job: JobName): string {
  return job.kind === 'delivery' ? `domain ${message.owner.domain}` : `target ${job.target}`;
}

/** Whether one more attempt may be made beside those that run here (or are planned) and elsewhere. */
export function hasRoom(
  place: Place,
  { here, elsewhere, limits }: { here: readonly Place[]; elsewhere: Elsewhere; limits: Limits },
): boolean {
  const there = countAt(place.destination, here);
  if (here.length >= limits.maxAttempts) return false;
  if (there + (elsewhere.get(place.destination) ?? 0) >= limits.maxPerDestination) return false;
  // The first at each destination is free: a far end that takes large messages slowly must not stop the others' mail.
  const bytes = here.reduce((sum, each) => sum + each.bytes, place.bytes);
  return there === 0 || bytes <= limits.maxBytes;
}

/** Names of the domains or the targets that take no further attempt just now. */
export function saturated(
  kind: 'domain ' | 'target ',
  { here, elsewhere, limits }: { here: readonly Place[]; elsewhere: Elsewhere; limits: Limits },
): string[] {
  const destinations = new Set([...here.map(({ destination }) => destination), ...elsewhere.keys()]);
  return [...destinations]
    .filter((destination) => destination.startsWith(kind))
    .filter((one) => countAt(one, here) + (elsewhere.get(one) ?? 0) >= limits.maxPerDestination)
    .map((destination) => destination.slice(kind.length));
}

/** Counts the leases that are not `own` (tokens), whoever holds them. */
export async function attemptsElsewhere(
  { storage, clock }: Quarantine,
  own: ReadonlySet<string>,
): Promise<Map<string, number>> {
  const now = clock.now();
  const counts = new Map<string, number>();
  for (const message of await storage.worker.leased(now, leasesCounted)) {
    for (const name of jobNames(message)) {
      const job = jobOf(message, name);
      if (job?.state !== 'due' || !job.lease || job.lease.until <= now || own.has(job.lease.token)) continue;
      const destination = destinationOf(message, name);
      counts.set(destination, (counts.get(destination) ?? 0) + 1);
    }
  }
  return counts;
}

function countAt(destination: string, here: readonly Place[]): number {
  return here.reduce((count, place) => count + Number(place.destination === destination), 0);
}
