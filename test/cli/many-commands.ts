// Runs one command after the other in this process, as the launcher would, and sends back how each ended: a process for every command
// would make the tests slow. Forked by lazaretto-process.ts.
import { runProgram } from '../../src/cli/program.ts';

process.on('message', (args: string[]) => {
  void runCaptured(args).then((ended) => process.send?.(ended));
});

async function runCaptured(args: readonly string[]): Promise<object> {
  const written = { stdout: '', stderr: '' };
  const original = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (chunk: string | Uint8Array): boolean => {
      written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return true;
    };
  }
  process.exitCode = 0;
  try {
    await runProgram(args);
    return { code: process.exitCode, ...written };
  } finally {
    for (const name of ['stdout', 'stderr'] as const) process[name].write = original[name];
    process.exitCode = 0;
  }
}
