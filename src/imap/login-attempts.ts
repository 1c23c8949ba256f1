// Remembers the refused logins of one connection: how many, and whether an attempt only repeats the last one, as
// Thunderbird does with every wrong password (PLAIN, then LOGIN). Holds no password. Used by connection.ts.

import { createHmac, randomBytes } from 'node:crypto';

const key = randomBytes(32);

export class LoginAttempts {
  count = 0;
  #lastRefused: string | null = null;

  repeatsLast(username: string, password: string): boolean {
    return this.#lastRefused === fingerprint(username, password);
  }

  noteRefused(username: string, password: string): void {
    this.count++;
    this.#lastRefused = fingerprint(username, password);
  }
}

function fingerprint(username: string, password: string): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([username, password]))
    .digest('hex');
}
