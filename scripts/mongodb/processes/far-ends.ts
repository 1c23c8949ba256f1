// What is behind the quarantine in this run: a next hop and a filter's controller that accept everything, and note what came, when, and
// from which process.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';
import { ownerOfConnection } from './connection-owner.ts';

export interface Received {
  subject: string;
  /** The same for each repetition of one delivery, or of one report. */
  trace: string;
  at: number;
  /** Process that brought it; null when it was gone at once. */
  pid: number | null;
}

export interface FarEnds {
  nextHop: string;
  controller: string;
  deliveries: Received[];
  reports: Received[];
  close(): Promise<void>;
}

/** @param pids of the processes that may bring something now */
export async function startFarEnds(pids: () => number[]): Promise<FarEnds> {
  const deliveries: Received[] = [];
  const reports: Received[] = [];
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, { remotePort }, callback) {
      void buffer(stream).then(
        (content) => {
          const trace = /^X-Lazaretto-Release: (\S+)/.exec(content.toString('latin1'))?.[1] ?? 'none';
          deliveries.push(received(content, trace, ownerOfConnection(remotePort, portOf(smtp.server), pids())));
          callback();
        },
        // The process was killed in the middle of a message.
        () => undefined,
      );
    },
  });
  // A process that is killed resets its connections.
  smtp.on('error', () => undefined);
  smtp.listen(0, '127.0.0.1');
  const http: Server = createServer((request, response) => {
    void buffer(request).then(
      (content) => {
        const pid = ownerOfConnection(request.socket.remotePort ?? 0, portOf(http), pids());
        reports.push(received(content, `${request.url} ${subjectOf(content)}`, pid));
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"success":true}');
      },
      () => undefined,
    );
  }).listen(0, '127.0.0.1');
  await Promise.all([once(smtp.server, 'listening'), once(http, 'listening')]);
  return {
    nextHop: `smtp://127.0.0.1:${portOf(smtp.server)}`,
    controller: `http://127.0.0.1:${portOf(http)}`,
    deliveries,
    reports,
    async close() {
      http.closeAllConnections();
      await Promise.all([new Promise<void>((resolve) => smtp.close(resolve)), once(http.close(), 'close')]);
    },
  };
}

function received(content: Buffer, trace: string, pid: number | null): Received {
  return { subject: subjectOf(content), trace, at: Date.now(), pid };
}

export function subjectOf(content: Buffer): string {
  return /^Subject: (\S+)/m.exec(content.toString('latin1'))?.[1] ?? '';
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}
