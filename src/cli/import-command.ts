// `lazaretto import`: mail from files into the quarantine, beside a running server. Called by program.ts.
import { Option } from 'commander';
import type { Command } from 'commander';
import { importFiles } from '../intake/files/import-files.ts';
import type { ImportProgress, ImportReport } from '../intake/files/import-files.ts';
import type { IntakeView } from '../quarantine/receive.ts';
import { withQuarantine } from './command-context.ts';
import { CommandFailed } from './failures.ts';
import { examples } from './help-text.ts';
import { collected } from './option-values.ts';
import { createProgressBar } from './progress-bar.ts';
import { onStopSignal } from './stop-signal.ts';
import { shownNumber, shownText } from './shown-values.ts';

interface ImportCommandOptions {
  folder: IntakeView;
  recipient?: string[];
  sender?: string;
  allowDuplicates?: boolean;
}

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('bring in mail from files: .eml, mbox, Maildir, or folders of them')
    .argument('<path...>', 'files and folders, imported in this order')
    .addOption(
      new Option('--folder <folder>', 'where the mail is shown')
        .choices(['caught', 'outgoing', 'training'])
        .makeOptionMandatory(),
    )
    .option('--recipient <address>', 'envelope recipient of every message (may be repeated)', collected)
    .option('--sender <address>', 'envelope sender of every message; "" is the null sender')
    .option('--allow-duplicates', 'also what was imported or received before')
    .addHelpText(
      'after',
      `
Without --recipient, the headers X-Envelope-To, Delivered-To, X-Original-To and
Envelope-To of each message tell. Running the same import again adds nothing.
${examples(
  'import --folder caught /var/spool/quarantine',
  'import --folder caught --recipient alice@example.com spam.mbox',
  'import --folder outgoing --sender bob@example.com held/*.eml',
)}`,
    )
    .action(async (paths: string[], options: ImportCommandOptions, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const bar = createProgressBar(process.stderr, () => performance.now());
        const interrupted = new AbortController();
        // The first Ctrl-C ends the import between two messages, a second one the process.
        const ignoreSignals = onStopSignal(() => interrupted.abort());
        let report: ImportReport;
        try {
          report = await importFiles(
            {
              paths,
              view: options.folder,
              recipients: options.recipient,
              sender: options.sender === '<>' ? '' : options.sender,
              allowDuplicates: options.allowDuplicates,
              signal: interrupted.signal,
            },
            quarantine,
            (progress) => bar.show(partOf(progress), progressText(progress)),
          );
        } finally {
          bar.clear();
          ignoreSignals();
        }
        for (const { source, position, problem } of report.failed) {
          const where = position ? `${source}: ${position}` : source;
          process.stderr.write(`lazaretto: ${shownText(where)}: ${shownText(problem)}\n`);
        }
        await answer(summary(report), report);
        if (report.stopped) throw new CommandFailed(report.stopped);
        if (report.failed.length) process.exitCode = 1;
      }),
    );
}

function summary({ stored, known, failed }: ImportReport): string {
  const parts = [
    `${shownNumber(stored)} stored`,
    ...(known ? [`${shownNumber(known)} known already`] : []),
    ...(failed.length ? [`${shownNumber(failed.length)} failed`] : []),
  ];
  return `${parts.join(', ')}.`;
}

function partOf({ bytesRead, bytesTotal }: ImportProgress): number {
  return bytesTotal ? bytesRead / bytesTotal : 1;
}

function progressText({ messages, failed }: ImportProgress): string {
  return `${shownNumber(messages)} messages${failed ? `, ${shownNumber(failed)} failed` : ''}`;
}
