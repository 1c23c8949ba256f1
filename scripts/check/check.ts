// `npm run check`: everything about the sources that a machine can judge without running the program, the quickest first. One line for each
// check as it ends, then what the failed ones said. Exit 1 when one failed. Changes nothing.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const tool = (...path: string[]): string => join(root, 'node_modules', ...path);
const sources = ['src', 'folders', 'test', 'scripts'];

const checks: readonly { name: string; command: readonly string[] }[] = [
  { name: 'import directions', command: ['--test', 'test/house.test.ts'] },
  { name: 'README tables', command: ['scripts/docs/generate.ts', '--check'] },
  {
    name: 'formatting',
    command: [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--ignore-unknown', ...sources, 'README.md'],
  },
  { name: 'types', command: [tool('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.json'] },
  {
    name: 'lint',
    command: [
      tool('eslint', 'bin', 'eslint.js'),
      ...['--config', 'scripts/check/eslint.config.js', '--max-warnings', '0'],
      ...sources,
    ],
  },
];

const failures: string[] = [];
for (const { name, command } of checks) {
  const startedAt = performance.now();
  const { isRight, output } = await run(command);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${isRight ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!isRight) failures.push(`--- ${name}\n${output.trim()}`);
}
if (failures.length) console.log(`\n${failures.join('\n\n')}`);
process.exitCode = failures.length ? 1 : 0;

function run(command: readonly string[]): Promise<{ isRight: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ isRight: code === 0, output: Buffer.concat(chunks).toString() }));
  });
}
