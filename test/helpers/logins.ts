// Accounts for tests and scripts that begin with an empty INBOX: logins that have had their help (src/quarantine/help-notice.ts).
import type { AccountsOptions } from '../../src/accounts/accounts.ts';
import { openAccounts } from '../../src/accounts/open-accounts.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';

export async function addLogin(
  quarantine: Quarantine,
  name: string,
  password: string,
  options: AccountsOptions = {},
): Promise<void> {
  const account = await openAccounts(quarantine, options).create(name, password);
  await quarantine.storage.accounts.markGreeted(account, quarantine.clock.now());
}
