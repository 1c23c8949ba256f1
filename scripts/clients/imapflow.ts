// imapflow, the library: what runs is test/story/imapflow.test.ts, which `npm test` runs as well. It starts a server for each of its tests and
// compares the store, the next hop and the training Maildir by itself.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from './client.ts';
import { runProgram } from './programs.ts';

const root = join(import.meta.dirname, '..', '..');

export const imapflow: Client = {
  name: 'imapflow',
  needs: {},
  async version() {
    const described = await readFile(join(root, 'node_modules', 'imapflow', 'package.json'), 'utf8');
    return `imapflow ${(JSON.parse(described) as { version: string }).version}`;
  },
  async run(tell) {
    const args = ['--test', '--test-reporter=tap', 'test/story/imapflow.test.ts'];
    const { code, stdout } = await runProgram(process.execPath, args, { cwd: root });
    const report = stdout.toString();
    assert.equal(code, 0, report);
    const done = [...report.matchAll(/^ {4}ok \d+ - (.*)$/gm)].map(([, title = '']) => title);
    assert.ok(done.length && !/^# skipped [1-9]/m.test(report), report);
    for (const title of done) tell(title);
  },
};
