// Part `lists`: what a list of 10,000 messages costs the server in CPU time, for what mail programs ask for. Lazaretto and Dovecot take turns
// in the same run and speak TLS both; Dovecot's IMAP process alone, without TLS, is shown as well. CPU time hardly depends on what else
// the machine does.
import { Client } from '../client.ts';
import { alice, corpus, startDovecotWith, startWith } from '../corpus.ts';
import type { Server } from '../servers/server.ts';
import { median } from '../table.ts';
import type { Table, Target } from '../table.ts';
import { cpuMs } from '../usage.ts';

/** What Thunderbird sends when it opens a folder. */
export const thunderbirdFields =
  'UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References ' +
  'Newsgroups In-Reply-To Content-Type Reply-To Received)]';

export const listCommands: Readonly<Record<string, { command: string; target: Target }>> = {
  FLAGS: { command: 'UID FETCH 1:* (FLAGS)', target: { ratio: 1.5 } },
  'ENVELOPE BODYSTRUCTURE': { command: 'UID FETCH 1:* (ENVELOPE BODYSTRUCTURE)', target: { ratio: 5 } },
  'header fields of Thunderbird': { command: `UID FETCH 1:* (${thunderbirdFields})`, target: { ratio: 2 } },
  'BODY.PEEK[]': { command: 'UID FETCH 1:* (BODY.PEEK[])', target: { ratio: 1 } },
};

const rounds = 5;
/** The kernel counts CPU time in hundredths of a second: a measurement is repeated until it took so much of it. */
const enoughMs = 400;

interface Contestant {
  server: Server;
  client: Client;
  cpuMs: number[];
}

export async function lists(table: Table): Promise<void> {
  const lazaretto = await startWith(corpus);
  const dovecot = await startDovecotWith(corpus);
  const contestants: Contestant[] = [await enter(lazaretto)];
  if (dovecot) contestants.push(await enter(dovecot), await enter(dovecot, false));
  for (const [name, { command, target }] of Object.entries(listCommands)) {
    const repeats: number[] = [];
    // The first time fills caches, and compiles.
    for (const contestant of contestants) await measure(contestant, command, 3);
    for (const contestant of contestants) {
      const one = await measure(contestant, command, 5);
      repeats.push(Math.min(Math.max(Math.ceil(enoughMs / Math.max(one, 1)), 2), 100));
    }
    for (const contestant of contestants) contestant.cpuMs = [];
    for (let round = 0; round < rounds; round++)
      for (const [i, contestant] of contestants.entries())
        contestant.cpuMs.push(await measure(contestant, command, repeats[i] ?? 1));
    const [ours = 0, overTls, inClear] = contestants.map(({ cpuMs }) => median(cpuMs));
    table.add({ what: `10,000 × ${name}`, unit: 'ms CPU', ours, other: overTls, target });
    if (inClear !== undefined)
      table.add({ what: `10,000 × ${name}, Dovecot without TLS`, unit: 'ms CPU', ours, other: inClear });
  }
  for (const { client } of contestants) client.close();
  await lazaretto.stop();
  await dovecot?.stop();
}

async function enter(server: Server, tls = true): Promise<Contestant> {
  const port = tls ? server.port : (server.plainPort ?? server.port);
  return { server, client: await Client.open(port, alice, server.mailbox, tls), cpuMs: [] };
}

/** CPU time of the server for one command, in milliseconds. */
async function measure({ server, client }: Contestant, command: string, times: number): Promise<number> {
  const before = cpuMs(server.pid);
  for (let time = 0; time < times; time++) await client.command(command);
  return (cpuMs(server.pid) - before) / times;
}
