// `lazaretto doctor DOMAIN`: looks for what keeps released mail from arriving, and for the records by which mail programs find the quarantine.
// Called by program.ts.
import { Resolver } from 'node:dns/promises';
import type { Command } from 'commander';
import { imapServers } from '../imap-servers.ts';
import { canonicalDomain } from '../quarantine/address.ts';
import { withQuarantine } from './command-context.ts';
import { examineConnectRecords, shownRecords } from './connect-records.ts';
import { UsageError } from './failures.ts';
import { examples } from './help-text.ts';
import { shownText } from './shown-values.ts';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'look for what is wrong with the delivery for a domain, and show the DNS records for mail programs; delivers nothing',
    )
    .argument('<domain>', 'the domain, or an alias of it')
    .option('--dns <server>', 'ask this DNS server (an IP address, :PORT if need be) for those records')
    .addHelpText('after', examples('doctor example.com', 'doctor example.com --dns 192.0.2.53'))
    .action(async (typed: string, { dns }: { dns?: string }, command: Command) =>
      withQuarantine(command, async ({ settings, quarantine, answer }) => {
        // Only now, because it loads what deliveries are made with.
        const { examineDomain } = await import('./examine-domain.ts');
        const findings = await examineDomain(quarantine, typed);
        const lines = findings.map(({ ok, text }) => `${ok ? 'ok   ' : 'WRONG'}  ${shownText(text)}`);
        const ok = findings.every((finding) => finding.ok);
        if (!ok) process.exitCode = 1;
        const name = canonicalDomain(typed);
        const connect = { servers: imapServers(settings), webHost: settings.hostname };
        const resolver = resolverAt(dns);
        const isOurs = name !== null && quarantine.domains.find(name) !== undefined;
        const records = isOurs ? await examineConnectRecords(name, connect, resolver) : [];
        if (isOurs) lines.push('', shownRecords(name, records));
        await answer(lines.join('\n'), { domain: typed, ok, findings, records });
      }),
    );
}

/** Whoever waits for it is a person, who is told soon that it does not answer. */
function resolverAt(server: string | undefined): Resolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  try {
    if (server !== undefined) resolver.setServers([server]);
  } catch {
    throw new UsageError(`--dns: "${server}" is no IP address, with or without a port.`);
  }
  return resolver;
}
