// Proves that the `lazaretto` of the bundle is the same program: makes it twice and compares, packs it as npm would publish it, installs it
// into an empty directory with nothing but Node (no network, no cache, no scripts), and lets the tests of the command line (serve, demo and
// the rest) and a mail client loose on what was installed. Run by .ci/run. Exit 1 at the first difference.
//
//   node scripts/deploy/try-bundle.ts
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { makeBundle } from './bundle.ts';

const root = resolve(import.meta.dirname, '..', '..');
// Outside of the checkout, so that nothing is found in its node_modules.
const scratch = await mkdtemp(join(tmpdir(), 'lazaretto-bundle-'));

try {
  const made = await makeBundle(join(scratch, 'once'));
  assert.deepEqual(await digests(made), await digests(await makeBundle(join(scratch, 'again'))));
  console.log('ok  made twice, the same bytes');

  const packed = await pack(made);
  await checkContents(made);
  const directory = join(scratch, 'installed');
  await install(packed, directory);
  const installed = join(directory, 'node_modules', 'lazaretto');
  const others = (await readdir(join(directory, 'node_modules'))).filter((name) => !name.startsWith('.'));
  assert.deepEqual(others, ['lazaretto']);
  assert.deepEqual(await digests(installed), await digests(made), 'what is installed is what was made');
  console.log('ok  packed, and installed without any other package');

  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal(
    await run(join(directory, 'node_modules', '.bin', 'lazaretto'), ['--version'], directory),
    `${version}\n`,
  );
  console.log(`ok  lazaretto --version: ${version}`);

  const launcher = { TEST_LAUNCHER: join(installed, 'lib', 'lazaretto.js') };
  await show(['--test', '--test-reporter=spec', '--test-timeout=180000', ...(await commandTests())], launcher);
  await show(['scripts/clients/run.ts', 'imaplib'], launcher);
  console.log('ok  the bundle is the same program');
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** By path from the directory. */
async function digests(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of await filesIn(directory))
    found[file] = createHash('sha256')
      .update(await readFile(join(directory, file)))
      .digest('hex');
  return found;
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/** Answers the tarball. */
async function pack(directory: string): Promise<string> {
  const tarballs = join(scratch, 'tarballs');
  await mkdir(tarballs);
  await run('npm', ['pack', '--silent', directory, '--pack-destination', tarballs], scratch);
  const [tarball, ...more] = await readdir(tarballs);
  assert.ok(tarball !== undefined && more.length === 0, 'npm packs one tarball');
  return join(tarballs, tarball);
}

/** Nothing that only the repository needs, and nothing of the machine that it was made on. */
async function checkContents(directory: string): Promise<void> {
  for (const file of await filesIn(directory)) {
    assert.doesNotMatch(file, /\.ts$|\.map$|(^|\/)test|node_modules/);
    const content = await readFile(join(directory, file), 'latin1');
    for (const place of [root, scratch]) assert.ok(!content.includes(place), `${file} names ${place}`);
  }
}

/** As somebody would who has this Node and the tarball, and no network. */
async function install(tarball: string, directory: string): Promise<void> {
  await mkdir(directory);
  const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];
  await run('npm', ['install', ...options, '--cache', join(scratch, 'cache'), tarball], directory);
}

/** The tests that start the program through its launcher. */
async function commandTests(): Promise<string[]> {
  const tests: string[] = [];
  for (const name of await readdir(join(root, 'test', 'cli'))) {
    const file = join('test', 'cli', name);
    const isOne =
      name.endsWith('.test.ts') && (await readFile(join(root, file), 'utf8')).includes('./lazaretto-process.ts');
    if (isOne) tests.push(file);
  }
  assert.ok(tests.length >= 6, 'the tests of the commands were found');
  return tests.sort();
}

/** Answers what the program wrote. @throws when it fails, with what it complained about */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(program, args, { cwd, env: environment({}), stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  assert.equal(child.exitCode, 0, `${program} ${args.join(' ')} failed: ${stderr}${stdout}`);
  return stdout;
}

/** Runs Node in the checkout, its output for everybody to see. */
async function show(args: readonly string[], env: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: root, env: environment(env), stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `node ${args.join(' ')} failed`);
}

/** Whoever installs the package has this Node in the path. */
function environment(more: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...more, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` };
}
