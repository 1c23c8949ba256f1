// One login attempt: name, throttle, password, answer. Unknown and wrong take the same way, so that they look the same from outside,
// in words and in time. Must never log, return or throw a password. Called through open-accounts.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporaryError } from '../quarantine/errors.ts';
import { greet } from '../quarantine/help-notice.ts';
import type { AccountRecord } from '../quarantine/ports.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Accounts, AccountsOptions, LoginResult } from './accounts.ts';
import { createHashingLanes } from './hashing-lanes.ts';
import { readLoginName } from './login-name.ts';
import type { LoginName } from './login-name.ts';
import { networkOf } from './network-of.ts';
import { defaultHashCost, hashPassword, mostPasswordBytes, unmatchableHash, verifyPassword } from './password-hash.ts';
import { createThrottle, defaultThrottleRules } from './throttle.ts';
import type { Origin } from './throttle.ts';
import { createVerdictMemory } from './verdict-memory.ts';

/** `throttled`: while the password waited for its turn, others from there were found wrong. */
type Verdict = 'right' | 'wrong' | 'throttled';

interface Guess {
  read: LoginName;
  origin: Origin;
  password: string;
}

export function openLogin(quarantine: Quarantine, options: AccountsOptions): Accounts['authenticate'] {
  const { storage, domains, clock, log, meter } = quarantine;
  const sentences = quarantine.sentences.sessions;
  const wrong = { ok: false, code: 'AUTHENTICATIONFAILED', text: sentences.wrongPassword } as const;
  const hashCost = options.hashCost ?? defaultHashCost;
  const throttle = createThrottle(clock, { ...defaultThrottleRules, ...options.throttle });
  const lanes = options.lanes ?? createHashingLanes();
  const delay = options.delay ?? ((ms: number) => sleep(ms));
  const memory = createVerdictMemory(clock);
  const nobodysHash = unmatchableHash(hashCost);
  const underway = new Map<string, Promise<Verdict>>();

  async function check({ origin, password }: Guess, account: AccountRecord | null): Promise<Verdict> {
    const key = memory.key([origin.account, account?.passwordHash ?? '', password]);
    const known = memory.recall(key);
    if (known === 'wrong') throttle.failed(origin, memory.key([password]));
    if (known) return known;
    const sharedKey = `${origin.network} ${key}`;
    const shared = underway.get(sharedKey);
    if (shared) return shared;
    const verdict = lanes
      .run(async () => hashAndCount({ origin, password, key }, account), {
        network: origin.network,
        first: throttle.isFamiliar(origin),
      })
      .finally(() => underway.delete(sharedKey));
    underway.set(sharedKey, verdict);
    return verdict;
  }

  async function hashAndCount(
    { origin, password, key }: { origin: Origin; password: string; key: string },
    account: AccountRecord | null,
  ): Promise<Verdict> {
    // Asked again now that it is its turn: of a thousand guesses sent at once, all came in before the first was found wrong.
    if (throttle.waitMs(origin) > 0) return 'throttled';
    const checked = await verifyPassword(password, account?.passwordHash ?? nobodysHash, hashCost);
    const verdict = checked.right && account ? 'right' : 'wrong';
    memory.remember(key, verdict);
    if (verdict === 'wrong') throttle.failed(origin, memory.key([password]));
    if (account && checked.rehash) await renewHash(account, password);
    return verdict;
  }

  // The login does not depend on it: the next one tries again.
  async function renewHash(account: AccountRecord, password: string): Promise<void> {
    try {
      const passwordHash = await hashPassword(password, hashCost);
      // Somebody may have changed or removed the account meanwhile.
      const stored = await storage.accounts.get(account.name);
      if (stored?.passwordHash === account.passwordHash) await storage.accounts.put({ ...stored, passwordHash });
    } catch (error) {
      log.warn(
        { event: 'account', login: account.name, err: error },
        'a password hash could not be renewed with the current parameters',
      );
    }
  }

  /** Nobody is kept out for want of it: the next login tries again. */
  async function welcome(account: AccountRecord): Promise<void> {
    try {
      await greet(quarantine, account);
    } catch (error) {
      log.warn({ event: 'account', login: account.name, err: error }, 'a new login could not be given its help');
    }
  }

  function tooMany(waitMs: number): LoginResult {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    return { ok: false, code: 'UNAVAILABLE', text: sentences.tooManyWrongPasswords(seconds) };
  }

  async function decide(guess: Guess): Promise<{ result: LoginResult; why: string }> {
    const { read, origin, password } = guess;
    if (throttle.waitMs(origin) > 0) {
      // Thunderbird tries a refused password in a second way at once; it should then ask for another, not report a fault.
      if (throttle.isRepeated(origin, memory.key([password]))) return { result: wrong, why: 'wrong again' };
      return { result: tooMany(throttle.waitMs(origin)), why: 'throttled' };
    }
    // What is no login of ours is looked up too, because that takes time.
    const stored = await storage.accounts.get(origin.account);
    const account = read.is === 'login' ? stored : null;
    const verdict = await check(guess, account);
    if (verdict === 'right' && read.is === 'login') {
      throttle.succeeded(origin);
      if (account) await welcome(account);
      return { result: { ok: true, login: { name: read.name, scope: read.scope } }, why: 'right password' };
    }
    if (verdict === 'throttled') return { result: tooMany(throttle.waitMs(origin)), why: 'throttled' };
    const delayMs = throttle.delayMs(origin);
    if (delayMs > 0) await delay(delayMs);
    return { result: wrong, why: account ? 'wrong password' : read.is === 'login' ? 'no such account' : read.is };
  }

  return async ({ username, password, remoteAddress, connectionId }) => {
    const read = readLoginName(domains, username);
    const account = read.is === 'login' ? read.name : username.trim().toLowerCase().slice(0, 320);
    // People type passwords into the wrong field: what is no login of ours is not logged.
    const login = read.is === 'login' ? read.name : undefined;
    const fields = { event: 'login', login, remoteAddress, connection: connectionId } as const;
    try {
      const { result, why } = await decide({
        read,
        origin: { account, network: networkOf(remoteAddress) },
        // Too long for anybody's password; the empty one is nobody's either.
        password: Buffer.byteLength(password) > mostPasswordBytes ? '' : password,
      });
      const outcome = result.ok ? 'ok' : why === 'throttled' ? 'throttled' : 'refused';
      if (result.ok) log.info({ ...fields, outcome }, 'logged in');
      else log.warn({ ...fields, outcome, why }, 'login refused');
      meter?.count('logins', { outcome });
      return result;
    } catch (error) {
      log.error({ ...fields, outcome: 'unavailable', err: error }, 'a password could not be checked');
      meter?.count('logins', { outcome: 'unavailable' });
      const text = error instanceof TemporaryError ? error.message : sentences.passwordsCannotBeChecked;
      return { ok: false, code: 'UNAVAILABLE', text };
    }
  };
}
