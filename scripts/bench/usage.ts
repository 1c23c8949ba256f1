// What processes use, as Linux tells in /proc: CPU time of a process with all its threads and descendants, and memory. The kernel counts in
// hundredths of a second and leaves out what is less, so a measurement has to last a good deal longer than that.
import { readdirSync, readFileSync } from 'node:fs';

const tickMs = 10;

/** CPU time of a process and all that it started and that runs, in milliseconds. */
export function cpuMs(pid: number): number {
  return treeOf(pid).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

export interface Memory {
  /** Resident: what `ps` shows; pages that processes share count in each. */
  rssBytes: number;
  /** Shared pages divided by those who share them, so that it can be added up. */
  pssBytes: number;
  /** Of the resident pages those that are no file's. */
  anonymousBytes: number;
}

/** Of a process and all that it started. `only`: of those with this name. */
export function memory(pid: number, only?: string): Memory {
  const total = { rssBytes: 0, pssBytes: 0, anonymousBytes: 0 };
  for (const { pid: one, name } of treeOf(pid)) {
    if (only !== undefined && name !== only) continue;
    const rollup = read(`/proc/${one}/smaps_rollup`);
    total.rssBytes += kilobytes(rollup, 'Rss');
    total.pssBytes += kilobytes(rollup, 'Pss');
    total.anonymousBytes += kilobytes(rollup, 'Anonymous');
  }
  return total;
}

/** Cheaper than `memory`, for looking often. */
export function rssBytes(pid: number): number {
  return kilobytes(read(`/proc/${pid}/status`), 'VmRSS');
}

export function loadAverage(): string {
  return read('/proc/loadavg').split(' ').slice(0, 3).join(' ');
}

export function cpuModel(): string {
  return /^model name\s*: (.*)$/m.exec(read('/proc/cpuinfo'))?.[1] ?? 'unknown CPU';
}

interface Process {
  pid: number;
  parent: number;
  name: string;
  cpuMs: number;
}

function treeOf(root: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const tree = all.filter(({ pid }) => pid === root);
  for (const parent of tree) tree.push(...all.filter((process) => process.parent === parent.pid));
  return tree;
}

function statOf(pid: number): Process | null {
  // proc(5): the name stands in parentheses and may hold anything; state, parent … user time (14th), system time (15th).
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(read(`/proc/${pid}/stat`)) ?? [];
  const fields = rest.split(' ');
  if (!rest) return null;
  return { pid, name, parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs };
}

/** '' for a process that has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}
