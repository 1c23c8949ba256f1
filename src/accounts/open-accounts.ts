// Makes the accounts of a quarantine: logins and the keeping of their records. Called by the wiring (main.ts, cli/, tests).
import type { Quarantine } from '../quarantine/quarantine.ts';
import { openAccountRecords } from './account-records.ts';
import type { Accounts, AccountsOptions } from './accounts.ts';
import { openLogin } from './login.ts';

export function openAccounts(quarantine: Quarantine, options: AccountsOptions = {}): Accounts {
  return { authenticate: openLogin(quarantine, options), ...openAccountRecords(quarantine, options) };
}
