// A second mail program that asks for news all the time, in a thread of its own, so that what the first one is busy with does not count: how
// long others wait while the server works. Its times are wall time and hold whatever else the machine does.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Login } from './client.ts';
import { Client } from './client.ts';

interface Place {
  port: number;
  login: Login;
  mailbox: string;
}

export interface Prober {
  /** Milliseconds of each NOOP. */
  stop(): Promise<number[]>;
}

/** Resolves when it has begun. */
export async function startProber(place: Place): Promise<Prober> {
  const worker = new Worker(new URL(import.meta.url), { workerData: place });
  await once(worker, 'message');
  return {
    async stop() {
      worker.postMessage('stop');
      const [taken] = (await once(worker, 'message')) as [number[]];
      await worker.terminate();
      return taken;
    },
  };
}

async function probe({ port, login, mailbox }: Place): Promise<void> {
  const client = await Client.open(port, login, mailbox);
  const taken: number[] = [];
  let isOver = false;
  parentPort?.once('message', () => (isOver = true));
  parentPort?.postMessage('begun');
  while (!isOver) {
    taken.push((await client.command('NOOP')).ms);
    await wait(3);
  }
  client.close();
  parentPort?.postMessage(taken);
}

if (!isMainThread) await probe(workerData as Place);
