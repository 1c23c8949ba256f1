// `npm run test:mongodb [-- WORD…]`: the suites that need a server which speaks MongoDB's protocol, one after the other, each against a
// fresh one; with TEST_MONGODB_URL set, once each against that server. WORD chooses suites whose file name has it. Stops at the first
// failure. Exit 77 when no server could be had.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The test servers of scripts/mongodb.sh. */
type Server = 'java' | 'ferretdb';

/** Tests of the contract that FerretDB cannot pass, or not in a sensible time, whatever the driver does. */
const beyondFerretdb = [
  // An update reads the whole collection there, and so many take longer than the driver waits for an answer.
  'ten thousand messages are changed by one commit',
  'a rare word is found in a large store',
  'thousands of messages with many combinations of flags',
  // Each seed takes it more than a minute; one is enough.
  'at their own pace always have what the mailbox has \\(seed [23]\\)',
  // It hangs when a hundred of its own reads are under way.
  'several at once',
  // It knows no $elemMatch on objects, and of a $group with two sums the second is 0.
  'a training target that does not answer never hides',
  'a parked job is listed and claimed by nobody',
  'counts messages by view and by what became of them',
];

interface Suite {
  file: string;
  servers: readonly Server[];
  /** Parts of the titles of tests that are not run on FerretDB. */
  beyondFerretdb?: readonly string[];
}

/** `*.test.ts` runs under node --test, other files under node. What else a suite needs to know is in TEST_MONGODB_URL. */
const suites: readonly Suite[] = [
  { file: 'scripts/mongodb/contract.test.ts', servers: ['java', 'ferretdb'], beyondFerretdb },
  { file: 'scripts/mongodb/dead-writers.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/large-contents.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/model.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/copy.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/plans.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/replica-set.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/workers.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/story.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/notices.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/lost-connection.test.ts', servers: ['java'] },
  { file: 'scripts/mongodb/crash.ts', servers: ['java'] },
  { file: 'scripts/mongodb/processes.ts', servers: ['java'] },
];

const missingExit = 77;
const root = join(import.meta.dirname, '..', '..');
const named = process.env.TEST_MONGODB_URL;

const words = process.argv.slice(2);
const chosen = suites.filter(({ file }) => !words.length || words.some((word) => file.includes(word)));
if (!chosen.length) {
  console.error(`No suite is called ${words.join(' or ')}; there are:\n${suites.map(({ file }) => file).join('\n')}`);
  process.exit(2);
}

const runs = chosen.flatMap((suite) =>
  (named ? [undefined] : suite.servers).map((server) => ({
    suite,
    server,
    title: `${suite.file} on ${server ?? 'TEST_MONGODB_URL'}`,
  })),
);
// Asked first: afterwards 77 can only be the suite's own.
const missing = new Set<Server>();
for (const server of new Set(runs.map((run) => run.server)))
  if (server && (await ask(server)) === missingExit) missing.add(server);

const left = runs.filter(({ server }) => server && missing.has(server));
if (left.length === runs.length) {
  console.log('NOT RUN: no server for these tests can be had here, and TEST_MONGODB_URL names none.');
  process.exit(missingExit);
}
for (const { suite, server, title } of runs.filter((run) => !left.includes(run))) {
  console.log(`\n=== ${title}`);
  const started = performance.now();
  const code = await run(server, suite);
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  if (code !== 0) {
    console.log(`FAILED ${title} (exit ${code}, ${seconds} s)`);
    process.exit(1);
  }
  console.log(`ok     ${title} (${seconds} s)`);
}
for (const { title } of left) console.log(`NOT RUN ${title}: the server can't be had here, see above`);
// Where everything is meant to be installed, half a run is none.
if (left.length && process.env.CI) process.exitCode = 1;

/** Makes the server ready, so that a first download is not counted as a suite's time. */
function ask(server: Server): Promise<number> {
  return wait('scripts/mongodb.sh', [server, '--', 'true']);
}

function run(server: Server | undefined, { file, beyondFerretdb: beyond = [] }: Suite): Promise<number> {
  const skip = server === 'ferretdb' ? beyond.map((title) => `--test-skip-pattern=${title}`) : [];
  const runner = file.endsWith('.test.ts') ? ['--test', '--test-reporter=spec', ...skip] : [];
  return wait('scripts/mongodb.sh', [...(server ? [server] : []), '--', process.execPath, ...runner, file]);
}

function wait(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, program), args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
