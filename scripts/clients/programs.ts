// Finds, runs and ends programs of the machine that are no part of this repository. Each has a process group of its own, because distributions
// start programs by scripts and programs start others; none outlives run.ts, and no process is ended that was not started here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';

const deadlineMs = 120_000;
const running = new Set<ChildProcess>();
let isOver = false;

export interface Ended {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

export interface RunOptions {
  /** For stdin; none: stdin is empty. */
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** In a process group of its own, which ends with this process at the latest. */
export function startProgram(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  assertGoingOn();
  const child = spawn(program, args, { ...options, detached: true });
  running.add(child);
  child.once('exit', () => {
    // What it started and left behind.
    killGroup(child);
    running.delete(child);
  });
  child.once('error', () => running.delete(child));
  return child;
}

/** With everything that it started. */
export function killProgram(child: ChildProcess): void {
  if (running.has(child)) killGroup(child);
}

/** Ends whatever was started here, and nothing can be started any more: who waits for a program learns that it ended. */
export function endPrograms(): void {
  isOver = true;
  for (const child of running) killGroup(child);
}

/** For loops that wait for what will not come any more. Throws after endPrograms(). */
export function assertGoingOn(): void {
  if (isOver) throw new Error('the run was interrupted');
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left of it.
  }
}

/** Resolves when it has ended, however. Rejects when it cannot be started or takes too long. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input = '', env = {}, cwd }: RunOptions = {},
): Promise<Ended> {
  // The user's own settings of these programs (~/.curlrc, ~/.muttrc, proxies) must not decide what is tested.
  const { PATH = '', TMPDIR } = process.env;
  const child = startProgram(program, args, {
    cwd,
    env: { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
    stdio: 'pipe',
  });
  const { stdin, stdout, stderr } = child;
  assert.ok(stdin && stdout && stderr);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  const late = AbortSignal.timeout(deadlineMs);
  late.addEventListener('abort', () => killProgram(child));
  stdin.on('error', () => undefined);
  stdin.end(input);
  const [said, complained, code] = await Promise.all([buffer(stdout), buffer(stderr), ended]);
  if (late.aborted) {
    throw new Error(
      `${program} did not end within ${deadlineMs / 1000} seconds. It said:\n${said.toString()}${complained.toString()}`,
    );
  }
  return { code, stdout: said, stderr: complained.toString() };
}

/** What the first line says, without remarks: `Mutt 2.2.12`. */
export async function versionOf(program: string, option = '--version'): Promise<string> {
  // Some say nothing without a home.
  const { stdout, stderr } = await runProgram(program, [option], { env: { HOME: '/nonexistent' } });
  return `${stdout.toString()}${stderr}`.split(/ \(|\n/, 1)[0] ?? '';
}
