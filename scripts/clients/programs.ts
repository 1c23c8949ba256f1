// Finds and runs programs of the machine that are no part of this repository. A program that does not end is ended, and that is a failure.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';

const deadlineMs = 120_000;

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

/** Resolves when it has ended, however. Rejects when it cannot be started or takes too long. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input = '', env = {}, cwd }: RunOptions = {},
): Promise<Ended> {
  // The user's own settings of these programs (~/.curlrc, ~/.muttrc, proxies) must not decide what is tested.
  const { PATH = '', TMPDIR } = process.env;
  const child = spawn(program, args, {
    cwd,
    env: { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
    stdio: 'pipe',
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  const late = AbortSignal.timeout(deadlineMs);
  late.addEventListener('abort', () => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  if (late.aborted) {
    throw new Error(
      `${program} did not end within ${deadlineMs / 1000} seconds. It said:\n${stdout.toString()}${stderr.toString()}`,
    );
  }
  return { code, stdout, stderr: stderr.toString() };
}
