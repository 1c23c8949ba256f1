// `lazaretto store verify`: looks through a whole store and tells every fault. Called by store-commands.ts.
import type { Command } from 'commander';
import { openMovable } from '../storage/open-movable.ts';
import { verifyStore } from '../storage/verify-store.ts';
import type { Fault } from '../storage/verify-store.ts';
import { writeOut } from './answer.ts';
import { answer, settingsOf, wantsJson } from './command-context.ts';
import { examples } from './help-text.ts';
import { createProgressBar } from './progress-bar.ts';
import { shownCount, shownNumber, shownSize, shownText } from './shown-values.ts';

export function addStoreVerify(store: Command): void {
  store
    .command('verify')
    .description('read everything in the store and tell every fault; changes nothing')
    .option('--store <url>', 'another store than that of the settings')
    .addHelpText(
      'after',
      `
Works beside a running server. Exit code 1 when there is a fault.
${examples('store verify', 'store verify --store sqlite:/backup/quarantine-2026-03-01.db')}`,
    )
    .action(async (options: { store?: string }, command: Command) => {
      const bar = createProgressBar(process.stderr, () => performance.now());
      const opened = await openMovable(options.store ?? settingsOf(command).store, 'verify');
      const faults: Fault[] = [];
      const told: Promise<void>[] = [];
      const json = wantsJson(command);
      try {
        const seen = await verifyStore(opened.source, {
          onFault(fault) {
            if (json) return void faults.push(fault);
            bar.clear();
            told.push(writeOut(`${shownFault(fault)}\n`));
          },
          onProgress: (done, total) =>
            bar.show(total ? done / total : 1, `${shownNumber(done)} of ${shownNumber(total)}`),
        });
        bar.clear();
        await Promise.all(told);
        const { contents, contentBytes, messages } = seen;
        const what = `${shownCount(messages, 'message')}, ${shownCount(contents, 'content')} of ${shownSize(contentBytes)}`;
        const { faults: number, ...counts } = seen;
        await answer(command, `${what}: ${number ? shownCount(number, 'fault') : 'no fault'}.`, { ...counts, faults });
        if (number) process.exitCode = 1;
      } finally {
        bar.clear();
        await opened.close();
      }
    });
}

function shownFault({ what, id, fault }: Fault): string {
  return shownText(id ? `${what} ${id}: ${fault}` : `${what}: ${fault}`);
}
