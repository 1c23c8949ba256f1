// `lazaretto account …`: who may log in. Called by program.ts.
import type { Command } from 'commander';
import type { Account } from '../accounts/accounts.ts';
import { readLoginName } from '../accounts/login-name.ts';
import { openAccounts } from '../accounts/open-accounts.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { jsonDate } from './answer.ts';
import { askPassword } from './ask-password.ts';
import { withQuarantine } from './command-context.ts';
import { examples } from './help-text.ts';
import { shownDate } from './shown-values.ts';
import { table } from './table.ts';

interface PasswordOptions {
  passwordStdin?: boolean;
}

const nameHelp = 'global, a domain, or an address';
const stdinHelp = 'read the password as one line from stdin instead of asking for it';
/** NIST SP 800-63B section 3.1.1.2 asks for 8 and more. */
const fewestCharacters = 8;

export function addAccountCommands(program: Command): void {
  const account = program.command('account').description('logins: who may look into the quarantine').helpCommand(false);
  account
    .command('add')
    .description('add a login')
    .argument('<name>', nameHelp)
    .option('--password-stdin', stdinHelp)
    .addHelpText(
      'after',
      examples(
        'account add global                sees everything',
        'account add example.com           sees the mail of the domain',
        'account add alice@example.com     sees her own mail',
        'account add bob@example.com --password-stdin < password.txt',
      ),
    )
    .action(async (name: string, options: PasswordOptions, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const accounts = openAccounts(quarantine);
        const password = await newPassword(await accounts.nameForNew(name), options);
        const added = await accounts.create(name, password);
        await answer(`Added the account ${added.name}.`, forScripts(quarantine, added));
      }),
    );
  account
    .command('passwd')
    .description('give a login another password; it counts from the next login on')
    .argument('<name>', nameHelp)
    .option('--password-stdin', stdinHelp)
    .addHelpText('after', examples('account passwd alice@example.com'))
    .action(async (name: string, options: PasswordOptions, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const accounts = openAccounts(quarantine);
        const password = await newPassword((await accounts.find(name)).name, options);
        const changed = await accounts.setPassword(name, password);
        await answer(`Changed the password of ${changed.name}.`, forScripts(quarantine, changed));
      }),
    );
  account
    .command('list')
    .description('list the logins')
    .addHelpText('after', examples('account list', 'account list --json'))
    .action(async (_options: object, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const list = await openAccounts(quarantine).list();
        await answer(
          shownAccounts(quarantine, list),
          list.map((entry) => forScripts(quarantine, entry)),
        );
      }),
    );
  account
    .command('remove')
    .description('remove a login; its mail stays')
    .argument('<name>', nameHelp)
    .addHelpText('after', examples('account remove alice@example.com'))
    .action(async (name: string, _options: object, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const removed = await openAccounts(quarantine).remove(name);
        await answer(`Removed the account ${removed.name}.`, { removed: removed.name });
      }),
    );
}

async function newPassword(name: string, options: PasswordOptions): Promise<string> {
  const password = await askPassword(name, { fromStdin: options.passwordStdin === true });
  if (password && [...password].length < fewestCharacters) {
    process.stderr.write(
      `lazaretto: warning: passwords of fewer than ${fewestCharacters} characters are soon guessed.\n`,
    );
  }
  return password;
}

/** Whether people can log in with the name as it stands: its domain may be gone, or have become an alias. */
function canLogIn(quarantine: Quarantine, { name }: Account): boolean {
  const read = readLoginName(quarantine.domains, name);
  return read.is === 'login' && read.name === name;
}

function shownAccounts(quarantine: Quarantine, list: readonly Account[]): string {
  if (!list.length) return 'There are no accounts yet. Add one with "account add NAME".';
  const rows = list.map((account) => [
    account.name,
    account.role,
    shownDate(account.createdAt),
    canLogIn(quarantine, account) ? '' : 'cannot log in: no such domain',
  ]);
  return table(['LOGIN', 'ROLE', 'SINCE', ''], rows);
}

function forScripts(quarantine: Quarantine, account: Account): object {
  return { ...account, createdAt: jsonDate(account.createdAt), canLogIn: canLogIn(quarantine, account) };
}
