// The checks of /readyz besides the server's own phase: store, worker, certificates. Each is given what it looks at by src/open-web.ts.
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Check, Finding } from './health.ts';
import { within } from './within.ts';

/** Balancers ask every few seconds and wait for a few; a store that takes longer is of no use to a mail program either. */
const storePatienceMs = 2_000;

/** Twice as long as a worker ever sleeps. */
const workerPatienceMs = 60_000;

const dayMs = 86_400_000;

/** Reads one small thing. While the store owes an answer, it is not asked a second time. */
export function storeCheck({ storage }: Quarantine, patienceMs = storePatienceMs): Check {
  let asked: Promise<unknown> | null = null;
  return {
    name: 'store',
    async look() {
      const startedAt = performance.now();
      asked ??= storage.dropStatus({ role: 'global' }, 'Release').finally(() => (asked = null));
      try {
        await within(patienceMs, asked);
      } catch {
        return { state: 'fail', text: `the store did not answer within ${patienceMs / 1000} s, or not with success` };
      }
      return { state: 'ok', text: `the store answered in ${Math.round(performance.now() - startedAt)} ms` };
    },
  };
}

export function workerCheck(msSinceLook: () => number): Check {
  return {
    name: 'worker',
    look() {
      const text = `the worker looked for due jobs ${Math.round(msSinceLook() / 1000)} s ago`;
      return msSinceLook() < workerPatienceMs ? { state: 'ok', text } : { state: 'fail', text: `${text} and is stuck` };
    },
  };
}

/** One certificate that is served. */
export interface Validity {
  state: 'valid' | 'not yet valid' | 'ends soon' | 'expired';
  /** Milliseconds since the epoch. */
  validTo: number;
  /** Self-signed by this server, which makes a new one when it ends. */
  isOwn: boolean;
}

export function certificateCheck(validity: () => readonly Validity[], now: () => number = Date.now): Check {
  return {
    name: 'certificate',
    look() {
      const findings = validity().map((one) => findingOf(one, now()));
      const worst = (['fail', 'warn', 'ok'] as const).flatMap((state) => findings.filter((one) => one.state === state));
      return worst[0] ?? { state: 'fail', text: 'there is no certificate' };
    },
  };
}

function findingOf({ state, validTo, isOwn }: Validity, now: number): Finding {
  const day = new Date(validTo).toISOString().slice(0, 10);
  const days = Math.floor((validTo - now) / dayMs);
  if (state === 'expired') return { state: 'fail', text: `a certificate expired on ${day}` };
  if (isOwn) return { state: 'ok', text: `the self-signed certificate is renewed by this server on ${day}` };
  if (state === 'not yet valid') return { state: 'fail', text: 'a certificate is not valid yet' };
  if (state === 'ends soon')
    return { state: 'warn', text: `a certificate expires on ${day}, in ${days === 1 ? '1 day' : `${days} days`}` };
  return { state: 'ok', text: `the certificates are valid until ${day} or longer` };
}
