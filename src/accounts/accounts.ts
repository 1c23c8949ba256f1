// Logins: who may come in, and the accounts that decide it. Interfaces only; open-accounts.ts makes them.
// The IMAP shell and the web call authenticate, the commands the rest.
import type { Role, Scope } from '../quarantine/scope.ts';
import type { HashingLanes } from './hashing-lanes.ts';
import type { HashCost } from './password-hash.ts';
import type { ThrottleRules } from './throttle.ts';

export interface LoginAttempt {
  /** Decoded as UTF-8, as typed. */
  username: string;
  password: string;
  remoteAddress: string;
  /** Only for the log. */
  connectionId: string;
}

/** `text` is written for people; Thunderbird shows it for UNAVAILABLE alone (and then does not ask for a new password). */
export type LoginResult =
  | { ok: true; login: { name: string; scope: Scope } }
  | { ok: false; code: 'AUTHENTICATIONFAILED' | 'UNAVAILABLE'; text: string };

export interface Account {
  name: string;
  role: Role;
  createdAt: number;
}

export interface Accounts {
  /** Never rejects. A refusal may take some seconds. Unknown and wrong look the same, in words and in time. */
  authenticate(attempt: LoginAttempt): Promise<LoginResult>;
  /** The name that `create` would use; lets a command refuse before it asks for a password. @throws Refusal as `create` does */
  nameForNew(name: string): Promise<string>;
  /** @throws Refusal NONEXISTENT */
  find(name: string): Promise<Account>;
  /**
   * @param name as a person types it; the account gets the canonical form, which is returned
   * @throws Refusal ALREADYEXISTS, or CANNOT with what to do instead
   */
  create(name: string, password: string): Promise<Account>;
  /** Counts for the next login; who is logged in stays. @throws Refusal NONEXISTENT, or CANNOT for an unusable password */
  setPassword(name: string, password: string): Promise<Account>;
  /** Also an account whose domain is gone. @throws Refusal NONEXISTENT */
  remove(name: string): Promise<Account>;
  /** `global` first, then domain by domain, the domain's own login before its addresses. */
  list(): Promise<Account[]>;
}

export interface AccountsOptions {
  throttle?: Partial<ThrottleRules>;
  hashCost?: HashCost;
  lanes?: HashingLanes;
  /** How the answer to a wrong password is delayed; without it, by a timer. */
  delay?: (ms: number) => Promise<unknown>;
}
