// A real Thunderbird lives through the main story against a whole server: what a person sees, what the server was told, what the next hop, the
// training Maildir and the store have afterwards. Opens no window, and leaves nothing behind.
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAccounts } from '../../src/accounts/open-accounts.ts';
import { password, startTestServer } from '../../test/helpers/server.ts';
import type { TestServer } from '../../test/helpers/server.ts';
import type { Client, Tell } from './client.ts';
import { versionOf } from './programs.ts';
import { isQuiet, problemsOf, readDialogue } from './thunderbird/dialogue.ts';
import type { Dialogue } from './thunderbird/dialogue.ts';
import { startFront } from './thunderbird/front.ts';
import { startThunderbird } from './thunderbird/program.ts';
import type { Thunderbird } from './thunderbird/program.ts';
import { account, alice, domain, unknownRecipient } from './thunderbird/stage.ts';
import { firstStart, nextStart } from './thunderbird/story.ts';
import type { Part } from './thunderbird/story.ts';
import { eventually, Witness } from './thunderbird/witness.ts';

/** A busy machine may be slow; a stall is longer. */
const slowMs = 20_000;

export const thunderbird: Client = {
  name: 'thunderbird',
  needs: { thunderbird: 'thunderbird' },
  version: () => versionOf('thunderbird'),
  async run(tell) {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'lazaretto-thunderbird-'));
    const refuse = { rcpt: { [unknownRecipient]: '550 5.1.1 nobody of that name' } };
    await using server = await startTestServer({
      folders: { trash: false },
      logins: ['global', alice],
      policy: { trustedHosts: ['filter.example'] },
      farEnd: { script: Array.from({ length: 200 }, () => refuse) },
    });
    // Made as an administrator makes it: it has not had its help yet.
    await openAccounts(server.quarantine).create(domain, password);
    const port = server.server.listening.find(({ name }) => name === 'HTTP')?.port ?? 0;
    await using front = await startFront(`autoconfig.${account.split('@')[1]}`, port);
    const start = (): Promise<Thunderbird> => startThunderbird(directory.path, front.port);
    for (const part of [firstStart, nextStart]) await play(part, { server, directory: directory.path, start, tell });
    const errors = server.logged.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, [], 'what the server logged');
  },
};

interface PlayOptions {
  server: TestServer;
  directory: string;
  start(): Promise<Thunderbird>;
  tell: Tell;
}

/** From the start of Thunderbird to its end, and what was said meanwhile. */
async function play({ act, refusals }: Part, { server, directory, start, tell }: PlayOptions): Promise<void> {
  const thunderbird = await start();
  try {
    const step = (title: string, does: () => Promise<void>): Promise<void> => tellStep(tell, title, does);
    await act({ server, thunderbird, witness: new Witness(server, thunderbird), directory, step });
    const problems = problemsOf(await wholeDialogue(thunderbird), refusals, slowMs);
    assert.deepEqual(problems, [], 'what was said over IMAP');
  } catch (error) {
    await tellDialogue(thunderbird, tell);
    throw error;
  } finally {
    await thunderbird.quit();
  }
}

async function tellStep(tell: Tell, title: string, act: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await act().catch((error: unknown) => {
    throw new Error(`Not so: ${title}`, { cause: error });
  });
  tell(`${title} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
}

/** Up to a moment when nothing is under way; what is said when the program ends is cut off anywhere. */
async function wholeDialogue(thunderbird: Thunderbird): Promise<Dialogue> {
  let dialogue: Dialogue = { exchanges: [], complaints: [] };
  const isAnswered = async (): Promise<boolean> => {
    dialogue = readDialogue(await thunderbird.log());
    return isQuiet(dialogue);
  };
  await eventually('an answer to every command', isAnswered, true);
  return dialogue;
}

async function tellDialogue(thunderbird: Thunderbird, tell: Tell): Promise<void> {
  const { exchanges } = readDialogue(await thunderbird.log());
  for (const { command, answer, tookMs } of exchanges.slice(-40)) {
    tell(`${command.slice(0, 120)} → ${answer.slice(0, 120)} (${tookMs} ms)`);
  }
}
