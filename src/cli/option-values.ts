// Options whose values need reading: repeated ones, numbers, durations, on and off. What is wrong is a UsageError that names the option.
// Called by the commands.
import { canonicalDomain } from '../quarantine/address.ts';
import { duration } from '../settings/values.ts';
import { parseDeliverTo } from '../targets/parse-target-url.ts';
import { UsageError } from './failures.ts';

/** For commander: an option that may be given several times, each with one value. */
export function collected(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** For commander. */
export function limitOf(value: string): number {
  const limit = Number(value);
  if (/^\d{1,9}$/.test(value) && limit > 0) return limit;
  throw new UsageError(`--limit: "${value}" is no number from 1 up.`);
}

export function durationOf(option: string, value: string): number {
  const read = duration().safeParse(value);
  if (read.success) return read.data;
  throw new UsageError(`${option}: "${value}" is not ${read.error.issues[0]?.message ?? 'a duration'}.`);
}

export function onOffOf(option: string, value: string): boolean {
  if (value === 'on') return true;
  if (value === 'off') return false;
  throw new UsageError(`${option}: "${value}" is neither on nor off.`);
}

export function domainNameOf(what: string, value: string): string {
  const name = canonicalDomain(value);
  // The login `global` sees everything and must not be taken for a domain's.
  if (!name || name === 'global') throw new UsageError(`${what}: "${value}" is no domain name.`);
  return name;
}

/** Checks the form; the text itself is kept, because it may hold credentials that only the target may read. */
export function deliverToOf(value: string): string {
  try {
    parseDeliverTo(value);
    return value.trim();
  } catch (error) {
    throw new UsageError(`--deliver-to: ${error instanceof Error ? error.message : 'cannot be read'}.`);
  }
}

/** `none`, or the character that begins a sub-address. */
export function subaddressOf(value: string): string {
  if (value === 'none') return '';
  if (/^[-+=_#]$/.test(value)) return value;
  throw new UsageError(`--subaddress: "${value}" is neither none nor one of + - = _ #.`);
}
