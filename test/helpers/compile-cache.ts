// Lets the threads of a test's servers share what Node.js compiled of our sources: a store has three threads, and half of the time of a
// short test with a whole server would go into loading the same files into them once more. Called by server.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For threads that start from now on; gone when this process ends. A cache that is set already is left as it is. */
export function shareCompiledSources(): void {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return;
  const directory = mkdtempSync(join(tmpdir(), 'lazaretto-test-'));
  process.env['NODE_COMPILE_CACHE'] = directory;
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
}
