// The mail that the parts measure with, and the stores and servers that hold it. A store is filled once in a run, by the first part that
// needs it; a part that changes a store fills one of its own. Called by the parts.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Login } from './client.ts';
import { temporaryDirectory } from './clean-up.ts';
import { arrivalOf, spam } from './mail/spam.ts';
import type { SpamOptions } from './mail/spam.ts';
import { startDovecot, whyNoDovecot } from './servers/dovecot.ts';
import { fillStore, startLazaretto } from './servers/lazaretto.ts';
import type { Running, StoredMail } from './servers/lazaretto.ts';
import { makeIndex } from './servers/search-index.ts';
import type { IndexFigures } from './servers/search-index.ts';
import type { Server } from './servers/server.ts';

export const alice: Login = { name: 'alice@example.com', password: 'how-fast-is-it' };
export const global: Login = { name: 'global', password: alice.password };

export interface Corpus {
  name: string;
  /** Besides alice and global. */
  logins?: readonly Login[];
  mail(): Iterable<StoredMail>;
}

/** Whole messages, 154 MB. */
export const corpus: Corpus = { name: '10,000 messages', mail: () => generated(10_000) };

/** Found by a search for a word that nothing else holds, in a text that is German and thus often encoded. */
export const rare = { needle: 'Zwiebelkuchen aus der Gärtnerstraße', every: 20_000 };

/** Small ones, 330 MB. */
export const large: Corpus = {
  name: '100,000 messages',
  mail: () =>
    generated(100_000, (number) => ({
      fewestBytes: 1500,
      mostBytes: 6000,
      ...(number % rare.every === 7 ? { language: 'german', needle: rare.needle } : {}),
    })),
};

function* generated(
  count: number,
  options: (number: number) => Partial<SpamOptions> = () => ({}),
): Generator<StoredMail> {
  for (let number = 0; number < count; number++)
    yield {
      raw: spam(number, { recipient: alice.name, ...options(number) }),
      recipients: [alice.name],
      internalDate: arrivalOf(number),
    };
}

interface Filled {
  /** Where the store and the settings file are. */
  directory: string;
  index: IndexFigures;
}

const filled = new Map<string, Promise<Filled>>();

/** A server on a store that holds it; whoever changes anything spoils it for the next part. */
export async function startWith(wanted: Corpus, nodeOptions: readonly string[] = []): Promise<Running> {
  return startLazaretto(await directoryWith(wanted), nodeOptions);
}

/** Where the store and the settings file are. */
export async function directoryWith(wanted: Corpus): Promise<string> {
  return (await storeWith(wanted)).directory;
}

export function storeWith(wanted: Corpus): Promise<Filled> {
  const store = filled.get(wanted.name) ?? fill(wanted);
  filled.set(wanted.name, store);
  return store;
}

async function fill({ name, mail, logins = [] }: Corpus): Promise<Filled> {
  const directory = await temporaryDirectory();
  const began = performance.now();
  await fillStore(directory, { logins: [alice, global, ...logins], mail: mail() });
  const seconds = Math.round((performance.now() - began) / 1000);
  const index = await makeIndex(directory);
  console.log(`  (${name}: stored in ${seconds} s, indexed in ${Math.round(index.ms / 1000)} s)`);
  return { directory, index };
}

/** Undefined when there is none. */
export async function startDovecotWith({ mail }: Corpus): Promise<Server | undefined> {
  if (whyNoDovecot()) return undefined;
  const directory = join(await temporaryDirectory(), 'dovecot');
  await mkdir(directory);
  return startDovecot(directory, alice, mail());
}
