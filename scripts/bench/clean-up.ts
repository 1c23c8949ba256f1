// What has to go when the benchmark ends, however it ends: child processes and temporary directories, in reverse order. Every part and every
// server registers here; run.ts calls `cleanUp` at the end, and so do Ctrl-C, SIGTERM and an error that nobody caught.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Undo = () => Promise<unknown>;

const undone: Undo[] = [];

/** Returns how to do it earlier; it is done once. */
export function atEnd(undo: Undo): () => Promise<void> {
  undone.push(undo);
  return async () => {
    const at = undone.indexOf(undo);
    if (at < 0) return;
    undone.splice(at, 1);
    await undo();
  };
}

export async function cleanUp(): Promise<void> {
  for (let undo = undone.pop(); undo; undo = undone.pop())
    await undo().catch((error: unknown) => console.error('something is left behind:', error));
}

/** Others may look into it: Dovecot serves mail under another user's name, and it is made-up mail. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-bench-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  return directory;
}

/** Asks it to end, and kills it when it takes longer than it may. */
export function endChild(child: ChildProcess): () => Promise<void> {
  return atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(tooLong);
  });
}

export function cleanUpOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      void cleanUp().finally(() => process.exit(code));
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.once(event, (error) => {
      console.error(error);
      void cleanUp().finally(() => process.exit(1));
    });
  }
}
