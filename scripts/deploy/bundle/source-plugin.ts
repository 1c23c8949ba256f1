// What the bundler has to be told about our sources: files that they look for by name at run time. A file that begins to look for another
// one and is not known here fails the build, because the bundle would fail when somebody uses that part. Called by bundle.ts.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import type { Plugin } from 'esbuild';

/** Directories that are read at run time: where they are, and where the bundle has them. */
export const assets: Readonly<Record<string, string>> = { 'src/cli/demo/mail': 'lib/mail' };

/** Files that know where they are, and find what they want from lib/ as well: package.json, folders/, languages/, mail/. */
const findTheirWay: readonly string[] = [
  'src/edition.ts',
  'src/version.ts',
  'src/load-folders.ts',
  'src/languages.ts',
  'src/cli/demo/sample-mail.ts',
];

/** Node gives a CommonJS package that is imported late its names; in a bundle it has but its default. */
const lateNames = /\{(?!\s*default\b)[^{}]*\} = await import\('(?!\.|node:)[^']+'\)/;

const coreLoader = 'src/imap/imap-core-modules.ts';
const threadFile = /new URL\(\s*'(\.[^']+)\.ts',\s*import\.meta\.url,?\s*\)/g;

/** The files that worker threads are started from, from the root. */
export async function findThreads(root: string): Promise<string[]> {
  const threads = new Set<string>();
  for (const entry of await readdir(join(root, 'src'), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    const directory = relative(root, dirname(file)).split(sep).join('/');
    for (const [, name] of (await readFile(file, 'utf8')).matchAll(threadFile))
      threads.add(posix.join(directory, `${name}.ts`));
  }
  return [...threads].sort();
}

export function sourcePlugin(root: string): Plugin {
  return {
    name: 'sources',
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const file = relative(root, path).split(sep).join('/');
        if (!file.startsWith('src/')) return undefined;
        if (file === coreLoader) return { contents: await coreModules(root), loader: 'js', resolveDir: dirname(path) };
        const source = await readFile(path, 'utf8');
        const { text, looksForFiles } = withThreads(source);
        const [late] = lateNames.exec(source) ?? [];
        if (late !== undefined)
          return { errors: [{ text: `${file}: "${late}" would find nothing in the bundle; take { default: … }.` }] };
        if (looksForFiles && !findTheirWay.includes(file))
          return { errors: [{ text: `${file} looks for files; tell scripts/deploy/bundle/source-plugin.ts where.` }] };
        return { contents: text, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}

/** The code of threads lies in lib/ beside what starts them. */
function withThreads(source: string): { text: string; looksForFiles: boolean } {
  return {
    text: source.replace(threadFile, (_, name: string) => `new URL('./${posix.basename(name)}.js', import.meta.url)`),
    looksForFiles: source.replace(threadFile, '').includes('import.meta'),
  };
}

/** imap-core-modules.ts, with the names that it finds out at run time written out. */
async function coreModules(root: string): Promise<string> {
  const library = '@zone-eu/wildduck/imap-core/lib';
  const commands = (await readdir(join(root, 'node_modules', library, 'commands'))).sort();
  return [
    `process.env['DISABLE_WILD_CONFIG'] = 'true';`,
    `export const { IMAPServer } = require('${library}/imap-server.js');`,
    `export const { IMAPConnection } = require('${library}/imap-connection.js');`,
    `export const { IMAPCommand } = require('${library}/imap-command.js');`,
    `export const handler = require('${library}/handler/imap-handler.js');`,
    `export const errors = require('@zone-eu/wildduck/lib/errors.js');`,
    `export const commands = [${commands.map((file) => `require('${library}/commands/${file}')`).join(', ')}];`,
  ].join('\n');
}
