// Runs commands with a settings file and a store of their own: through the real launcher, each in a process of its own (`runAlone`), or,
// because that takes a while, one after the other in a process that is kept (`run`). Nothing is left behind.
//
//   await using lazaretto = await openLazaretto();
//   const { code, stdout, stderr } = await lazaretto.run(['domain', 'list']);
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** TEST_LAUNCHER names that of an installed bundle, to be tested in the place of the sources. */
export const launcher =
  process.env.TEST_LAUNCHER ?? fileURLToPath(new URL('../../src/cli/lazaretto.js', import.meta.url));
const manyCommands = fileURLToPath(new URL('./many-commands.ts', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** For stdin; none: stdin is empty. */
  input?: string;
  env?: Record<string, string>;
  nodeOptions?: readonly string[];
}

export interface Lazaretto {
  directory: string;
  run(args: readonly string[]): Promise<Ended>;
  runAlone(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** With --json; the command must succeed. */
  json(args: readonly string[]): Promise<unknown>;
  write(name: string, content: string): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param settings the text of lazaretto.yaml; the store is in the same directory */
export async function openLazaretto(settings = 'hostname: quarantine.example.test\n'): Promise<Lazaretto> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-cli-'));
  await writeFile(join(directory, 'lazaretto.yaml'), settings);
  const { LAZARETTO_CONFIG: _config, LAZARETTO_DEBUG: _debug, ...inherited } = process.env;
  const env = { ...inherited, TZ: 'UTC' };
  let kept: ChildProcess | undefined;
  let lastRun: Promise<unknown> = Promise.resolve();

  async function runInKept(args: readonly string[]): Promise<Ended> {
    kept ??= fork(manyCommands, { cwd: directory, env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const answered = new AbortController();
    const { signal } = answered;
    const answer = once(kept, 'message', { signal }) as Promise<[Ended]>;
    const exit = once(kept, 'exit', { signal }).then(() => {
      throw new Error(`the process ended during: lazaretto ${args.join(' ')}`);
    });
    kept.send(args);
    try {
      return (await Promise.race([answer, exit]))[0];
    } finally {
      exit.catch(() => undefined);
      answered.abort();
    }
  }

  async function run(args: readonly string[]): Promise<Ended> {
    const ended = lastRun.then(() => runInKept(args));
    lastRun = ended;
    return ended;
  }

  async function runAlone(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = spawn(process.execPath, [...(options.nodeOptions ?? []), launcher, ...args], {
      cwd: directory,
      env: { ...env, ...options.env },
      stdio: 'pipe',
    });
    // A command that does not read stdin may be gone before it was written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const closed = once(child, 'close') as Promise<[number | null]>;
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await closed)[0], stdout, stderr };
  }

  // The process that is kept runs the sources.
  const runUsual = process.env.TEST_LAUNCHER === undefined ? run : runAlone;

  return {
    directory,
    run: runUsual,
    runAlone,
    async json(args) {
      const { code, stdout, stderr } = await runUsual([...args, '--json']);
      if (code !== 0) throw new Error(`lazaretto ${args.join(' ')} ended with ${code}: ${stderr}`);
      const answer: unknown = JSON.parse(stdout);
      return answer;
    },
    async write(name, content) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      return path;
    },
    async [Symbol.asyncDispose]() {
      if (kept) {
        const ended = once(kept, 'exit');
        kept.disconnect();
        await ended;
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
