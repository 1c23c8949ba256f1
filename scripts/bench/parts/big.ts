// Part `big`: a mailbox of 100,000 messages, with a reader that is fast or slow and a second session that wants an answer meanwhile.
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from '../client.ts';
import { alice, large, startWith } from '../corpus.ts';
import { startProber } from '../prober.ts';
import type { Server } from '../servers/server.ts';
import { median, percentile } from '../table.ts';
import type { Table } from '../table.ts';
import { cpuMs, rssBytes } from '../usage.ts';
import { listCommands } from './lists.ts';

const selects = 40;
const slowBytesPerSecond = 4_000_000;
/** A slow reader is given up after this. */
const slowMs = 12_000;
const megabyte = 1_000_000;

export async function bigMailbox(table: Table): Promise<void> {
  const server = await startWith(large);
  const client = await Client.open(server.port, alice, server.mailbox);
  const before = cpuMs(server.pid);
  const taken: number[] = [];
  for (let time = 0; time < selects; time++) taken.push((await client.command(`SELECT ${server.mailbox}`)).ms);
  const most = { target: { most: 100 } };
  table.add({ what: 'SELECT of 100,000', unit: 'ms', ours: median(taken), ...most });
  table.add({ what: 'SELECT of 100,000', unit: 'ms CPU', ours: (cpuMs(server.pid) - before) / selects, ...most });
  client.close();
  await server.stop();
  for (const [name, { command }] of Object.entries(listCommands)) await fetchList(table, name, command);
}

/** On a server that has just started: what an earlier list made it take would not show any more. */
async function fetchList(table: Table, name: string, command: string): Promise<void> {
  const server = await startWith(large);
  const client = await Client.open(server.port, alice, server.mailbox);
  // What the first one loads and compiles stays.
  await client.command(command.replace('1:*', '1:2000'));
  await wait(1000);
  const idle = rssBytes(server.pid);
  const slow = await whileWatching(server, async () => {
    const reader = await Client.open(server.port, alice, server.mailbox);
    const reading = reader.command(command, { bytesPerSecond: slowBytesPerSecond });
    await Promise.race([reading, wait(slowMs)]);
    reader.close();
  });
  const fast = await whileWatching(server, () => client.command(command));
  client.close();
  await server.stop();
  const memory = { unit: 'MB', target: { most: 64 } } as const;
  table.add({ what: `100,000 × ${name}: memory above idle`, ...memory, ours: fast.above(idle) });
  table.add({ what: `100,000 × ${name}: memory above idle, read with 4 MB/s`, ...memory, ours: slow.above(idle) });
  const noop = { unit: 'ms', target: { most: 50 } } as const;
  const what = `100,000 × ${name}: NOOP of another session meanwhile`;
  table.add({ what: `${what}, 99 %`, ...noop, ours: percentile(fast.noops, 0.99) });
  table.add({ what: `${what}, longest`, ...noop, ours: percentile(fast.noops, 1) });
}

interface Watched {
  /** The most memory that the server had beyond `idle`, in MB. */
  above(idle: number): number;
  /** Milliseconds of each NOOP of another session. */
  noops: number[];
}

async function whileWatching(server: Server, work: () => Promise<unknown>): Promise<Watched> {
  const prober = await startProber({ port: server.port, login: alice, mailbox: server.mailbox });
  let most = 0;
  const look = setInterval(() => (most = Math.max(most, rssBytes(server.pid))), 50);
  try {
    await work();
  } finally {
    clearInterval(look);
  }
  return { above: (idle) => Math.max(most - idle, 0) / megabyte, noops: await prober.stop() };
}
