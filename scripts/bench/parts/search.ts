// Part `search`: what a mail program's search box sends, on 100,000 messages; how long the answer takes and how long others wait meanwhile.
// Dovecot has no full-text index here, as Debian installs it, and is asked once.
import { Client } from '../client.ts';
import { alice, large, rare, startDovecotWith, startWith } from '../corpus.ts';
import { startProber } from '../prober.ts';
import type { Server } from '../servers/server.ts';
import { median, percentile } from '../table.ts';
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
  { what: 'BODY, rare word with umlauts', key: `CHARSET UTF-8 BODY "${street}"`, ...most },
  { what: 'TEXT, Russian word', key: 'CHARSET UTF-8 TEXT "безопасность"', ...most },
  { what: 'TEXT, two Japanese characters', key: 'CHARSET UTF-8 TEXT "当選"', ...most },
];

const enoughTimes = 5;
/** Long ones are not repeated. */
const enoughMs = 5000;

export async function searching(table: Table): Promise<void> {
  const server = await startWith(large);
  const dovecot = await startDovecotWith(large);
  const client = await Client.open(server.port, alice, server.mailbox);
  const other = dovecot && (await Client.open(dovecot.port, alice, dovecot.mailbox));
  // Fills Dovecot's cache of header fields, as every use does.
  await other?.command('UID SEARCH SUBJECT "a" FROM "a"');
  for (const search of searches) {
    const ours = await ask(server, client, search);
    const theirs = other && (await other.command(`UID SEARCH ${search.key}`, { keepText: true }));
    const what = `SEARCH of 100,000: ${search.what}`;
    if (theirs && found(theirs.text) !== ours.found)
      console.log(`  (${search.what}: ${ours.found} found, by Dovecot ${found(theirs.text)})`);
    table.add({ what, unit: 'ms', ours: ours.ms, other: theirs?.ms, ...(search.target && { target: search.target }) });
    table.add({ what: `${what}: server`, unit: 'ms CPU', ours: ours.cpuMs });
    table.add({
      what: `${what}: NOOP of another session, longest`,
      unit: 'ms',
      ours: ours.noopMs,
      target: { most: 50 },
    });
  }
  client.close();
  other?.close();
  await server.stop();
  await dovecot?.stop();
}

async function ask(
  server: Server,
  client: Client,
  { key }: Search,
): Promise<{ ms: number; cpuMs: number; noopMs: number; found: number }> {
  const answers = [await client.command(`UID SEARCH ${key}`, { keepText: true })];
  const before = cpuMs(server.pid);
  const first = answers[0]?.ms ?? 0;
  const again = first < enoughMs ? enoughTimes : 0;
  for (let time = 0; time < again; time++) answers.push(await client.command(`UID SEARCH ${key}`));
  const spent = (cpuMs(server.pid) - before) / again;
  const prober = await startProber({ port: server.port, login: alice, mailbox: server.mailbox });
  await client.command(`UID SEARCH ${key}`);
  return {
    ms: median(answers.map(({ ms }) => ms)),
    cpuMs: spent,
    noopMs: percentile(await prober.stop(), 1),
    found: found(answers[0]?.text ?? ''),
  };
}

function found(answer: string): number {
  return /^\* SEARCH(.*)$/m.exec(answer)?.[1]?.trim().split(' ').filter(Boolean).length ?? 0;
}
