// Which ports the demo listens on: the same each time, so that an account that was added to a mail program works again at the next
// demo; a free one in the place of each that is taken. Called by start-demo.ts.
import { once } from 'node:events';
import { createServer } from 'node:net';

const usual = { imaps: 9993, imap: 9143, caught: 2424, outgoing: 2425, training: 2426, http: 8080 };

/** 0 stands for any free port. */
export type DemoPorts = typeof usual;

export const freePorts: DemoPorts = { imaps: 0, imap: 0, caught: 0, outgoing: 0, training: 0, http: 0 };

export async function usualPorts(): Promise<DemoPorts> {
  const ports = { ...freePorts };
  for (const name of ['imaps', 'imap', 'caught', 'outgoing', 'training', 'http'] as const) {
    if (await isFree(usual[name])) ports[name] = usual[name];
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}
