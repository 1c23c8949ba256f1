// `lazaretto domain …`: the domains that mail is kept for. A running server knows of a change within a second.
// Must never show the credentials that a delivery target may hold. Called by program.ts.
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { canonicalDomain } from '../quarantine/address.ts';
import { Refusal } from '../quarantine/errors.ts';
import type { DomainRecord } from '../quarantine/ports.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { parseDeliverTo } from '../targets/parse-target-url.ts';
import { withQuarantine } from './command-context.ts';
import { changedDomain, newDomain } from './domain-records.ts';
import type { DomainOptions } from './domain-records.ts';
import { CommandFailed, UsageError } from './failures.ts';
import { examples } from './help-text.ts';
import { collected } from './option-values.ts';
import { shownCount, shownDuration, shownNumber } from './shown-values.ts';
import { table } from './table.ts';

interface TypedOptions extends Omit<DomainOptions, 'recipients'> {
  /** A file name, or `any`. */
  recipients?: string;
}

export function addDomainCommands(program: Command): void {
  const domain = program.command('domain').description('domains that mail is kept for').helpCommand(false);
  addDomainAdd(domain);
  addDomainSet(domain);
  domain
    .command('list')
    .description('list the domains')
    .addHelpText('after', examples('domain list', 'domain list --json'))
    .action(async (_options: object, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const domains = [...quarantine.domains.list()].sort((a, b) => (a.name < b.name ? -1 : 1));
        await answer(shownDomains(domains), domains.map(forScripts));
      }),
    );
  domain
    .command('remove')
    .description('remove a domain and its accounts; its mail stays until it expires, for global alone')
    .argument('<name>', 'the domain')
    .option('--force', 'also when it holds mail or has deliveries under way')
    .addHelpText('after', examples('domain remove example.com'))
    .action(async (typed: string, options: { force?: boolean }, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const record = known(quarantine, typed);
        if (!options.force) await refuseInUse(quarantine, record);
        const accounts = await removeAccounts(quarantine, record.name);
        await quarantine.storage.domains.remove(record.name);
        const text = `Removed ${record.name}${accounts ? ` and ${shownCount(accounts, 'account')}` : ''}.`;
        await answer(text, { removed: record.name, accounts });
      }),
    );
}

function addDomainAdd(domain: Command): void {
  withSharedOptions(domain.command('add'))
    .description('add a domain')
    .argument('<name>', 'the domain')
    .addHelpText(
      'after',
      examples(
        'domain add example.com --deliver-to smtp://10.0.0.5:25',
        'domain add example.com --deliver-to lmtp:/run/dovecot/lmtp --alias example.org',
        'domain add example.com --deliver-to mx --retention 30d --recipients people.txt',
      ),
    )
    .action(async (typed: string, options: TypedOptions, command: Command) => {
      if (options.deliverTo === undefined) {
        throw new UsageError('--deliver-to is needed: where is released mail of the domain delivered to?');
      }
      const read = await withRecipients(options);
      await withQuarantine(command, async ({ quarantine, answer }) => {
        const record = newDomain(quarantine.domains, typed, read);
        await quarantine.storage.domains.put(record);
        await answer(`Added ${shownDomain(record)}`, forScripts(record));
      });
    });
}

function addDomainSet(domain: Command): void {
  withSharedOptions(domain.command('set'))
    .description('change a domain; what is not named stays as it is')
    .argument('<name>', 'the domain')
    .option('--remove-alias <name>', 'no longer another name of it (may be repeated)', collected)
    .option('--quarantine <on|off>', 'off: its logins see nothing; mail is kept for global')
    .option('--quarantine-off <address>', 'this address sees nothing (may be repeated)', collected)
    .option('--quarantine-on <address>', 'this address sees its mail again (may be repeated)', collected)
    .addHelpText(
      'after',
      examples(
        'domain set example.com --deliver-to smtps://mx1.example.com:465',
        'domain set example.com --recipients ./people.txt --retention default',
        'domain set example.com --quarantine-off boss@example.com',
      ),
    )
    .action(async (typed: string, options: TypedOptions, command: Command) => {
      if (!Object.keys(options).length) throw new UsageError('nothing to change; see "lazaretto domain set --help".');
      const read = await withRecipients(options);
      await withQuarantine(command, async ({ quarantine, answer }) => {
        const record = changedDomain(quarantine.domains, known(quarantine, typed), read);
        await quarantine.storage.domains.put(record);
        await answer(`Changed ${shownDomain(record)}`, forScripts(record));
      });
    });
}

