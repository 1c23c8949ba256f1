// The Maildirs in which a synchronising program keeps its copy of the folders, used as another program of the same machine uses them: read,
// put into, moved within. Called by mbsync.ts and offlineimap.ts.
import assert from 'node:assert/strict';
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class Maildirs {
  readonly #path: string;
  /** What the program adds to what it copies. */
  readonly #added: RegExp;
  #lastName = 0;

  constructor(path: string, { added = /$^/ }: { added?: RegExp } = {}) {
    this.#path = path;
    this.#added = added;
  }

  async folders(): Promise<string[]> {
    return (await readdir(this.#path)).sort();
  }

  /**
   * These messages, each once, to the byte, and nothing else. A folder that is not named is empty, but for the one message in INBOX that
   * explains them to a new login.
   */
  async assertHold(expected: Partial<Record<string, readonly Buffer[]>>): Promise<void> {
    for (const folder of await this.folders()) {
      const texts = (await this.#messages(folder)).map(({ text }) => text);
      if (folder === 'INBOX') {
        assert.equal(texts.length, 1, folder);
        assert.match(texts[0] ?? '', /^Subject: How this quarantine works$/m);
      } else assert.deepEqual(texts.sort(), (expected[folder] ?? []).map(asLocal).sort(), folder);
    }
  }

  /** As a mail program saves a message that was read. */
  async put(folder: string, raw: Buffer): Promise<void> {
    await writeFile(join(this.#path, folder, 'cur', `${++this.#lastName}.put.localhost:2,S`), asLocal(raw), 'latin1');
  }

  async move(raw: Buffer, from: string, to: string): Promise<void> {
    const [found, ...others] = (await this.#messages(from)).filter(({ text }) => text === asLocal(raw));
    assert.ok(found && !others.length, `one such message in ${from}`);
    await this.put(to, raw);
    await unlink(found.file);
  }

  async #messages(folder: string): Promise<{ file: string; text: string }[]> {
    const found: { file: string; text: string }[] = [];
    for (const part of ['new', 'cur']) {
      for (const name of await readdir(join(this.#path, folder, part))) {
        const file = join(this.#path, folder, part, name);
        found.push({ file, text: (await readFile(file, 'latin1')).replace(this.#added, '') });
      }
    }
    return found;
  }
}

/** In a Maildir lines end with LF. */
function asLocal(raw: Buffer): string {
  return raw.toString('latin1').replaceAll('\r\n', '\n');
}
