// Slows the guessing of passwords without giving anybody the power to lock a person out. Wrong passwords count
// - per account and network: after a few, this network must wait before it may try this account again;
// - per network over all accounts: the same, except for accounts that logged in from there before, so that one careless or hostile
//   device in an office does not keep the colleagues out; the more accounts did, the more mistakes the network may make (web mail);
// - per account over all networks: this delays the *answer to a wrong password* only. A right one is never held up by what others do.
// The same wrong password again is no new guess: Thunderbird sends each twice, and a phone repeats an old one for ever.
// Knows no passwords (a guess is an opaque mark) and not whether an account exists. Memory is bounded. Called by accounts.ts.
import { BoundedMap } from './bounded-map.ts';

export interface Rule {
  /** Wrong guesses that have no consequence. */
  free: number;
  /** The wait (or delay) after the next one; doubled by each one that follows. */
  firstMs: number;
  longestMs: number;
}

export interface ThrottleRules {
  accountFromNetwork: Rule;
  network: Rule;
  /** More free guesses for the network per account that logged in from it. */
  networkFreePerAccount: number;
  account: Rule;
  /** Counts end when nothing was added for so long. */
  forgetMs: number;
}

export const defaultThrottleRules: ThrottleRules = {
  accountFromNetwork: { free: 5, firstMs: 30_000, longestMs: 15 * 60_000 },
  network: { free: 20, firstMs: 60_000, longestMs: 15 * 60_000 },
  networkFreePerAccount: 2,
  account: { free: 20, firstMs: 250, longestMs: 5_000 },
  forgetMs: 60 * 60_000,
};

/** Who tries: a canonical account name (or what was typed instead of one) from a network (network-of.ts). */
export interface Origin {
  account: string;
  network: string;
}

export interface Throttle {
  /** How long this origin must wait before its next guess is looked at; 0: now. */
  waitMs(origin: Origin): number;
  /** Counts a wrong guess, once. */
  failed(origin: Origin, guess: string): void;
  /** By how much the answer to a wrong guess should be delayed. */
  delayMs(origin: Origin): number;
  /** True when the guess was found wrong from this origin lately. */
  isRepeated(origin: Origin, guess: string): boolean;
  succeeded(origin: Origin): void;
  /** The account logged in from this network before (since the process started). */
  isFamiliar(origin: Origin): boolean;
}

interface Count {
  wrong: number;
  lastAt: number;
  waitUntil: number;
  /** The latest guesses, to recognise a repeated one. */
  guesses: string[];
}

const mostPairs = 50_000;
const mostNetworks = 20_000;
const mostAccounts = 20_000;
const mostAccountsPerNetwork = 2_000;
const mostGuesses = 16;

export function createThrottle(clock: { now(): number }, rules: ThrottleRules = defaultThrottleRules): Throttle {
  const pairs = new BoundedMap<string, Count>(mostPairs);
  const networks = new BoundedMap<string, Count>(mostNetworks);
  const accounts = new BoundedMap<string, Count>(mostAccounts);
  const familiar = new BoundedMap<string, BoundedMap<string, true>>(mostNetworks);

  // A space is in no network, so that the parts cannot be mistaken.
  const pairKey = ({ account, network }: Origin): string => `${network} ${account}`;

  function read(counts: BoundedMap<string, Count>, key: string): Count | undefined {
    const count = counts.get(key);
    if (!count || clock.now() < Math.max(count.lastAt + rules.forgetMs, count.waitUntil)) return count;
    counts.delete(key);
    return undefined;
  }

  function add(counts: BoundedMap<string, Count>, key: string, { rule, guess }: { rule: Rule; guess?: string }): void {
    const count = read(counts, key) ?? { wrong: 0, lastAt: 0, waitUntil: 0, guesses: [] };
    count.wrong++;
    count.lastAt = clock.now();
    if (guess !== undefined) count.guesses = [...count.guesses, guess].slice(-mostGuesses);
    const beyond = count.wrong - rule.free;
    const waitMs = beyond >= 0 ? Math.min(rule.firstMs * 2 ** beyond, rule.longestMs) : 0;
    count.waitUntil = clock.now() + waitMs;
    counts.set(key, count);
  }

  const isFamiliar = ({ account, network }: Origin): boolean => familiar.get(network)?.get(account) !== undefined;
  const isRepeated = (origin: Origin, guess: string): boolean =>
    read(pairs, pairKey(origin))?.guesses.includes(guess) ?? false;

  return {
    isFamiliar,
    isRepeated,
    waitMs(origin) {
      const own = read(pairs, pairKey(origin))?.waitUntil ?? 0;
      const shared = isFamiliar(origin) ? 0 : (read(networks, origin.network)?.waitUntil ?? 0);
      return Math.max(0, Math.max(own, shared) - clock.now());
    },
    failed(origin, guess) {
      if (isRepeated(origin, guess)) return;
      const known = familiar.get(origin.network)?.size ?? 0;
      const network = { ...rules.network, free: rules.network.free + known * rules.networkFreePerAccount };
      add(pairs, pairKey(origin), { rule: rules.accountFromNetwork, guess });
      add(networks, origin.network, { rule: network });
      if (!isFamiliar(origin)) add(accounts, origin.account, { rule: rules.account });
    },
    delayMs(origin) {
      const count = isFamiliar(origin) ? undefined : read(accounts, origin.account);
      return count ? count.waitUntil - count.lastAt : 0;
    },
    succeeded(origin) {
      pairs.delete(pairKey(origin));
      const known = familiar.get(origin.network) ?? new BoundedMap<string, true>(mostAccountsPerNetwork);
      known.set(origin.account, true);
      familiar.set(origin.network, known);
    },
  };
}
