// Keeps accounts: create, change, remove, list. What it refuses, it refuses with what to do instead, because the command line prints it.
// Must never log or repeat a password. Called through open-accounts.ts.
import { Refusal } from '../quarantine/errors.ts';
import type { AccountRecord } from '../quarantine/ports.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { scopeOfLogin } from '../quarantine/scope.ts';
import type { Account, Accounts, AccountsOptions } from './accounts.ts';
import { readLoginName } from './login-name.ts';
import { defaultHashCost, hashPassword, mostPasswordBytes } from './password-hash.ts';

export function openAccountRecords(
  { storage, domains, clock }: Quarantine,
  options: AccountsOptions,
): Omit<Accounts, 'authenticate'> {
  const hashCost = options.hashCost ?? defaultHashCost;

  /** @throws Refusal CANNOT */
  function canonicalName(typed: string): string {
    const read = readLoginName(domains, typed);
    switch (read.is) {
      case 'login':
        if (read.scope.role === 'user' && !domains.isRecipient(read.name))
          throw new Refusal(
            'CANNOT',
            `${read.scope.domain} keeps a list of its recipients and ${read.name} is not on it. Add it to the list first.`,
          );
        return read.name;
      case 'alias':
        throw new Refusal(
          'CANNOT',
          `${read.given} is an alias of ${read.domain} and has no login of its own. Create the account ${read.domain} instead.`,
        );
      case 'unknown domain':
        throw new Refusal('CANNOT', `The domain ${read.domain} is not known here. Add it first, with "domain add".`);
      case 'malformed':
        throw new Refusal('CANNOT', `"${typed}" is no login name. Give "global", a domain or an address.`);
    }
  }

  /** @throws Refusal NONEXISTENT */
  async function stored(typed: string): Promise<AccountRecord> {
    const read = readLoginName(domains, typed);
    // An account may have outlived its domain, or the domain's way to write sub-addresses.
    const asTyped = await storage.accounts.get(typed.trim().toLowerCase());
    const record = asTyped ?? (read.is === 'login' ? await storage.accounts.get(read.name) : null);
    if (!record) throw new Refusal('NONEXISTENT', `There is no account ${read.is === 'login' ? read.name : typed}.`);
    return record;
  }

  async function nameForNew(typed: string): Promise<string> {
    const name = canonicalName(typed);
    const existing = `There is an account ${name} already. Use "account passwd" to give it another password.`;
    if (await storage.accounts.get(name)) throw new Refusal('ALREADYEXISTS', existing);
    return name;
  }

  return {
    nameForNew,
    find: async (typed) => toAccount(await stored(typed)),
    async create(typed, password) {
      const name = await nameForNew(typed);
      refuseUnusable(password);
      const record = { name, passwordHash: await hashPassword(password, hashCost), createdAt: clock.now() };
      await storage.accounts.put(record);
      return toAccount(record);
    },
    async setPassword(typed, password) {
      const record = await stored(typed);
      refuseUnusable(password);
      await storage.accounts.put({ ...record, passwordHash: await hashPassword(password, hashCost) });
      return toAccount(record);
    },
    async remove(typed) {
      const record = await stored(typed);
      await storage.accounts.remove(record.name);
      return toAccount(record);
    },
    async list() {
      const accounts = (await storage.accounts.list()).map(toAccount);
      return accounts.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    },
  };
}

function toAccount({ name, createdAt }: AccountRecord): Account {
  return { name, role: scopeOfLogin(name).role, createdAt };
}

function sortKey({ name, role }: Account): string {
  const at = name.lastIndexOf('@');
  return role === 'global' ? '' : `${name.slice(at + 1)} ${at < 0 ? '' : name}`;
}

// RFC 9051 section 9: neither a quoted string nor AUTHENTICATE PLAIN can carry NUL, and mail programs send no line break.
function refuseUnusable(password: string): void {
  if (password === '') throw new Refusal('CANNOT', 'The password is empty.');
  if (/\p{Cc}/u.test(password))
    throw new Refusal('CANNOT', 'The password holds a control character, which mail programs cannot send.');
  if (Buffer.byteLength(password) > mostPasswordBytes)
    throw new Refusal('CANNOT', `The password is longer than ${mostPasswordBytes} bytes.`);
}
