// `lazaretto doctor DOMAIN`: looks for what keeps released mail from arriving. Called by program.ts.
import type { Command } from 'commander';
import { withQuarantine } from './command-context.ts';
import { examples } from './help-text.ts';
import { shownText } from './shown-values.ts';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('look for what is wrong with the delivery for a domain; delivers nothing')
    .argument('<domain>', 'the domain')
    .addHelpText('after', examples('doctor example.com'))
    .action(async (typed: string, _options: object, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        // Only now, because it loads what deliveries are made with.
        const { examineDomain } = await import('./examine-domain.ts');
        const findings = await examineDomain(quarantine, typed);
        const lines = findings.map(({ ok, text }) => `${ok ? 'ok   ' : 'WRONG'}  ${shownText(text)}`);
        const ok = findings.every((finding) => finding.ok);
        if (!ok) process.exitCode = 1;
        await answer(lines.join('\n'), { domain: typed, ok, findings });
      }),
    );
}
