// `node scripts/bench/profile.ts PART`: where the time goes. Runs one list command again and again on a server of its own with Node's sampling
// profiler, and prints for each thread the functions that took the most, and the directories. PART is flags, envelope, headers, body
// or search. The profiler itself makes everything slower.
import { readdir, readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { cleanUp, cleanUpOnSignals, temporaryDirectory } from './clean-up.ts';
import { Client } from './client.ts';
import { alice, corpus, rare, startWith } from './corpus.ts';
import { listCommands } from './parts/lists.ts';

const [flags, envelope, headers, body] = Object.values(listCommands).map(({ command }) => command);
const commands: Readonly<Record<string, string | undefined>> = {
  flags,
  envelope,
  headers,
  body,
  search: `UID SEARCH TEXT "${rare.needle.split(' ')[0]}"`,
};
const forMs = 20_000;
const shown = 14;

/** Of the profile's format, what is used here. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const command = commands[process.argv[2] ?? ''];
if (!command) {
  console.error(`Which? ${Object.keys(commands).join(', ')}`);
  process.exit(2);
}
cleanUpOnSignals();
try {
  const directory = await temporaryDirectory();
  const server = await startWith(corpus, ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${directory}`]);
  const client = await Client.open(server.port, alice, server.mailbox);
  let times = 0;
  for (const until = performance.now() + forMs; performance.now() < until; times++) await client.command(command);
  client.close();
  await server.stop();
  console.log(`${times} times: ${command}`);
  for (const name of await readdir(directory))
    report(JSON.parse(await readFile(`${directory}/${name}`, 'utf8')) as Profile, times);
} finally {
  await cleanUp();
}

function report({ nodes, samples, timeDeltas }: Profile, times: number): void {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const byFunction = new Map<string, number>();
  let busy = 0;
  for (const [i, id] of samples.entries()) {
    const frame = byId.get(id);
    if (!frame || frame.functionName === '(idle)') continue;
    const place = frame.url
      ? `  ${relative(process.cwd(), frame.url.replace('file://', ''))}:${frame.lineNumber + 1}`
      : '';
    const name = `${frame.functionName || '(anonymous)'}${place}`;
    const took = timeDeltas[i] ?? 0;
    busy += took;
    byFunction.set(name, (byFunction.get(name) ?? 0) + took);
  }
  const thread = nodes.some(({ callFrame }) => callFrame.url.endsWith('sqlite/reader.ts'))
    ? 'reader'
    : nodes.some(({ callFrame }) => callFrame.url.endsWith('sqlite/writer.ts'))
      ? 'writer'
      : 'main';
  console.log(`\n--- ${thread} thread: ${(busy / 1000 / times).toFixed(1)} ms per command`);
  for (const [name, took] of [...byFunction].sort((a, b) => b[1] - a[1]).slice(0, shown))
    console.log(`${((took / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
}
