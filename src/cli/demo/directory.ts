// Where the demo keeps what it needs: a new directory that is gone when the process ends, however it ends, unless it is to be kept.
// Never uses a directory that holds anything but a demo. Called by demo.ts.
import { mkdtemp, mkdir, readdir, readFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../failures.ts';

export interface DemoDirectory {
  path: string;
  isKept: boolean;
}

export const settingsName = 'lazaretto.yaml';

/** The first line of the settings file, by which a directory of the demo is known. */
export const settingsMark = '# Written by "lazaretto demo", and anew whenever it starts.';

/** @param options.dir made when it is not there; a demo that was kept in it is continued */
export async function openDemoDirectory(options: { dir?: string; keep?: boolean }): Promise<DemoDirectory> {
  if (options.dir !== undefined) return { path: await namedDirectory(resolve(options.dir)), isKept: true };
  const path = await mkdtemp(join(tmpdir(), 'lazaretto-demo-'));
  if (options.keep) return { path, isKept: true };
  // On exit, because this way nothing is left behind either when the reader of our output goes away or something unexpected happens.
  process.on('exit', () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return { path, isKept: false };
}

async function namedDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (!(await readdir(path)).length) return path;
  const settings = await readFile(join(path, settingsName), 'utf8').catch(() => '');
  if (settings.startsWith(settingsMark)) return path;
  throw new UsageError(`--dir: ${path} is neither empty nor the directory of a demo.`);
}
