// `lazaretto message list`: what a login sees, or what it no longer sees. Called by message-commands.ts.
import { Option } from 'commander';
import type { Command } from 'commander';
import { readLoginName } from '../accounts/login-name.ts';
import { canonicalDomain } from '../quarantine/address.ts';
import type { Message, View } from '../quarantine/message.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Reading } from '../quarantine/reading/reading.ts';
import type { Scope } from '../quarantine/scope.ts';
import { jsonDate } from './answer.ts';
import { withQuarantine } from './command-context.ts';
import { UsageError } from './failures.ts';
import { examples } from './help-text.ts';
import { stateOf } from './message-story.ts';
import { limitOf } from './option-values.ts';
import { shownDate, shownSize, shownText } from './shown-values.ts';

interface ListOptions {
  as?: string;
  folder?: View;
  owner?: string;
  domain?: string;
  text?: string;
  all?: boolean;
  limit: number;
}

const views = ['caught', 'outgoing', 'training', 'notices', 'reports'] as const satisfies readonly View[];
const width = 78;

export function addMessageList(message: Command): void {
  message
    .command('list')
    .description('list messages, the newest first')
    .option('--as <login>', 'only what belongs to this login (default: global)')
    .addOption(new Option('--folder <folder>', 'only of this folder').choices(views))
    .option('--owner <address>', 'only of this address')
    .option('--domain <name>', 'only of this domain')
    .option('--text <text>', 'only with this in sender, recipients or subject')
    .option('--all', 'also what left its view')
    .option('--limit <number>', 'at most so many', limitOf, 100)
    .addHelpText(
      'after',
      examples(
        'message list --owner alice@example.com --text invoice',
        'message list --domain example.com --all --json',
        'message list --as alice@example.com --folder notices',
      ),
    )
    .action(async (options: ListOptions, command: Command) =>
      withQuarantine(command, async ({ quarantine, json, answer }) => {
        const scope = scopeOf(quarantine, options.as);
        const query = {
          view: options.folder,
          owner: options.owner === undefined ? undefined : ownerOf(quarantine, options.owner),
          domain: options.domain === undefined ? undefined : domainOf(quarantine, options.domain),
          text: options.text,
          which: options.all || options.folder === 'reports' ? ('all' as const) : ('held' as const),
          limit: options.limit + 1,
        };
        const found = await quarantine.storage.find(scope, query);
        const messages = found.slice(0, options.limit);
        if (json && found.length > options.limit)
          process.stderr.write(`lazaretto: the newest ${options.limit} are listed; --limit lists more.\n`);
        const readings = await quarantine.storage.readings(
          scope,
          messages.map(({ id }) => id),
        );
        await answer(
          shownList(messages, readings, found.length > options.limit),
          messages.map((one, index) => forScripts(one, readings[index] ?? null)),
        );
      }),
    );
}

/** @throws UsageError */
export function scopeOf(quarantine: Quarantine, login: string | undefined): Scope {
  if (login === undefined) return { role: 'global' };
  const read = readLoginName(quarantine.domains, login);
  if (read.is === 'login') return read.scope;
  throw new UsageError(`--as: "${login}" is no login: give global, a domain or an address of a known domain.`);
}

// Mail of a domain that was removed is still there; its owners are found by their names as they stand.
function ownerOf(quarantine: Quarantine, address: string): string {
  return quarantine.domains.ownerOf(address)?.address ?? address.trim().toLowerCase();
}

function domainOf(quarantine: Quarantine, typed: string): string {
  const name = canonicalDomain(typed) ?? typed;
  return quarantine.domains.find(name)?.name ?? name;
}

function shownList(messages: readonly Message[], readings: readonly (Reading | null)[], isCut: boolean): string {
  if (!messages.length) return 'No messages.';
  const entries = messages.map((message, index) => {
    const { summary } = readings[index] ?? {};
    const parties = `${message.envelope.sender || '<>'} → ${message.envelope.recipients.join(', ')}`;
    const subject = summary ? shownText(summary.subject, width - 2) || '(no subject)' : '(content gone)';
    const facts = [shownDate(message.receivedAt), message.view, message.category, shownSize(message.sizeBytes)];
    return [
      `${message.id}  ${facts.join('  ')}`,
      `  ${shownText(parties, width - 2)}`,
      `  ${subject}`,
      `  ${stateOf(message)}`,
    ].join('\n');
  });
  if (isCut) entries.push(`The newest ${messages.length} are shown; --limit shows more.`);
  return entries.join('\n\n');
}

export function forScripts(message: Message, reading: Reading | null): object {
  const { summary, attachments } = reading ?? {};
  return {
    id: message.id,
    folder: message.view,
    owner: message.owner.address || message.owner.domain || 'global',
    envelope: message.envelope,
    category: message.category,
    receivedAt: jsonDate(message.receivedAt),
    sizeBytes: message.sizeBytes,
    digest: message.digest,
    headers: summary ? { ...summary, date: jsonDate(summary.date) } : null,
    attachments: attachments?.map(({ name, type, sizeBytes }) => ({ name, type, sizeBytes })) ?? [],
    held: !message.removed,
    removed: message.removed && { ...message.removed, at: jsonDate(message.removed.at) },
    marks: message.marks,
    state: stateOf(message),
  };
}
