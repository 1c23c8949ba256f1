// `npm run bench [-- PART…]`: measures speed and memory beside Dovecot from Debian with the same mail, and prints one table. README.md has the
// last results and says what each row means.
import { cleanUp, cleanUpOnSignals } from './clean-up.ts';
import { bigMailbox } from './parts/big.ts';
import { largeMessages } from './parts/body.ts';
import { lists } from './parts/lists.ts';
import { memoryOfSessions } from './parts/memory.ts';
import { millionMessages } from './parts/million.ts';
import { moveMany } from './parts/move.ts';
import { searching } from './parts/search.ts';
import { dovecotVersion, whyNoDovecot } from './servers/dovecot.ts';
import { Table } from './table.ts';

const parts: Readonly<Record<string, (table: Table) => Promise<void>>> = {
  lists,
  memory: memoryOfSessions,
  big: bigMailbox,
  million: millionMessages,
  move: moveMany,
  body: largeMessages,
  search: searching,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length) {
  console.error(`There is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}.`);
  process.exit(2);
}

cleanUpOnSignals();
const missing = whyNoDovecot();
if (missing) console.log(`${missing}: there will be no ratios.`);
const table = new Table();
try {
  for (const [name, measure] of Object.entries(parts)) {
    if (wanted.length && !wanted.includes(name)) continue;
    console.log(`--- ${name}`);
    await measure(table);
  }
} finally {
  await cleanUp();
}
table.print(missing ? 'none' : dovecotVersion());
