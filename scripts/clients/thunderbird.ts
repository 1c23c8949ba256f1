// `node scripts/clients/thunderbird.ts`: the main story, done by a real Thunderbird against a whole server: what a person sees, what the
// server was told, what the next hop, the training Maildir and the store have afterwards. Exit 1 when one of them is not as it should be, 77
// when Thunderbird is not installed. Takes about a minute, opens no window and leaves nothing behind.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestServer } from '../../test/helpers/server.ts';
import { isQuiet, problemsOf, readDialogue } from './thunderbird/dialogue.ts';
import type { Dialogue, Refusals } from './thunderbird/dialogue.ts';
import { findThunderbird, startThunderbird } from './thunderbird/program.ts';
import type { Thunderbird } from './thunderbird/program.ts';
import { unknownRecipient } from './thunderbird/stage.ts';
import type { Stage } from './thunderbird/stage.ts';
import { firstStart, nextStart } from './thunderbird/story.ts';
import { eventually, Witness } from './thunderbird/witness.ts';

/** A busy machine may be slow; a stall is longer. */
const slowMs = 20_000;

const path = await findThunderbird();
if (path === null) {
  console.log('SKIPPED thunderbird: not installed (on Debian: apt-get install thunderbird)');
  process.exit(77);
}
const directory = await mkdtemp(join(tmpdir(), 'lazaretto-thunderbird-'));
const refuse = { rcpt: { [unknownRecipient]: '550 5.1.1 nobody of that name' } };
const server = await startTestServer({
  folders: { trash: false },
  policy: { trustedHosts: ['filter.example'] },
  farEnd: { script: Array.from({ length: 50 }, () => refuse) },
});
let running: Thunderbird | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}
try {
  for (const part of [firstStart, nextStart]) await play(part.act, part.refusals, path);
  const errors = server.logged.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, [], 'what the server logged');
  console.log('ok      thunderbird');
} catch (error) {
  console.log('FAILED  thunderbird');
  console.log(error);
  process.exitCode = 1;
} finally {
  await cleanUp();
}

async function cleanUp(): Promise<void> {
  await running?.quit();
  await server.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** From the start of Thunderbird to its end, and what was said meanwhile. */
async function play(act: (stage: Stage) => Promise<void>, refusals: Refusals, path: string): Promise<void> {
  const thunderbird = await startThunderbird(path, directory);
  running = thunderbird;
  try {
    console.log(`Thunderbird ${await thunderbird.call('version')}`);
    await act({ server, thunderbird, witness: new Witness(server, thunderbird), directory, step });
    const problems = problemsOf(await wholeDialogue(thunderbird), refusals, slowMs);
    assert.deepEqual(problems, [], 'what was said over IMAP');
  } catch (error) {
    await tellDialogue(thunderbird);
    throw error;
  } finally {
    await thunderbird.quit();
  }
}

async function step(title: string, act: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await act().catch((error: unknown) => {
    throw new Error(`Not so: ${title}`, { cause: error });
  });
  console.log(`  ${title} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
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

async function tellDialogue(thunderbird: Thunderbird): Promise<void> {
  const { exchanges } = readDialogue(await thunderbird.log());
  for (const { command, answer, tookMs } of exchanges.slice(-40)) {
    console.log(`  ${command.slice(0, 120)} → ${answer.slice(0, 120)} (${tookMs} ms)`);
  }
}
