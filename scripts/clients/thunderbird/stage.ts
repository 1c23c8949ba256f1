// What every act of the story has at hand: the server, Thunderbird and a witness, who is who, and how mail and accounts come about.
// Called by the files beside it and by ../thunderbird.ts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { password, sampleMail } from '../../../test/helpers/server.ts';
import type { TestServer } from '../../../test/helpers/server.ts';
import type { Place, Thunderbird } from './program.ts';
import type { Witness } from './witness.ts';

export interface Stage {
  server: TestServer;
  thunderbird: Thunderbird;
  witness: Witness;
  /** For files of the story. */
  directory: string;
  step(title: string, act: () => Promise<void>): Promise<void>;
}

export const alice = 'alice@example.com';
/** Of alice, in Thunderbird: by an alias, because the names of her mailbox's own domain lead to her mailbox. */
export const account = 'alice@example.net';
export const domain = 'example.com';
export const drops = ['Release', 'Release & Train', 'Not Spam', 'Spam'] as const;
export const caught: Place = [account, 'Caught'];
/** What is caught when the story begins, besides `worthless` and `infected`. */
export const offers = Array.from({ length: 60 }, (_, index) => `Offer ${index + 1}`);
export const worthless = 'Worthless';
export const infected = 'Infected';
/** An address of alice's that the next hop does not know. */
export const unknownRecipient = 'alice+gone@example.com';

/** As README says it: name, address and password; where to connect is found. */
export async function addAccount({ server, thunderbird }: Stage): Promise<void> {
  await trust({ server, thunderbird }, 'IMAPS');
  assert.deepEqual(await thunderbird.call('findSettings', 'Alice', account), {
    host: 'quarantine.example.test',
    port: server.port('IMAPS'),
    security: 'SSL/TLS',
    login: account,
  });
  await thunderbird.call('logInAsFound', account, password);
  await thunderbird.call('openFolder', account, 'Inbox');
}

/** As README says it for the other way. No server for outgoing mail is asked for. */
export async function addAccountByHand({ server, thunderbird }: Stage): Promise<void> {
  await trust({ server, thunderbird }, 'IMAP');
  await thunderbird.call('rememberPassword', domain, password);
  const address = `postmaster@${domain}`;
  const port = server.port('IMAP');
  const way = { login: domain, port, security: 'STARTTLS', download: false } as const;
  await thunderbird.call('enterServer', { name: 'Postmaster', address, ...way });
  assert.match(
    await thunderbird.confirm('pressAdvancedConfig'),
    /an account with the current settings will be created/,
  );
  await thunderbird.call('closeAccountSettings');
  await thunderbird.call('openFolder', domain, 'Inbox');
}

async function trust(
  { server, thunderbird }: Pick<Stage, 'server' | 'thunderbird'>,
  name: 'IMAP' | 'IMAPS',
): Promise<void> {
  const certificate = await readFile(join(server.directory, 'tls', 'cert.pem'), 'utf8');
  await thunderbird.call('trust', server.port(name), certificate);
}

interface ArrivalOptions {
  header?: string;
  /** Behind the usual text. */
  text?: string;
  folder?: 'caught' | 'outgoing' | 'training';
  sender?: string;
  recipients?: string[];
}

export async function arrive(
  server: TestServer,
  subject: string,
  { header, text = '', ...options }: ArrivalOptions = {},
): Promise<void> {
  const replies = await server.handIn(Buffer.concat([sampleMail(subject, header), Buffer.from(text)]), options);
  for (const reply of replies) assert.match(reply, /^250/);
}
