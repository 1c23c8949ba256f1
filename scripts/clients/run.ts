// `npm run test:clients [-- NAME…]`: the main story, driven by mail programs and libraries that nobody here wrote, each against a server of
// its own. At the end a line for each. Exit 1 when one fails, 77 when one was left out because a program is missing. Whatever was started ends.
import type { Client } from './client.ts';
import { curl } from './curl.ts';
import { imapflow } from './imapflow.ts';
import { imaplib } from './imaplib.ts';
import { mbsync } from './mbsync.ts';
import { mutt } from './mutt.ts';
import { offlineimap } from './offlineimap.ts';
import { endPrograms, isInstalled } from './programs.ts';
import { thunderbird } from './thunderbird.ts';

const tidiedUpWithinMs = 10_000;
const clients: readonly Client[] = [imaplib, imapflow, curl, mutt, mbsync, offlineimap, thunderbird];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !clients.some((client) => client.name === name));
if (unknown.length) {
  console.error(`There is no client ${unknown.join(', ')}; there are ${clients.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

let isInterrupted = false;
// What was under way fails, tidies up, and nothing more is begun. A signal may come twice, from the terminal and from npm.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    isInterrupted = true;
    process.exitCode = 1;
    endPrograms();
    setTimeout(() => process.exit(), tidiedUpWithinMs).unref();
  });
}
process.once('exit', endPrograms);

const missing = new Set<string>();
const results: string[] = [];
for (const client of clients) {
  if (isInterrupted || (wanted.length && !wanted.includes(client.name))) continue;
  const name = client.name.padEnd(12);
  const lacking = Object.entries(client.needs).filter(([program]) => !isInstalled(program));
  if (lacking.length) {
    for (const [, debianPackage] of lacking) missing.add(debianPackage);
    results.push(`SKIPPED ${name} not installed: ${lacking.map(([program]) => program).join(', ')}`);
    continue;
  }
  console.log(`--- ${client.name}`);
  const startedAt = performance.now();
  let [result, about] = ['ok     ', ''];
  try {
    about = await client.version();
    await client.run((line) => console.log(`  ${line}`));
  } catch (error) {
    result = 'FAILED ';
    process.exitCode = 1;
    console.log(error);
  }
  results.push(`${result} ${name} ${about}, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}

console.log(results.join('\n'));
if (missing.size) console.log(`To run them all: apt-get install ${[...missing].join(' ')}`);
process.exitCode ??= missing.size ? 77 : 0;
