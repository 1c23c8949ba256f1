// The two ends of one TCP connection on loopback, for what works with a socket and needs no server. Destroyed when the test ends.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** `ours` is the end of the server: when the client has ended, it can still be written to, as on the listeners for IMAP. */
export async function connectSockets(context: Pick<TestContext, 'after'>): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const theirs = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [ours] = (await once(server, 'connection')) as [Socket];
  context.after(() => {
    theirs.destroy();
    ours.destroy();
    server.close();
  });
  ours.on('error', () => undefined);
  theirs.on('error', () => undefined);
  return { ours, theirs };
}
