// Figures that are looked up when somebody asks for them: what the store holds, how long work has waited, whether we are ready. The
// store is asked at most every few seconds, however many ask us, and never waited for longer than a scrape lasts: what it does not
// say in time is left out, so that the other figures arrive. Called by src/open-web.ts.
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { View } from '../quarantine/message.ts';
import type { Measured } from '../quarantine/meter.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Health } from './health.ts';
import { configOf } from './metrics.ts';
import { within } from './within.ts';

/** Mail. Notices are the logins' own, and `reports` is shown to nobody. */
const views: readonly View[] = ['caught', 'outgoing', 'training'];

/** Each once, as README tells them. */
export const lookedUp = {
  held: {
    name: 'lazaretto_messages_held',
    labels: ['folder'],
    help: 'Mail that the quarantine holds. The same at every process of one store: take the maximum, not the sum.',
  },
  oldestDue: {
    name: 'lazaretto_oldest_due_job_age_seconds',
    labels: [],
    help: 'How long the delivery or report that waits longest could have been tried; 0 when the workers keep up. The same at every process.',
  },
  check: {
    name: 'lazaretto_check_passed',
    labels: ['check'],
    help: 'What /readyz says, check by check: 1 passed (a warning too), 0 failed.',
  },
  certificate: {
    name: 'lazaretto_certificate_expiry_timestamp_seconds',
    labels: [],
    help: 'When the first of the certificates ends that mail programs and filters see, in Unix time.',
  },
} as const satisfies Record<string, Measured>;

export interface StoreGaugesOptions {
  /** How old an answer of the store may be. Counting a million messages takes a while, and nobody looks closer than this. */
  maxAgeMs?: number;
  /** Prometheus gives up after 10 s by default. */
  patienceMs?: number;
}

interface Figures {
  held: { folder: string; messages: number }[];
  oldestDueSeconds: number;
}

export function addStoreGauges(registry: Registry, quarantine: Quarantine, options: StoreGaugesOptions = {}): void {
  const figures = remembered(() => lookUp(quarantine), options);
  new Gauge({
    ...configOf(lookedUp.held),
    registers: [registry],
    async collect() {
      this.reset();
      for (const { folder, messages } of (await figures())?.held ?? []) this.set({ folder }, messages);
    },
  });
  new Gauge({
    ...configOf(lookedUp.oldestDue),
    registers: [registry],
    async collect() {
      const found = await figures();
      if (found) this.set(found.oldestDueSeconds);
      else this.remove();
    },
  });
}

/** 1 for each check of /readyz that passes, warnings included, else 0. */
export function addHealthGauge(registry: Registry, health: Health): void {
  new Gauge({
    ...configOf(lookedUp.check),
    registers: [registry],
    async collect() {
      this.reset();
      for (const { name, state } of (await health.report()).checks) this.set({ check: name }, state === 'fail' ? 0 : 1);
    },
  });
}

/** When the first of our certificates ends; `validTo` is null while there is none. */
export function addCertificateGauge(registry: Registry, validTo: () => number | null): void {
  new Gauge({
    ...configOf(lookedUp.certificate),
    registers: [registry],
    collect() {
      const at = validTo();
      if (at === null) this.remove();
      else this.set(at / 1000);
    },
  });
}

async function lookUp({ storage, folders, clock }: Quarantine): Promise<Figures> {
  const [nextDueAt, ...held] = await Promise.all([
    storage.worker.nextDueAt(),
    ...views.map(async (view) => ({
      folder: folders.showing(view)?.mailbox ?? view,
      messages: (await storage.mailboxStatus({ role: 'global' }, view)).messages,
    })),
  ]);
  return { held, oldestDueSeconds: nextDueAt === null ? 0 : Math.max(0, clock.now() - nextDueAt) / 1000 };
}

/** One look at a time, shared by all who ask; null when it failed or took too long. */
function remembered(
  look: () => Promise<Figures>,
  { maxAgeMs = 10_000, patienceMs = 3_000 }: StoreGaugesOptions,
): () => Promise<Figures | null> {
  let last: { at: number; figures: Promise<Figures> } | undefined;
  return async () => {
    if (!last || performance.now() - last.at > maxAgeMs) {
      const begun = { at: performance.now(), figures: look() };
      last = begun;
      // What failed is nothing to remember; the store says in the log what is wrong.
      begun.figures.catch(() => {
        if (last === begun) last = undefined;
      });
    }
    return within(patienceMs, last.figures).catch(() => null);
  };
}
