// README's table of what /metrics tells, from the definitions that the program counts with. Called by generate.ts.
import { counters, durations, levels } from '../../src/quarantine/meter.ts';
import type { Measured } from '../../src/quarantine/meter.ts';
import { lookedUp } from '../../src/web/gauges.ts';
import { buildInfo } from '../../src/web/metrics.ts';

export function metricsTable(): string {
  const rows = [
    ...Object.values(counters).map((one) => row(one, 'counter')),
    ...Object.values(durations).map((one) => row(one, 'histogram')),
    ...[...Object.values(lookedUp), ...Object.values(levels), buildInfo].map((one) => row(one, 'gauge')),
  ];
  return ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function row({ name, labels, help }: Measured, type: string): string {
  const shown = labels.length ? labels.map((label) => `\`${label}\``).join(', ') : '–';
  return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
}
