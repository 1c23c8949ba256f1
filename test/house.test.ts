// Keeps the house in order: who may import whom (DESIGN section 2). The rules are in scripts/check/import-rules.ts; here they are held
// against the repository, and each of them against a file that breaks it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { importProblems } from '../scripts/check/import-rules.ts';
import { importsOf, readSourceFiles } from '../scripts/check/read-imports.ts';

const root = join(import.meta.dirname, '..');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

describe('the house', () => {
  test('is in order: every file imports only what its room may know', () => {
    const files = readSourceFiles(root);
    assert.ok(files.length > 20, 'the sources were found');
    const problems = importProblems(files, { dependencies: Object.keys(dependencies) });
    assert.deepEqual(problems, [], problems.join('\n'));
  });
});

describe('the rules of the house', () => {
  const problems = (path: string, ...imports: string[]): string[] =>
    importProblems([{ path, imports }], { dependencies: ['zod', 'pino', 'smtp-server', '@scope/used'] });

  const allowed: [path: string, imported: string][] = [
    ['src/quarantine/act.ts', 'src/quarantine/decide.ts'],
    ['src/quarantine/act.ts', 'node:crypto'],
    ['src/quarantine/act.ts', 'zod'],
    ['src/imap/move.ts', 'src/quarantine/act.ts'],
    ['src/imap/move.ts', 'src/imap/copy.ts'],
    ['src/imap/imap-core.ts', 'node:net'],
    ['src/storage/sqlite/open.ts', 'node:sqlite'],
    ['src/imap/imap-core.ts', 'src/net/proxied-client.ts'],
    ['src/intake/listener.ts', 'src/net/networks.ts'],
    ['src/net/proxied-client.ts', 'src/quarantine/ports.ts'],
    ['src/web/pages.ts', '@scope/used/deep'],
    ['folders/spam.ts', 'src/quarantine/folder.ts'],
    ['src/settings.ts', 'src/quarantine/scope.ts'],
    ['src/main.ts', 'src/imap/listener.ts'],
    ['src/main.ts', 'folders/spam.ts'],
    ['src/load-folders.ts', 'folders/spam.ts'],
    ['src/cli/serve.ts', 'src/main.ts'],
    ['src/cli/demo.ts', 'smtp-server'],
    ['scripts/load.ts', 'src/main.ts'],
    ['scripts/load.ts', 'imapflow'],
    ['test/imap/move.test.ts', 'scripts/load.ts'],
    ['scripts/mongodb/story.test.ts', 'test/story/drops.test.ts'],
  ];
  for (const [path, imported] of allowed) {
    test(`let ${path} import ${imported}`, () => assert.deepEqual(problems(path, imported), []));
  }

  const forbidden: [path: string, imported: string, why: RegExp][] = [
    ['src/quarantine/act.ts', 'src/storage/sqlite/open.ts', /nothing else of ours/],
    ['src/quarantine/act.ts', 'src/settings.ts', /nothing else of ours/],
    ['src/quarantine/act.ts', 'folders/spam.ts', /nothing else of ours/],
    ['src/quarantine/act.ts', 'node:sqlite', /belongs to/],
    ['src/quarantine/act.ts', 'node:net', /belongs to/],
    ['src/quarantine/act.ts', 'pino', /belongs to/],
    ['src/imap/move.ts', 'src/storage/sqlite/open.ts', /never another edge/],
    ['src/imap/move.ts', 'src/accounts/passwords.ts', /never another edge/],
    ['src/imap/move.ts', 'src/settings.ts', /the settings or the wiring/],
    ['src/imap/move.ts', 'src/certificates/pair.ts', /the settings or the wiring/],
    ['src/imap/move.ts', 'src/main.ts', /the settings or the wiring/],
    ['src/imap/move.ts', 'folders/spam.ts', /the settings or the wiring/],
    ['src/imap/move.ts', 'test/helpers/client.ts', /the settings or the wiring/],
    ['src/imap/move.ts', '@zone-eu/wildduck/imap-core', /belongs to/],
    ['test/imap/move.test.ts', '@zone-eu/wildduck', /belongs to/],
    ['src/targets/smtp.ts', 'smtp-server', /belongs to/],
    ['src/web/pages.ts', 'imapflow', /not among the dependencies/],
    ['src/web/pages.ts', '@scope/unused/deep', /not among the dependencies/],
    ['folders/spam.ts', 'src/quarantine/act.ts', /only the folder type/],
    ['folders/spam.ts', 'folders/release.ts', /only the folder type/],
    ['src/settings.ts', 'src/certificates.ts', /the domain and nobody else/],
    ['src/certificates/own.ts', 'src/settings.ts', /the domain and nobody else/],
    ['src/main.ts', 'src/cli/serve.ts', /commands call the wiring/],
    ['src/cli/serve.ts', 'scripts/load.ts', /no scripts and no tests/],
    ['scripts/load.ts', 'test/imap/move.test.ts', /nothing imports a test/],
    ['scripts/mongodb/story.test.ts', 'test/imap/move.test.ts', /nothing imports a test/],
    ['src/net/proxied-client.ts', 'src/imap/imap-core.ts', /neither door/],
    ['src/targets/smtp.ts', 'src/net/networks.ts', /never another edge/],
    ['src/elsewhere/a.ts', 'node:fs', /in no room of the house/],
  ];
  for (const [path, imported, why] of forbidden) {
    test(`forbid ${path} to import ${imported}`, () => assert.match(problems(path, imported).join(), why));
  }

  test('forbid barrels and names that tell nothing', () => {
    for (const path of [
      'src/imap/index.ts',
      'src/imap/imap-utils.ts',
      'src/queue/helpers.ts',
      'src/web/page-service.ts',
      'src/web/common/a.ts',
    ]) {
      assert.equal(problems(path).length, 1, path);
    }
    for (const path of ['src/imap/index-of-parts.ts', 'src/web/servicedesk.ts', 'test/helpers/client.ts']) {
      assert.deepEqual(problems(path), [], path);
    }
  });

  test('forbid circles, however long', () => {
    const circle = ['a', 'b', 'c'].map((name, index, all) => ({
      path: `src/quarantine/${name}.ts`,
      imports: [`src/quarantine/${all[(index + 1) % all.length]}.ts`],
    }));
    const outside = { path: 'src/quarantine/d.ts', imports: circle.map(({ path }) => path) };
    assert.deepEqual(importProblems([outside, ...circle], { dependencies: [] }), [
      'Imports go in a circle: src/quarantine/a.ts → src/quarantine/b.ts → src/quarantine/c.ts → src/quarantine/a.ts.',
    ]);
    assert.deepEqual(importProblems([outside, ...circle.slice(1)], { dependencies: [] }), []);
  });

  test('see every way to import', () => {
    const text = `
      import a from './a.ts';
      import type { B } from '../b.ts';
      import './c.ts';
      export { d } from './deep/d.ts';
      const e = await import('node:fs');
      const f = new Worker(new URL('./f.ts', import.meta.url));
      let g: import('./g.ts').G;
      // import h from './h.ts'; and 'import i from "./i.ts"'
    `;
    assert.deepEqual(importsOf('src/imap/x.ts', text).sort(), [
      'node:fs',
      'src/b.ts',
      'src/imap/a.ts',
      'src/imap/c.ts',
      'src/imap/deep/d.ts',
      'src/imap/f.ts',
      'src/imap/g.ts',
    ]);
  });
});
