// All of the web that Thunderbird gets to see, as its HTTP proxy: the public server that README puts in front of the quarantine, at the name
// where Thunderbird looks for an account's settings. There is nothing else, and nothing is resolved or fetched outside of this machine.
// Called by ../thunderbird.ts.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Front extends AsyncDisposable {
  /** Of the proxy, on 127.0.0.1. */
  port: number;
}

/** @param behind the HTTP port of the quarantine */
export async function startFront(name: string, behind: number): Promise<Front> {
  const server = createServer((request, response) => {
    const asked = URL.parse(request.url ?? '');
    const isPassedOn = asked?.host === name && /^\/(mail|\.well-known\/autoconfig|autodiscover)\//.test(asked.pathname);
    const answer = isPassedOn
      ? fetch(`http://127.0.0.1:${behind}${asked.pathname}${asked.search}`)
      : Promise.reject(new Error('there is no such host'));
    answer
      .then(async ({ status, headers, body }) => {
        response.writeHead(status, { 'Content-Type': headers.get('content-type') ?? '' });
        for await (const chunk of body ?? []) response.write(chunk);
      })
      .catch(() => response.writeHead(502))
      .finally(() => response.end());
  });
  // HTTPS: Thunderbird goes on to ask without.
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
