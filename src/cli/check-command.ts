// `lazaretto check`: reads the configuration and everything that it names, reports all mistakes together, changes nothing.
// Called by program.ts.
import type { Command } from 'commander';
import { loadPair } from '../certificates/pair.ts';
import { loadFolders } from '../load-folders.ts';
import { createFolderSet } from '../quarantine/folder-set.ts';
import type { Settings } from '../settings.ts';
import { SettingsError } from '../settings/problems.ts';
import { checkStoreUrl } from '../storage/open-storage.ts';
import { parseDeliverTo } from '../targets/parse-target-url.ts';
import { answer, settingsFile, settingsOf } from './command-context.ts';
import { examples } from './help-text.ts';
import { shownCount, shownDate } from './shown-values.ts';

interface Checked {
  file: string | null;
  problems: { key: string; line?: number; text: string }[];
  warnings: string[];
}

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('read the configuration, report all mistakes together, change nothing')
    .addHelpText('after', examples('check', 'check --config /etc/lazaretto.yaml --json'))
    .action(async (_options: object, command: Command) => {
      const checked = await check(command);
      const { file, problems, warnings } = checked;
      for (const warning of warnings) process.stderr.write(`lazaretto: ${warning}\n`);
      if (!problems.length) {
        const what = file ?? 'There is no lazaretto.yaml here; the default configuration';
        await answer(command, `${what} is in order.`, { ok: true, ...checked });
        return;
      }
      process.exitCode = 1;
      const mistakes = shownCount(problems.length, 'mistake');
      const lines = problems.map(({ line, text }) => `  ${line === undefined ? '' : `line ${line}: `}${text}`);
      await answer(command, `${file ?? 'The default configuration'} has ${mistakes}:\n${lines.join('\n')}`, {
        ok: false,
        ...checked,
      });
    });
}

async function check(command: Command): Promise<Checked> {
  const file = settingsFile(command);
  let settings: Settings;
  try {
    settings = settingsOf(command);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const problems = error.problems.map(({ key, line, problem, expected }) => ({
      key,
      line,
      text: `${key ? `${key} ` : ''}${problem}; expected ${expected}`,
    }));
    return { file, problems, warnings: [] };
  }
  const checked: Checked = { file, problems: [], warnings: [] };
  const attempt = async (key: string, work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      checked.problems.push({ key, text: `${key}: ${error instanceof Error ? error.message : String(error)}` });
    }
  };
  await attempt('store', () => checkStoreUrl(settings.store));
  await attempt('folders', async () => createFolderSet(await loadFolders(), settings.folders));
  await attempt('delivery.outgoing', () => parseDeliverTo(settings.delivery.outgoing));
  for (const pair of settings.tls) {
    await attempt('tls', async () => {
      const { validTo } = await loadPair(pair);
      if (validTo < Date.now()) checked.warnings.push(`the certificate ${pair.cert} expired ${shownDate(validTo)}.`);
    });
  }
  return checked;
}