function withSharedOptions(command: Command): Command {
  return command
    .option('--deliver-to <url>', 'smtp://host:port, smtps://…, lmtp://host:port, lmtp:/socket or mx')
    .option('--alias <name>', 'another name of the same domain (may be repeated)', collected)
    .option('--retention <time>', 'how long mail is held, such as 30d, or default')
    .option('--subaddress <character>', 'what begins a sub-address, for mail to come: + or none')
    .option('--recipients <file>', 'the addresses that exist, one on each line; any: all');
}

async function withRecipients(options: TypedOptions): Promise<DomainOptions> {
  const { recipients, ...rest } = options;
  if (recipients === undefined || recipients === 'any') return { ...rest, recipients };
  return { ...rest, recipients: (await readFile(recipients, 'utf8')).split(/\r?\n/) };
}

/** @throws Refusal NONEXISTENT */
function known(quarantine: Quarantine, typed: string): DomainRecord {
  const name = canonicalDomain(typed);
  const record = name ? quarantine.domains.find(name) : undefined;
  if (!record)
    throw new Refusal('NONEXISTENT', `There is no domain "${typed}". "domain list" shows those that are known.`);
  if (record.name !== name)
    throw new Refusal('CANNOT', `${name} is an alias of ${record.name}. Use that name for the command.`);
  return record;
}

async function refuseInUse(quarantine: Quarantine, record: DomainRecord): Promise<void> {
  const most = 1_000;
  const { storage } = quarantine;
  const held = (await storage.find({ role: 'global' }, { domain: record.name, limit: most })).length;
  const withJobs = await storage.worker.withJobs({ ended: false, limit: Number.MAX_SAFE_INTEGER });
  const underWay = withJobs.filter(({ owner }) => owner.domain === record.name).length;
  if (!held && !underWay) return;
  const parts = [
    ...(held ? [`holds ${held === most ? `${shownNumber(most)} or more messages` : shownCount(held, 'message')}`] : []),
    ...(underWay ? [`has deliveries or reports under way for ${shownCount(underWay, 'message')}`] : []),
  ];
  throw new CommandFailed(
    `${record.name} ${parts.join(' and ')}. With --force it is removed all the same: the mail stays for the login global until ` +
      'it expires, and what is still to be delivered has nowhere to go.',
  );
}

async function removeAccounts(quarantine: Quarantine, domain: string): Promise<number> {
  const { accounts } = quarantine.storage;
  const ofDomain = (await accounts.list()).filter(({ name }) => name === domain || name.endsWith(`@${domain}`));
  for (const { name } of ofDomain) await accounts.remove(name);
  return ofDomain.length;
}

/** Without credentials. */
function shownTarget(record: DomainRecord): string {
  try {
    return parseDeliverTo(record.deliverTo).shown;
  } catch {
    return 'cannot be read';
  }
}

function shownDomains(domains: readonly DomainRecord[]): string {
  if (!domains.length) return 'There are no domains yet. Add one with "domain add NAME --deliver-to URL".';
  const header = ['DOMAIN', 'DELIVER TO', 'HELD FOR', 'QUARANTINE'];
  const rows = domains.map((record) => [
    record.name,
    shownTarget(record),
    record.retentionMs === null ? 'default' : shownDuration(record.retentionMs),
    record.quarantine ? 'on' : 'off',
  ]);
  const [head = '', ...lines] = table(header, rows).split('\n');
  const details = domains.map((record) => detailsOf(record).map((detail) => `  ${detail}`));
  return [head, ...lines.flatMap((line, index) => [line, ...(details[index] ?? [])])].join('\n');
}

function detailsOf(record: DomainRecord): string[] {
  const { aliases, recipients, quarantineOff, subaddress } = record;
  return [
    ...(aliases.length ? [`aliases: ${aliases.join(', ')}`] : []),
    ...(recipients ? [`${shownCount(recipients.length, 'recipient')} listed`] : []),
    ...(quarantineOff.length ? [`quarantine off for: ${quarantineOff.join(', ')}`] : []),
    ...(subaddress === '+' ? [] : [subaddress ? `sub-addresses begin with ${subaddress}` : 'no sub-addresses']),
  ];
}

function shownDomain(record: DomainRecord): string {
  const facts = [
    `delivers to ${shownTarget(record)}`,
    `holds mail for ${record.retentionMs === null ? 'the default time' : shownDuration(record.retentionMs)}`,
    ...(record.quarantine ? [] : ['quarantine off']),
  ];
  return [`${record.name}: ${facts.join(', ')}`, ...detailsOf(record).map((detail) => `  ${detail}`)].join('\n');
}

function forScripts(record: DomainRecord): object {
  const { retentionMs, ...rest } = record;
  return {
    ...rest,
    deliverTo: shownTarget(record),
    retention: retentionMs === null ? null : shownDuration(retentionMs),
  };
}
