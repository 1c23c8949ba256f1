// Part `body`: messages of 5, 25 and 50 MB, fetched whole, beside a bare TLS server of Node that sends as many bytes and beside Dovecot.
import { Client } from '../client.ts';
import { temporaryDirectory } from '../clean-up.ts';
import { alice, startDovecotWith, startWith } from '../corpus.ts';
import type { Corpus } from '../corpus.ts';
import { arrivalOf, attachment } from '../mail/spam.ts';
import { startBareTls } from '../servers/bare-tls.ts';
import type { Server } from '../servers/server.ts';
import type { StoredMail } from '../servers/lazaretto.ts';
import { median } from '../table.ts';
import type { Table } from '../table.ts';
import { cpuMs } from '../usage.ts';

/** In MB. What encodes them makes them a little larger, and 50 MB are the most that the server takes. */
const sizes = [5, 25, 49.9];
const megabytesTogether = 200;
const rounds = 5;
const command = 'UID FETCH 1:* (BODY.PEEK[])';

function corpusOf(megabytes: number): Corpus & { count: number } {
  const count = Math.round(megabytesTogether / megabytes);
  return { name: `${count} messages of ${Math.round(megabytes)} MB`, count, mail: () => mail(count, megabytes) };
}

function* mail(count: number, megabytes: number): Generator<StoredMail> {
  for (let number = 0; number < count; number++)
    yield {
      raw: attachment(number, alice.name, megabytes * 1_000_000),
      recipients: [alice.name],
      internalDate: arrivalOf(number),
    };
}

interface Contestant {
  server: Server;
  client: Client;
  megabytesPerSecond: number[];
  cpuMs: number[];
}

export async function largeMessages(table: Table): Promise<void> {
  for (const megabytes of sizes) await messagesOf(megabytes, table);
}

async function messagesOf(megabytes: number, table: Table): Promise<void> {
  const heavy = corpusOf(megabytes);
  const dovecotServer = await startDovecotWith(heavy);
  const lazaretto = await enter(await startWith(heavy));
  const bare = await enter(
    await startBareTls(await temporaryDirectory(), { answerBytes: megabytesTogether * 1_000_000 }),
  );
  const dovecot = dovecotServer && (await enter(dovecotServer));
  const contestants = [lazaretto, bare, ...(dovecot ? [dovecot] : [])];
  for (let round = -1; round < rounds; round++)
    for (const contestant of contestants) await measure(contestant, round >= 0);
  const what = `${heavy.count} × BODY.PEEK[] of ${Math.round(megabytes)} MB`;
  const speed = { what, unit: 'MB/s', ours: median(lazaretto.megabytesPerSecond) } as const;
  const cost = { what, unit: 'ms CPU', ours: median(lazaretto.cpuMs) } as const;
  const besides = 'node:tls';
  table.add({ ...speed, other: median(bare.megabytesPerSecond), besides, target: { within: 1.5 } });
  table.add({ ...cost, other: median(bare.cpuMs), besides });
  table.add({ ...speed, other: dovecot && median(dovecot.megabytesPerSecond) });
  table.add({ ...cost, other: dovecot && median(dovecot.cpuMs) });
  for (const { client, server } of contestants) {
    client.close();
    await server.stop();
  }
}

async function enter(server: Server): Promise<Contestant> {
  return { server, client: await Client.open(server.port, alice, server.mailbox), megabytesPerSecond: [], cpuMs: [] };
}

async function measure(
  { server, client, megabytesPerSecond, cpuMs: spent }: Contestant,
  counts: boolean,
): Promise<void> {
  const before = cpuMs(server.pid);
  const { bytes, ms } = await client.command(command);
  if (!counts) return;
  megabytesPerSecond.push(bytes / 1000 / ms);
  spent.push(cpuMs(server.pid) - before);
}
