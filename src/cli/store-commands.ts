// `lazaretto store …`: the store as a whole, for who keeps it. Called by program.ts. Never shows a URL, which may hold a password.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Storage, StoreStats } from '../quarantine/ports.ts';
import { backUpSqlite } from '../storage/sqlite/backup.ts';
import { checkStoreUrl, openStorage } from '../storage/open-storage.ts';
import { answer, commandLog, settingsOf } from './command-context.ts';
import { CommandFailed } from './failures.ts';
import { examples } from './help-text.ts';
import { shownCount, shownNumber, shownSize } from './shown-values.ts';
import { addStoreCopy } from './store-copy.ts';
import { addStoreVerify } from './store-verify.ts';
import { table } from './table.ts';

export function addStoreCommands(program: Command): void {
  const store = program.command('store').description('the store as a whole: copy, verify, back up').helpCommand(false);
  addStoreCopy(store);
  addStoreVerify(store);
  store
    .command('stats')
    .description('how much is in the store')
    .option('--store <url>', 'another store than that of the settings')
    .addHelpText('after', examples('store stats', 'store stats --store sqlite:/mnt/old/quarantine.db --json'))
    .action(async (options: { store?: string }, command: Command) => {
      const stats = await withStore(command, options.store, (storage) => storage.upkeep.stats());
      await answer(command, shownStats(stats), stats);
    });
  addStoreBackup(store);
  addStoreRestored(store);
}

function addStoreBackup(store: Command): void {
  store
    .command('backup')
    .description('copy an embedded (SQLite) store into a file, beside a running server')
    .argument('<file>', 'must not be there yet')
    .addHelpText(
      'after',
      `
The copy is one moment of the store, complete. It marks itself as restored: a
server that is started with it parks what was due and gives every mailbox a new
UIDVALIDITY (see "store restored"). The index for searches (…-search.db) is not
in it: a server makes it anew, and the file may be deleted at any time.
${examples('store backup /backup/quarantine-2026-03-01.db')}`,
    )
    .action(async (file: string, _options: object, command: Command) => {
      const place = await checkStoreUrl(settingsOf(command).store);
      if (place.driver !== 'sqlite')
        throw new CommandFailed(
          'This makes backups of an embedded (SQLite) store. Back up MongoDB with its own tools, such as mongodump --oplog, and give ' +
            '"store restored" after a restore.',
        );
      backUpSqlite(place.path, file);
      await answer(command, `${file} holds a backup of the store.`, { file });
    });
}

function addStoreRestored(store: Command): void {
  store
    .command('restored')
    .description('say that the store was put back from a backup or a snapshot; before the server starts')
    .addHelpText(
      'after',
      `
Needed after a restore by other means than "store backup", whose copies say so
by themselves. At the next start, before anything is delivered or shown, every
delivery and report that was due is parked, because it may have been done since
the backup was made ("jobs list" shows them, "jobs retry --parked" lets them go),
and mail programs are told to fetch their lists anew.
${examples('store restored')}`,
    )
    .action(async (_options: object, command: Command) => {
      const due = await withStore(command, undefined, async (storage) => {
        await storage.upkeep.markRestored();
        return (await storage.worker.withJobs({ ended: false, limit: Number.MAX_SAFE_INTEGER })).length;
      });
      const jobs = due
        ? `the jobs of ${shownCount(due, 'message')} are parked`
        : 'jobs would be parked, but none is due';
      await answer(
        command,
        `The store is marked as restored. At the next start of a server ${jobs}, and mail programs fetch their lists anew. ` +
          'A server that is running now takes no notice: stop it, then start it.',
        { restored: true, messagesWithJobs: due },
      );
    });
}

/** Opens a store that is there already: none is made by looking at it. */
async function withStore<T>(
  command: Command,
  url: string | undefined,
  work: (storage: Storage) => Promise<T>,
): Promise<T> {
  const store = url ?? settingsOf(command).store;
  const place = await checkStoreUrl(store);
  if (place.driver === 'sqlite' && !existsSync(place.path)) throw new CommandFailed(`There is no store ${place.path}.`);
  const storage = await openStorage(store, { log: commandLog() });
  try {
    return await work(storage);
  } finally {
    await storage.close();
  }
}

const viewNames: Record<keyof StoreStats['messages'], string> = {
  caught: 'Caught',
  outgoing: 'Caught (Outgoing)',
  training: 'Training Requested',
  notices: 'notices',
  reports: 'kept for reports',
};

function shownStats({ messages, contents, domains, accounts, diskBytes }: StoreStats): string {
  const rows = Object.entries(viewNames).map(([view, name]) => {
    const { held, left, tombstones } = messages[view as keyof typeof messages];
    return [name, shownNumber(held), shownNumber(left), shownNumber(tombstones)];
  });
  const disk = diskBytes === null ? '' : `, ${shownSize(diskBytes)} on disk`;
  return [
    table(['messages', 'held', 'left', 'remembered'], rows),
    '',
    `${shownCount(contents.count, 'content')} of ${shownSize(contents.bytes)}${disk}; ${shownCount(domains, 'domain')}, ${shownCount(accounts, 'login')}`,
  ].join('\n');
}
