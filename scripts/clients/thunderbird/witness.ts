// What a person sees in Thunderbird, and what came of it: in the store, at the next hop, in the training Maildir. Each check waits for what it
// expects, and fails when it does not come. Called by story.ts.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Message, Removal } from '../../../src/quarantine/message.ts';
import { sampleMail } from '../../../test/helpers/server.ts';
import type { TestServer } from '../../../test/helpers/server.ts';
import { assertGoingOn } from '../programs.ts';
import type { Place, Thunderbird } from './program.ts';

const patienceMs = 60_000;

export class Witness {
  readonly #server: TestServer;
  readonly #thunderbird: Thunderbird;

  constructor(server: TestServer, thunderbird: Thunderbird) {
    this.#server = server;
    this.#thunderbird = thunderbird;
  }

  /** In the list of the open folder, in any order. */
  async seesList(subjects: readonly string[]): Promise<void> {
    await eventually('the list', async () => (await this.#thunderbird.call('list')).toSorted(), subjects.toSorted());
  }

  async seesText(text: string): Promise<void> {
    await eventually('the text', async () => (await this.#thunderbird.call('textShown')).includes(text), true);
  }

  async seesFolders(login: string, names: readonly string[]): Promise<void> {
    const shown = async (): Promise<string[]> => (await this.#thunderbird.call('foldersShown', login)).toSorted();
    await eventually('the folders', shown, names.toSorted());
  }

  /** On a message, and no other. */
  async seesKeyword(place: Place, subject: string, keyword: string): Promise<void> {
    const keywords = (): Promise<string[]> => this.#thunderbird.call('keywords', place, subject);
    await eventually(`the keywords of "${subject}"`, keywords, [keyword]);
  }

  /** One alert, and no other since the last time. */
  async isAlerted(text: RegExp): Promise<void> {
    const told: string[] = [];
    await eventually('an alert', async () => told.push(...(await this.#thunderbird.call('alerts'))) > 0, true);
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(told[0] ?? '', text);
  }

  /** The message of this subject that was handed in, removed or not. */
  async stored(subject: string): Promise<Message> {
    const { storage } = this.#server;
    const found = await storage.find({ role: 'global' }, { view: 'caught', which: 'all', text: subject, limit: 1000 });
    found.push(...(await storage.find({ role: 'global' }, { view: 'outgoing', which: 'all', text: subject })));
    const ids = found.map(({ id }) => id);
    const readings = await storage.readings({ role: 'global' }, ids);
    const [exact, ...others] = found.filter((_, index) => readings[index]?.summary.subject === subject);
    assert.ok(exact && !others.length, `"${subject}" is in the store once`);
    return exact;
  }

  /** From the views of all, for this reason. */
  async isGone(subject: string, why: Removal['why']): Promise<void> {
    await eventually(subject, async () => (await this.stored(subject)).removed?.why, why);
  }

  /** Exactly these since the beginning, each once, byte for byte, to alice. */
  async delivered(subjects: readonly string[]): Promise<void> {
    const { received } = this.#server.farEnd;
    const arrived = (): Promise<string[]> =>
      Promise.resolve(received.map(({ content }) => subjectOf(content)).toSorted());
    await eventually('what the next hop has', arrived, subjects.toSorted());
    for (const { sender, recipients, content } of received) {
      assert.deepEqual([sender, recipients], ['sender@remote.example', ['alice@example.com']]);
      const { digest } = await this.stored(subjectOf(content));
      // The trace line stands above what was handed in.
      const released = content.subarray(content.indexOf('\n') + 1);
      assert.equal(createHash('sha256').update(released).digest('hex'), digest, 'the bytes');
    }
  }

  /** Exactly these since the beginning, byte for byte. */
  async learned(verdict: 'ham' | 'spam', subjects: readonly string[]): Promise<void> {
    const texts = async (): Promise<string[]> =>
      (await this.#server.learned(verdict)).map((raw) => raw.toString()).toSorted();
    await eventually(
      `what was learned as ${verdict}`,
      texts,
      subjects.map((one) => sampleMail(one).toString()).toSorted(),
    );
  }
}

export async function eventually<T>(what: string, look: () => Promise<T>, expected: T): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await pause(100)) {
    assertGoingOn();
    const actual = await look();
    if (isDeepStrictEqual(actual, expected)) return;
    if (Date.now() > deadline) assert.deepEqual(actual, expected, what);
  }
}

function subjectOf(content: Buffer): string {
  return /^Subject: (.*)\r$/m.exec(content.toString('utf8', 0, 2000))?.[1] ?? '';
}
