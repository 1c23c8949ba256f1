// Part `memory`: what a session costs that is logged in, has a mailbox of 10,000 messages open and waits in IDLE, over TLS. By how much the
// server's memory grew, divided by the sessions; a bare TLS server of Node shows what is TLS and Node alone.
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from '../client.ts';
import { temporaryDirectory } from '../clean-up.ts';
import { alice, corpus, startDovecotWith, startWith } from '../corpus.ts';
import { startBareTls } from '../servers/bare-tls.ts';
import type { Server } from '../servers/server.ts';
import type { Table } from '../table.ts';
import { memory } from '../usage.ts';
import type { Memory } from '../usage.ts';

const sessions = 1000;
/** Each of Dovecot's is a process; a hundred tell it as well. */
const dovecotSessions = 100;
const atOnce = 20;
/** Until V8 has collected what the opening left behind. */
const settleMs = 20_000;
/**
 * V8's young generation grows and shrinks by tens of megabytes, however many the sessions are: shared out among a thousand, that made 47 kB
 * of each in one run and 90 in another. Both servers of Node are kept from growing it.
 */
const nodeOptions = ['--max-semi-space-size=1'];

export async function memoryOfSessions(table: Table): Promise<void> {
  const lazaretto = await startWith(corpus, nodeOptions);
  const ours = await growth(lazaretto, sessions, openIdle);
  await lazaretto.stop();
  const bareServer = await startBareTls(await temporaryDirectory(), { nodeOptions });
  const bare = await growth(bareServer, sessions, ({ port }) => Client.connect(port));
  await bareServer.stop();
  const dovecotServer = await startDovecotWith(corpus);
  const dovecot = dovecotServer && (await growth(dovecotServer, dovecotSessions, openIdle));
  await dovecotServer?.stop();

  const kilobytes = (bytes: number): number => bytes / 1024;
  const what = `idle TLS session in a mailbox of 10,000 (${sessions} of them)`;
  const row = { unit: 'kB', ours: kilobytes(ours.rssBytes) } as const;
  table.add({ what, ...row, other: kilobytes(bare.rssBytes), besides: 'node:tls', target: { most: 70 } });
  table.add({ what, ...row, other: dovecot && kilobytes(dovecot.pssBytes), target: { ratio: 8 } });
}

async function openIdle({ port, mailbox }: Server): Promise<Client> {
  const client = await Client.open(port, alice, mailbox);
  await client.idle();
  return client;
}

/** Per session. */
async function growth(server: Server, count: number, open: (server: Server) => Promise<Client>): Promise<Memory> {
  // What the first sessions load and compile is not theirs alone.
  for (const client of await openMany(atOnce * 2, () => open(server))) client.close();
  await wait(settleMs / 2);
  const before = memory(server.pid);
  const clients = await openMany(count, () => open(server));
  await wait(settleMs);
  const after = memory(server.pid);
  for (const client of clients) client.close();
  return {
    rssBytes: (after.rssBytes - before.rssBytes) / count,
    pssBytes: (after.pssBytes - before.pssBytes) / count,
    anonymousBytes: (after.anonymousBytes - before.anonymousBytes) / count,
  };
}

async function openMany(count: number, open: () => Promise<Client>): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count)
    clients.push(...(await Promise.all(Array.from({ length: Math.min(atOnce, count - clients.length) }, open))));
  return clients;
}
