// The 10,000 messages that most parts measure with, in a Lazaretto and, where it can be run, in a Dovecot beside it. Called by the parts
// `lists` and `memory`.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Login } from './client.ts';
import { temporaryDirectory } from './clean-up.ts';
import { arrivalOf, spam } from './mail/spam.ts';
import { startDovecot, whyNoDovecot } from './servers/dovecot.ts';
import { fillStore, startLazaretto } from './servers/lazaretto.ts';
import type { Running, StoredMail } from './servers/lazaretto.ts';
import type { Server } from './servers/server.ts';

export const alice: Login = { name: 'alice@example.com', password: 'how-fast-is-it' };
export const corpusSize = 10_000;

export function* corpus(count = corpusSize): Generator<StoredMail> {
  for (let number = 0; number < count; number++)
    yield {
      raw: spam(number, { recipient: alice.name }),
      recipients: [alice.name],
      internalDate: arrivalOf(number),
    };
}

export async function startWithCorpus(nodeOptions: readonly string[] = []): Promise<Running> {
  const directory = await temporaryDirectory();
  await fillStore(directory, { logins: [alice], mail: corpus() });
  return startLazaretto(directory, nodeOptions);
}

/** Undefined when there is none. */
export async function startDovecotWithCorpus(): Promise<Server | undefined> {
  if (whyNoDovecot()) return undefined;
  const directory = join(await temporaryDirectory(), 'dovecot');
  await mkdir(directory);
  return startDovecot(directory, alice, corpus());
}
