// The figures that Prometheus reads: what the program counted and timed (quarantine/meter.ts), what stands in the store at this moment,
// and Node's own. One for each server; Node's own are the process's and are shared. Never holds an address or a domain.
// Made by src/open-web.ts.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { counters, durations, levels } from '../quarantine/meter.ts';
import type { Measured, Meter } from '../quarantine/meter.ts';

export interface Metrics extends Meter {
  /** For figures that are looked up when somebody asks. */
  readonly registry: Registry;
  /** All of them, in the format that `type` names. */
  exposition(): Promise<{ type: string; text: string }>;
}

export const buildInfo = {
  name: 'lazaretto_build_info',
  labels: ['version'],
  help: 'Always 1; says which version runs.',
} as const satisfies Measured;

/** From a lookup in memory to a far disk, then to what somebody waits for. */
const bucketsInSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const node = ofProcess();
  const counterOf = eachOf(counters, (measured) => new Counter({ ...configOf(measured), registers: [registry] }));
  const gaugeOf = eachOf(levels, (measured) => new Gauge({ ...configOf(measured), registers: [registry] }));
  const histogramOf = eachOf(
    durations,
    (measured) => new Histogram({ ...configOf(measured), buckets: bucketsInSeconds, registers: [registry] }),
  );
  const build = new Gauge({ ...configOf(buildInfo), registers: [registry] });
  build.set({ version }, 1);
  return {
    registry,
    count(counter, labels, by = 1) {
      if (by > 0) counterOf[counter].inc(labels, by);
    },
    time: (duration, labels, seconds) => histogramOf[duration].observe(labels, seconds),
    set: (level, value) => gaugeOf[level].set(value),
    async exposition() {
      const parts = await Promise.all([registry.metrics(), node.metrics()]);
      return { type: registry.contentType, text: parts.join('') };
    },
  };
}

/** As prom-client names it. */
export function configOf<const L extends string>({ name, help, labels }: Measured & { labels: readonly L[] }) {
  return { name, help, labelNames: [...labels] };
}

function eachOf<K extends string, From, To>(from: Record<K, From>, make: (one: From) => To): Record<K, To> {
  return Object.fromEntries(Object.entries<From>(from).map(([key, one]) => [key, make(one)])) as Record<K, To>;
}

let shared: Registry | undefined;

/** Event loop, memory, CPU, garbage collection. Their observers run until the process ends, so there is one set of them. */
function ofProcess(): Registry {
  if (!shared) {
    shared = new Registry();
    collectDefaultMetrics({ register: shared });
  }
  return shared;
}
