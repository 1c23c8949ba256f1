// A real HAProxy on loopback before the processes of the run: IMAPS and LMTP, PROXY protocol version 2, a process that is gone is left out
// at once. Started by cluster.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface Door {
  imaps: number;
  lmtp: number;
}

export interface Balancer {
  close(): Promise<void>;
}

export async function startBalancer(directory: string, front: Door, behind: Map<string, Door>): Promise<Balancer> {
  const path = join(directory, 'haproxy.cfg');
  await writeFile(path, configuration(front, behind));
  const child = spawn('haproxy', ['-db', '-f', path], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('HAProxy cannot be started (on Debian: apt-get install haproxy)', { cause: error });
  });
  failed.catch(() => undefined);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`HAProxy ended with ${code}; "haproxy -c -f ${path}" says why`);
  });
  ended.catch(() => undefined);
  await Promise.race([failed, ended, untilListening(front.imaps)]);
  return {
    async close() {
      child.kill('SIGTERM');
      await ended.catch(() => undefined);
    },
  };
}

function configuration(front: Door, behind: Map<string, Door>): string {
  const servers = (door: keyof Door): string =>
    [...behind].map(([name, ports]) => `  server ${name} 127.0.0.1:${ports[door]}`).join('\n');
  return `defaults
  mode tcp
  balance roundrobin
  retries 3
  option redispatch
  timeout connect 5s
  timeout client 32m
  timeout server 32m
  timeout check 3s
  default-server check check-send-proxy send-proxy-v2 inter 200 fall 1 rise 1
listen imaps
  bind 127.0.0.1:${front.imaps}
${servers('imaps')}
listen lmtp
  bind 127.0.0.1:${front.lmtp}
${servers('lmtp')}
`;
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      wait(1000, false),
    ]);
    socket.destroy();
    if (isThere) return;
    await wait(50);
  }
}
