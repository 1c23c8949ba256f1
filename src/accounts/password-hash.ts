// Passwords as argon2id hashes in PHC strings ($argon2id$v=19$m=…,t=…,p=…$salt$hash). Runs in libuv's threads, never on the event loop.
// Must never show or log a password. Limits nothing: hashing-lanes.ts decides how many run at once. Called by accounts.ts.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

export interface HashCost {
  memoryKib: number;
  passes: number;
  parallelism: number;
}

/** OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane; about 60 ms on one core. */
export const defaultHashCost: HashCost = { memoryKib: 19_456, passes: 2, parallelism: 1 };

interface StoredHash {
  cost: HashCost;
  salt: Buffer;
  hash: Buffer;
}

/** Longer than anybody's password; what is longer is not worth the time. */
export const mostPasswordBytes = 1024;

const saltBytes = 16;
const hashBytes = 32;
/** Costs above these are no hash of anybody's, but would stop the server while they are computed. */
const mostMemoryKib = 2 ** 20;
const mostPasses = 64;

/** A new salt each time. */
export async function hashPassword(password: string, cost: HashCost = defaultHashCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  return toPhc({ cost, salt, hash: await derive(password, { cost, salt, length: hashBytes }) });
}

/**
 * `rehash`: the password is right, but its hash was made with other parameters than `cost`.
 * @throws Error when `phc` is no argon2id hash; the text does not repeat it
 */
export async function verifyPassword(
  password: string,
  phc: string,
  cost: HashCost = defaultHashCost,
): Promise<{ right: boolean; rehash: boolean }> {
  const stored = fromPhc(phc);
  const { salt, hash } = stored;
  const right = timingSafeEqual(await derive(password, { cost: stored.cost, salt, length: hash.length }), hash);
  return { right, rehash: right && !isSameCost(stored.cost, cost) };
}

/** A hash of these parameters that no password has: what an unknown account's password is checked against, so that it takes as long. */
export function unmatchableHash(cost: HashCost = defaultHashCost): string {
  return toPhc({ cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) });
}

function derive(password: string, { cost, salt, length }: { cost: HashCost; salt: Buffer; length: number }) {
  const parameters = {
    message: preparedPassword(password),
    nonce: salt,
    parallelism: cost.parallelism,
    tagLength: length,
    memory: cost.memoryKib,
    passes: cost.passes,
  };
  return new Promise<Buffer>((resolve, reject) => {
    argon2('argon2id', parameters, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}

// RFC 8265 section 4.2.2: macOS types ü as two code points and Windows as one, and it must be the same password.
function preparedPassword(password: string): Buffer {
  return Buffer.from(password.replace(/\p{Zs}/gu, ' ').normalize('NFC'), 'utf8');
}

function isSameCost(a: HashCost, b: HashCost): boolean {
  return a.memoryKib === b.memoryKib && a.passes === b.passes && a.parallelism === b.parallelism;
}

function toPhc({ cost, salt, hash }: StoredHash): string {
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.parallelism}$${base64(salt)}$${base64(hash)}`;
}

function fromPhc(phc: string): StoredHash {
  const match =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/.exec(phc);
  const [, memory = '', passes = '', parallelism = '', salt = '', hash = ''] = match ?? [];
  const cost = { memoryKib: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const isSane =
    cost.memoryKib >= 8 * cost.parallelism &&
    cost.memoryKib <= mostMemoryKib &&
    cost.passes >= 1 &&
    cost.passes <= mostPasses &&
    cost.parallelism >= 1;
  if (!match || !isSane) throw new Error('the stored password is not an argon2id hash that can be read');
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

// The PHC string format uses base64 without padding.
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
