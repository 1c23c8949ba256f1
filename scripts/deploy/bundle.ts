// `npm run bundle`: makes dist/lazaretto-VERSION/, a package that can be published and installed without any other package. Node runs no
// TypeScript below node_modules, and our dependencies need the overrides of package.json, which nobody gets who installs a package: so
// esbuild puts sources and dependencies into plain JavaScript. The same sources give the same bytes. Called by the Containerfile and by
// try-bundle.ts, too.
//
//   node scripts/deploy/bundle.ts [--out DIRECTORY]
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { licencesOf } from './bundle/licences.ts';
import { packageManifest } from './bundle/package-manifest.ts';
import type { Manifest } from './bundle/package-manifest.ts';
import { packageReadme } from './bundle/package-readme.ts';
import { assets, findThreads, sourcePlugin } from './bundle/source-plugin.ts';

const root = resolve(import.meta.dirname, '..', '..');

/** Makes the package anew in `out` (default: dist/NAME-VERSION); answers where it is. */
export async function makeBundle(out?: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  const directory = resolve(out ?? join(root, 'dist', `${manifest.name}-${manifest.version}`));
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const inputs = await writeCode(directory);
  for (const [from, to] of Object.entries(assets)) await cp(join(root, from), join(directory, to), { recursive: true });
  await cp(join(root, 'LICENCE'), join(directory, 'LICENCE'));
  await writeFile(join(directory, 'THIRD-PARTY-LICENCES.txt'), await licencesOf(root, inputs));
  await writeFile(join(directory, 'README.md'), packageReadme(await readFile(join(root, 'README.md'), 'utf8')));
  await writeFile(join(directory, 'package.json'), `${JSON.stringify(packageManifest(manifest), null, 2)}\n`);
  return directory;
}

/** Answers the files that went into it, from the root. */
async function writeCode(outdir: string): Promise<string[]> {
  const { metafile, warnings } = await build({
    absWorkingDir: root,
    entryPoints: await entryPoints(),
    outdir,
    // All code of ours and its chunks lie side by side in lib/, as the sources' parts lie below src/: what they look for beside or above
    // themselves is found from every one of them.
    chunkNames: 'lib/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    charset: 'utf8',
    // Not minified, and without source maps: each part begins with the name of its file, so a stack can be read as it is.
    legalComments: 'inline',
    // Dependencies that are CommonJS ask for Node's own modules with require(), and so does the MongoDB driver for its optional ones.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
    },
    external: await optionalPackages(),
    plugins: [sourcePlugin(root)],
    metafile: true,
    logLevel: 'silent',
  });
  // What esbuild only warns of (a require that it cannot follow) would be missing for those who install the package.
  if (warnings.length) throw new Error(`esbuild warns: ${warnings.map(({ text }) => text).join('; ')}`);
  return Object.keys(metafile.inputs);
}

async function entryPoints(): Promise<Record<string, string>> {
  const entries: Record<string, string> = { 'lib/lazaretto': 'src/cli/lazaretto.js' };
  const add = (name: string, file: string): void => {
    if (entries[name] !== undefined) throw new Error(`${file} and ${entries[name]} would both become ${name}.js.`);
    entries[name] = file;
  };
  for (const file of await findThreads(root)) add(`lib/${basename(file, '.ts')}`, file);
  // Each in a file of its own, because the program reads the directory: one that is put there is a folder, or a language, of the bundle, too.
  for (const [source, name] of Object.entries({ folders: 'folders', 'src/languages': 'lib/languages' }))
    for (const file of (await readdir(join(root, source))).sort())
      add(`${name}/${basename(file, '.ts')}`, `${source}/${file}`);
  return entries;
}

/** Native or large packages that the MongoDB driver can use but does not need. Who needs one installs it beside the package. */
async function optionalPackages(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(root, 'node_modules/mongodb/package.json'), 'utf8')) as {
    peerDependenciesMeta: Record<string, unknown>;
  };
  return Object.keys(manifest.peerDependenciesMeta);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  const directory = await makeBundle(values.out);
  console.log(`${relative('', directory)} is made. Pack it with: npm pack ./${relative('', directory)}`);
}
