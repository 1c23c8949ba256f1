// `npm run test:clients [-- NAME…]`: the main story, driven by mail programs and libraries that nobody here wrote, each against a server of
// its own. Exit 1 when one fails, 77 when one was left out because a program is missing.
import { curl } from './curl.ts';
import { imaplib } from './imaplib.ts';
import { mbsync } from './mbsync.ts';
import { mutt } from './mutt.ts';
import type { Client } from './client.ts';
import { isInstalled } from './programs.ts';
import { startWholeServer } from './whole-server.ts';

const clients: readonly Client[] = [imaplib, curl, mutt, mbsync];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !clients.some((client) => client.name === name));
if (unknown.length) {
  console.error(`There is no client ${unknown.join(', ')}; there are ${clients.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

const missing = new Set<string>();
const failed: string[] = [];
for (const client of clients) {
  if (wanted.length && !wanted.includes(client.name)) continue;
  const lacking = Object.entries(client.needs).filter(([program]) => !isInstalled(program));
  if (lacking.length) {
    for (const [, debianPackage] of lacking) missing.add(debianPackage);
    console.log(`SKIPPED ${client.name}: not installed: ${lacking.map(([program]) => program).join(', ')}`);
    continue;
  }
  console.log(`--- ${client.name}`);
  try {
    await using server = await startWholeServer();
    await client.run(server, (line) => console.log(`  ${line}`));
  } catch (error) {
    failed.push(client.name);
    console.log(`FAILED  ${client.name}`);
    console.log(error);
    continue;
  }
  console.log(`ok      ${client.name}`);
}

if (missing.size) console.log(`To run them all: apt-get install ${[...missing].join(' ')}`);
process.exitCode = failed.length ? 1 : missing.size ? 77 : 0;
