// Remembers for an hour which passwords were found right and wrong, so that mail programs, which open five connections at once and come
// back every few minutes, do not cost a hash each time. Holds keyed digests only, under a secret of this process. The stored hash is part
// of what is digested, so that a new password or a removed account counts at once. Called by login.ts.
import { createHmac, randomBytes } from 'node:crypto';
import { BoundedMap } from './bounded-map.ts';

export interface VerdictMemory {
  key(parts: readonly string[]): string;
  remember(key: string, verdict: 'right' | 'wrong'): void;
  recall(key: string): 'right' | 'wrong' | undefined;
}

const mostVerdicts = 10_000;
const rememberedMs = 60 * 60_000;

export function createVerdictMemory(clock: { now(): number }): VerdictMemory {
  const secret = randomBytes(32);
  // Apart, so that guesses cannot push out the right ones.
  const foundAt = {
    right: new BoundedMap<string, number>(mostVerdicts),
    wrong: new BoundedMap<string, number>(mostVerdicts),
  };
  const isKnown = (key: string, verdict: 'right' | 'wrong'): boolean => {
    const at = foundAt[verdict].get(key);
    return at !== undefined && clock.now() < at + rememberedMs;
  };
  return {
    key: (parts) => createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url'),
    remember: (key, verdict) => foundAt[verdict].set(key, clock.now()),
    recall: (key) => (isKnown(key, 'right') ? 'right' : isKnown(key, 'wrong') ? 'wrong' : undefined),
  };
}
