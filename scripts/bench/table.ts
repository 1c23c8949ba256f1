// The benchmark's table: a row for each figure, with Dovecot beside it where it was measured, the target and whether it is reached. Prints
// rows as they come and the whole as Markdown at the end. Called by run.ts and the parts.
import { availableParallelism } from 'node:os';
import { cpuModel, loadAverage } from './usage.ts';

export type Unit = 'ms CPU' | 'ms' | 'kB' | 'MB' | 'MB/s' | '';

export interface Row {
  what: string;
  unit: Unit;
  ours: number;
  /** What it is compared with: Dovecot's figure, or that of the server named in `besides`. */
  other?: number | undefined;
  besides?: string;
  target?: Target;
}

/** `ratio`: other ÷ ours at least; `most`: ours at most; `within`: ours at most so many times the other. */
export type Target = { ratio: number } | { most: number } | { within: number };

export class Table {
  readonly rows: Row[] = [];
  readonly #startedAt = loadAverage();

  add(row: Row): void {
    this.rows.push(row);
    console.log(`  ${cells(row).join('  |  ')}`);
  }

  /** @param dovecot its version, or why there is none */
  print(dovecot: string): void {
    const { node, sqlite } = process.versions;
    console.log(
      `\n${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${availableParallelism()} cores (${cpuModel()}), ` +
        `Node ${node}, SQLite ${sqlite}, Dovecot ${dovecot}, load average ${this.#startedAt} at the start, ${loadAverage()} at the end\n`,
    );
    const lines = [['what', 'Lazaretto', 'Dovecot', 'ratio', 'target', 'reached'], ...this.rows.map(cells)];
    const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
    const text = (line: string[]): string => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
    console.log(text(lines[0] ?? []));
    console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
    for (const line of lines.slice(1)) console.log(text(line));
  }
}

function cells(row: Row): string[] {
  const { what, unit, ours, other, besides, target } = row;
  const number = (value: number): string => `${value.toFixed(value < 10 && unit ? 1 : 0)} ${unit}`.trimEnd();
  const ratio = ratioOf(row);
  return [
    what,
    number(ours),
    other === undefined ? '–' : besides ? `${number(other)} (${besides})` : number(other),
    ratio === undefined ? '–' : ratio.toFixed(ratio < 10 ? 2 : 1),
    target ? targetText(target, unit) : '–',
    isReached(row),
  ];
}

/** More is better, whatever the unit. */
function ratioOf({ ours, other, unit }: Row): number | undefined {
  if (other === undefined || ours === 0) return undefined;
  return unit === 'MB/s' ? ours / other : other / ours;
}

function targetText(target: Target, unit: Unit): string {
  if ('ratio' in target) return `ratio ≥ ${target.ratio}`;
  if ('within' in target) return `ratio ≥ 1/${target.within}`;
  return `≤ ${target.most} ${unit}`.trimEnd();
}

function isReached(row: Row): string {
  const { target, ours } = row;
  if (!target) return '–';
  if ('most' in target) return ours <= target.most ? 'yes' : 'NO';
  const ratio = ratioOf(row);
  if (ratio === undefined) return '?';
  return ratio >= ('ratio' in target ? target.ratio : 1 / target.within) ? 'yes' : 'NO';
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? NaN;
}
