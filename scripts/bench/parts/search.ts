// Part `search`: what a mail program's search box sends, on 100,000 messages; how long the answer takes and how long others wait meanwhile;
// and what the index costs that the answers come from.
// Dovecot has no full-text index here, as Debian installs it.
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from '../client.ts';
import { alice, large, rare, startDovecotWith, storeWith } from '../corpus.ts';
import { startProber } from '../prober.ts';
import { startLazaretto } from '../servers/lazaretto.ts';
import { removeIndex } from '../servers/search-index.ts';
import type { IndexFigures } from '../servers/search-index.ts';
import type { Server } from '../servers/server.ts';
import { median } from '../table.ts';
import type { Table } from '../table.ts';
import { cpuMs } from '../usage.ts';

interface Search {
  what: string;
  key: string;
  target?: { most: number };
}

const [rareWord = '', , , street = ''] = rare.needle.split(' ');
const most = { target: { most: 300 } };

const searches: readonly Search[] = [
  { what: 'SUBJECT, frequent word', key: 'SUBJECT "guarantee"' },
  { what: 'SUBJECT, no such word', key: 'SUBJECT "kaleidoscope"' },
  { what: 'FROM, rare', key: 'FROM "granplo"' },
  { what: 'SINCE, the last days', key: 'SINCE 20-Jan-2027' },
  { what: 'UNSEEN', key: 'UNSEEN' },
  { what: 'TEXT, rare word', key: `TEXT "${rareWord}"`, ...most },
  { what: 'TEXT, frequent word', key: 'TEXT "guarantee"', ...most },
  { what: 'TEXT, no such word', key: 'TEXT "kaleidoscope"', ...most },
  { what: 'BODY, rare word', key: `BODY "${rareWord}"`, ...most },
  { what: 'BODY, frequent word', key: 'BODY "guarantee"', ...most },
  { what: 'BODY, rare word with umlauts', key: `CHARSET UTF-8 BODY ${literal(street)}`, ...most },
  { what: 'TEXT, Russian word', key: `CHARSET UTF-8 TEXT ${literal('безопасность')}`, ...most },
  { what: 'TEXT, two Japanese characters', key: `CHARSET UTF-8 TEXT ${literal('当選')}`, ...most },
];

/** RFC 7888: a quoted string cannot hold 8-bit characters. */
function literal(text: string): string {
  return `{${Buffer.byteLength(text)}+}\r\n${text}`;
}

const probedMs = 20_000;
const enoughTimes = 5;
/** Long ones are not repeated. */
const enoughMs = 3000;

export async function searching(table: Table): Promise<void> {
  const { directory, index } = await storeWith(large);
  addIndex(table, index);
  const server = await startLazaretto(directory);
  const dovecot = await startDovecotWith(large);
  const client = await Client.open(server.port, alice, server.mailbox);
  const other = dovecot && (await Client.open(dovecot.port, alice, dovecot.mailbox));
  // Fills Dovecot's cache of header fields, as every use does.
  await other?.command('UID SEARCH SUBJECT "a" FROM "a"');
  let longest = 0;
  for (const search of searches) {
    const ours = await ask(server, client, search.key);
    const theirs = dovecot && other && (await ask(dovecot, other, search.key));
    const prober = await startProber({ port: server.port, login: alice, mailbox: server.mailbox });
    await client.command(`UID SEARCH ${search.key}`);
    longest = Math.max(longest, ...(await prober.stop()));
    const what = `SEARCH of 100,000: ${search.what} (${ours.found} found)`;
    const target = search.target && { target: search.target };
    table.add({ what, unit: 'ms', ours: ours.ms, other: theirs?.ms, ...target });
    table.add({ what, unit: 'ms CPU', ours: ours.cpuMs, other: theirs?.cpuMs });
    if (theirs && theirs.found !== ours.found) console.log(`  (Dovecot found ${theirs.found})`);
  }
  const what = 'SEARCH of 100,000: NOOP of another session during all of these, longest';
  table.add({ what, unit: 'ms', ours: longest, target: { most: 50 } });
  client.close();
  other?.close();
  await server.stop();
  await dovecot?.stop();
  await makeAnew(table, directory);
}

function addIndex(table: Table, { contents, ms, cpuMs, grownBytes, diskBytes }: IndexFigures): void {
  const what = 'search index of 100,000';
  table.add({ what: `${what}: made by a server that has nothing else to do`, unit: 'ms', ours: ms });
  table.add({ what: `${what}: for each message`, unit: 'ms CPU', ours: cpuMs / contents });
  table.add({ what: `${what}: for each message, on disk`, unit: 'kB', ours: diskBytes / contents / 1000 });
  table.add({ what: `${what}: memory while it is made`, unit: 'MB', ours: grownBytes / 1e6 });
}

/**
 * How long others wait while the server makes its index, and while it has nothing to do, which tells what else the machine is busy with. At
 * the beginning, which is like the rest; the index is not whole afterwards.
 */
async function makeAnew(table: Table, directory: string): Promise<void> {
  const idle = await probe(directory);
  await removeIndex(directory);
  const taken = await probe(directory);
  const what = 'NOOP of a session while the index is made';
  const besides = 'idle server';
  table.add({ what: `${what}, median`, unit: 'ms', ours: median(taken), other: median(idle), besides });
  const [longest, other] = [Math.max(...taken), Math.max(...idle)];
  table.add({ what: `${what}, longest`, unit: 'ms', ours: longest, other, besides, target: { most: 50 } });
}

async function probe(directory: string): Promise<number[]> {
  const server = await startLazaretto(directory);
  const prober = await startProber({ port: server.port, login: alice, mailbox: server.mailbox });
  await wait(probedMs);
  const taken = await prober.stop();
  await server.stop();
  return taken;
}

interface Asked {
  ms: number;
  cpuMs: number;
  found: number;
}

async function ask(server: Server, client: Client, key: string): Promise<Asked> {
  const before = cpuMs(server.pid);
  const taken: number[] = [];
  let found = 0;
  do {
    const { ms, text } = await client.command(`UID SEARCH ${key}`, { keepText: true });
    taken.push(ms);
    found = foundIn(text);
  } while (taken.length < enoughTimes && (taken[0] ?? 0) < enoughMs);
  return { ms: median(taken), cpuMs: (cpuMs(server.pid) - before) / taken.length, found };
}

function foundIn(answer: string): number {
  const uids = /^\* SEARCH(.*)$/m.exec(answer)?.[1] ?? '';
  return uids.split(' ').filter(Boolean).length;
}
