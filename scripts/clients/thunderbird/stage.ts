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
export const domain = 'example.com';
export const drops = ['Release', 'Release & Train', 'Not Spam', 'Spam'] as const;
export const caught: Place = [alice, 'Caught'];
/** What is caught when the story begins, besides `worthless` and `infected`. */
export const offers = Array.from({ length: 60 }, (_, index) => `Offer ${index + 1}`);
export const worthless = 'Worthless';
export const infected = 'Infected';
/** An address of alice's that the next hop does not know. */
export const unknownRecipient = 'alice+gone@example.com';

interface Person {
  name: string;
  address: string;
  login: string;
}

/** As README says it. No server for outgoing mail is asked for. */
export async function addAccount(
  { server, thunderbird }: Stage,
  person: Person,
  security: 'TLS' | 'STARTTLS',
): Promise<void> {
  const port = server.port(security === 'TLS' ? 'IMAPS' : 'IMAP');
  await thunderbird.call('trust', port, await readFile(join(server.directory, 'tls', 'cert.pem'), 'utf8'));
  await thunderbird.call('rememberPassword', person.login, password);
  await thunderbird.call('enterServer', { ...person, port, security, download: security === 'TLS' });
  assert.match(
    await thunderbird.confirm('pressAdvancedConfig'),
    /an account with the current settings will be created/,
  );
  await thunderbird.call('closeAccountSettings');
  await thunderbird.call('openFolder', person.login, 'Inbox');
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
