// What `domain add` and `domain set` make of a domain's record: pure, and refused with a sentence where it contradicts itself or another
// domain. Called by domain-commands.ts.
import { canonicalLocalPart, parseAddress } from '../quarantine/address.ts';
import { blankDomain } from '../quarantine/domains.ts';
import type { DomainDirectory } from '../quarantine/domains.ts';
import { Refusal } from '../quarantine/errors.ts';
import type { DomainRecord } from '../quarantine/ports.ts';
import { UsageError } from './failures.ts';
import { deliverToOf, domainNameOf, durationOf, onOffOf, subaddressOf } from './option-values.ts';

export interface DomainOptions {
  deliverTo?: string;
  alias?: string[];
  removeAlias?: string[];
  retention?: string;
  subaddress?: string;
  /** The lines of the file, or `any`. */
  recipients?: string[] | 'any';
  quarantine?: string;
  quarantineOff?: string[];
  quarantineOn?: string[];
}

/** @throws Refusal ALREADYEXISTS */
export function newDomain(domains: DomainDirectory, typed: string, options: DomainOptions): DomainRecord {
  const name = domainNameOf('domain', typed);
  const existing = domains.find(name);
  if (existing?.name === name)
    throw new Refusal('ALREADYEXISTS', `The domain ${name} is known already. Change it with "domain set".`);
  if (existing) throw new Refusal('ALREADYEXISTS', `${name} is an alias of ${existing.name} already.`);
  const blank = blankDomain(name, '');
  return changedDomain(domains, blank, options);
}

/** @throws Refusal, UsageError */
export function changedDomain(domains: DomainDirectory, record: DomainRecord, options: DomainOptions): DomainRecord {
  const changed = { ...record };
  if (options.deliverTo !== undefined) changed.deliverTo = deliverToOf(options.deliverTo);
  if (options.retention !== undefined) {
    changed.retentionMs = options.retention === 'default' ? null : durationOf('--retention', options.retention);
  }
  if (options.subaddress !== undefined) changed.subaddress = subaddressOf(options.subaddress);
  if (options.quarantine !== undefined) changed.quarantine = onOffOf('--quarantine', options.quarantine);
  changed.aliases = aliasesOf(domains, record, options);
  const localPart = (text: string): string => canonicalLocalPart(text, changed.subaddress);
  if (options.recipients === 'any') changed.recipients = null;
  else if (options.recipients) changed.recipients = recipientsOf(changed, options.recipients, localPart);
  else changed.recipients &&= distinct(changed.recipients.map(localPart));
  changed.quarantineOff = switchedOff(changed, options, localPart);
  return changed;
}

function aliasesOf(domains: DomainDirectory, record: DomainRecord, options: DomainOptions): string[] {
  const removed = (options.removeAlias ?? []).map((name) => domainNameOf('--remove-alias', name));
  for (const name of removed) {
    if (!record.aliases.includes(name)) throw new Refusal('CANNOT', `${name} is no alias of ${record.name}.`);
  }
  const added = (options.alias ?? []).map((name) => domainNameOf('--alias', name));
  for (const name of added) {
    if (name === record.name) throw new Refusal('CANNOT', `${name} cannot be an alias of itself.`);
    const other = domains.find(name);
    if (!other || other.name === record.name) continue;
    const what = other.name === name ? 'a domain of its own' : `an alias of ${other.name}`;
    throw new Refusal('ALREADYEXISTS', `${name} is ${what} already.`);
  }
  return distinct([...record.aliases.filter((name) => !removed.includes(name)), ...added]);
}

function recipientsOf(record: DomainRecord, lines: readonly string[], localPart: (text: string) => string): string[] {
  const recipients: string[] = [];
  lines.forEach((line, index) => {
    const text = line.replace(/(^|\s)#.*$/, '').trim();
    if (text) recipients.push(localPart(localPartOf(record, text, `--recipients: line ${index + 1}`)));
  });
  if (!recipients.length) {
    throw new UsageError(
      '--recipients: the file names nobody, so that all mail would be refused; "any" accepts all recipients.',
    );
  }
  return distinct(recipients);
}

/** Of an address of the domain, or of an alias; a text without @ is a local part already. */
function localPartOf(record: DomainRecord, text: string, what: string): string {
  if (!text.includes('@')) {
    if (/\s/.test(text)) throw new UsageError(`${what}: "${text}" is neither an address nor the part before the @.`);
    return text;
  }
  const address = parseAddress(text);
  if (address && [record.name, ...record.aliases].includes(address.domain)) return address.localPart;
  throw new UsageError(`${what}: "${text}" is no address of ${record.name}.`);
}

function switchedOff(record: DomainRecord, options: DomainOptions, localPart: (text: string) => string): string[] {
  const canonical = (option: string, text: string): string =>
    `${localPart(localPartOf(record, text, option))}@${record.name}`;
  const on = (options.quarantineOn ?? []).map((text) => canonical('--quarantine-on', text));
  const off = (options.quarantineOff ?? []).map((text) => canonical('--quarantine-off', text));
  return distinct([...record.quarantineOff, ...off]).filter((address) => !on.includes(address));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
