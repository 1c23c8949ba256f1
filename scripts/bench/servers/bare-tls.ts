// Starts tls-server.ts as a process of its own.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { endChild } from '../clean-up.ts';
import { writeCertificate } from './server.ts';
import type { Server } from './server.ts';

export interface BareTlsOptions {
  /** What each line is answered with. */
  answerBytes?: number;
  /** For example `--cpu-prof`. */
  nodeOptions?: readonly string[];
}

export async function startBareTls(
  directory: string,
  { answerBytes = 0, nodeOptions = [] }: BareTlsOptions = {},
): Promise<Server> {
  const { cert, key } = await writeCertificate(directory);
  const program = [join(import.meta.dirname, 'tls-server.ts'), cert, key, `${answerBytes}`];
  const child = spawn(process.execPath, [...nodeOptions, ...program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = endChild(child);
  for await (const line of createInterface({ input: child.stdout }))
    return { name: 'node:tls', port: Number(line), plainPort: null, pid: child.pid ?? 0, mailbox: 'INBOX', stop };
  throw new Error('the bare TLS server did not start');
}
