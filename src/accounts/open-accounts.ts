// Makes the accounts of a quarantine: logins and the keeping of their records. Called by the wiring (main.ts, cli/, tests).
import { openAccountRecords } from './account-records.ts';
import type { Accounts, AccountsNeeds, AccountsOptions } from './accounts.ts';
import { openLogin } from './login.ts';

export function openAccounts(quarantine: AccountsNeeds, options: AccountsOptions = {}): Accounts {
  return { authenticate: openLogin(quarantine, options), ...openAccountRecords(quarantine, options) };
}
