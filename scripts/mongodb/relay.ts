// The way to the store, which a test can cut and mend: a TCP relay on loopback.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Relay {
  port: number;
  /** Ends every connection, and each new one at once. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startRelay(toPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (isCut) return void near.resetAndDestroy();
    const far = keep(connect(toPort, '127.0.0.1'));
    near.pipe(far).once('close', () => near.destroy());
    far.pipe(near).once('close', () => far.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A reset, as of a machine that is gone. Where all connections end in order at the same moment, the driver (7.9.0) may write to a socket
  // that is destroyed already and then waits for ever; a test that meets that by chance proves nothing about us.
  const endAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      endAll();
    },
    mend: () => void (isCut = false),
    async close() {
      endAll();
      await once(server.close(), 'close');
    },
  };
}
