// `lazaretto store copy`: the store moves to another file, or to another database, number for number. Called by store-commands.ts.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { copyStore } from '../storage/copy-store.ts';
import type { CopyReport, CopyStep } from '../storage/copy-store.ts';
import { openMovable } from '../storage/open-movable.ts';
import { checkStoreUrl, openStorage } from '../storage/open-storage.ts';
import { answer, commandLog } from './command-context.ts';
import { UsageError } from './failures.ts';
import { examples } from './help-text.ts';
import { createStepDisplay } from './step-display.ts';
import { shownCount, shownSize } from './shown-values.ts';

export function addStoreCopy(store: Command): void {
  store
    .command('copy')
    .description('copy a whole store into an empty one, so that mail programs notice nothing')
    .requiredOption('--from <url>', 'the store to copy; no server may use it meanwhile')
    .requiredOption('--to <url>', 'the new store')
    .addHelpText(
      'after',
      `
UIDs, UIDVALIDITY, flags, jobs and history stay as they are. Stop every process
that uses the store first. A copy that was interrupted goes on when the same
command is given again; until it is complete no server starts with it. At the
end both stores are read again and compared.
${examples('store copy --from sqlite:./data/quarantine.db --to mongodb://db1,db2,db3/lazaretto')}`,
    )
    .action(async (options: { from: string; to: string }, command: Command) => {
      await checkDifferent(options);
      const report = await copy(options);
      await retire(options.from);
      await answer(command, summary(report), report);
    });
}

async function checkDifferent({ from, to }: { from: string; to: string }): Promise<void> {
  const places = await Promise.all([from, to].map(checkStoreUrl));
  const [one, other] = places.map((place) => (place.driver === 'sqlite' ? resolve(place.path) : place.url));
  if (one === other) throw new UsageError('--from and --to name the same store.');
}

async function copy({ from, to }: { from: string; to: string }): Promise<CopyReport> {
  const display = createStepDisplay(process.stderr, () => performance.now());
  const source = await openMovable(from, 'source');
  try {
    const target = await openMovable(to, 'target');
    try {
      return await copyStore(source, target, {
        onStep: ({ step, done, total }) => display.show(names[step], done, total),
      });
    } finally {
      await target.close();
    }
  } finally {
    display.clear();
    await source.close();
  }
}

/** Should a server ever be started with the old store again, it delivers nothing by itself: that is the new one's work now. */
async function retire(from: string): Promise<void> {
  const old = await openStorage(from, { log: commandLog() });
  try {
    await old.upkeep.markRestored();
  } finally {
    await old.close();
  }
}

const names: Record<CopyStep['step'], string> = { contents: 'contents', messages: 'messages', comparison: 'compared' };

function summary({ resumed, contents, contentBytes, messages, domains, accounts, digest }: CopyReport): string {
  return [
    `${resumed ? 'The copy was gone on with and is' : 'The copy is'} complete: ${shownCount(messages, 'message')}, ` +
      `${shownCount(contents, 'content')} of ${shownSize(contentBytes)}, ${shownCount(domains, 'domain')}, ${shownCount(accounts, 'login')}. ` +
      'Both stores were compared and are the same.',
    `SHA-256 ${digest}`,
    'Name the new store in the settings (store) before you start a server. The old one is marked: a server that is started with it again',
    'delivers nothing by itself, but waits for you to let it (jobs list).',
  ].join('\n');
}
