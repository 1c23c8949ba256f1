// Who is at the other end of a connection that came through a TCP balancer. Reads the PROXY header before anybody else reads a byte, and
// closes what does not come from a trusted balancer or does not begin with a header: otherwise everybody could claim any address.
// Knows neither IMAP nor SMTP. Used by both kinds of doors (src/imap, src/intake).
import type { Socket } from 'node:net';
import type { Log } from '../quarantine/ports.ts';
import { networkMatcher } from './networks.ts';
import { plainAddress, readProxyHeader } from './proxy-header.ts';

export interface Client {
  /** IPv4 or IPv6, '' when the connection is gone already. */
  readonly address: string;
  /** A balancer's own connection, such as its health check; `address` is then the balancer's. */
  readonly isBalancer: boolean;
}

export interface ProxiedClientOptions {
  /** Networks of the balancers. */
  readonly trustedProxies: readonly string[];
  readonly log: Log;
  readonly timeoutMs?: number;
}

/** proxy-protocol.txt, section 2: at least 3 s, for a TCP segment that has to be sent again. */
const defaultTimeoutMs = 5_000;

/** Somebody who connects directly. */
export function directClient(socket: Socket): Client {
  return { address: plainAddress(socket.remoteAddress ?? ''), isBalancer: false };
}

/**
 * Returns what answers who a new connection's client is. The socket then stands at the first byte of the client. Null: the connection was
 * closed, and the log says why. Never rejects.
 * @throws Error that names a network that is none
 */
export function proxiedClients(options: ProxiedClientOptions): (socket: Socket) => Promise<Client | null> {
  const isTrusted = networkMatcher(options.trustedProxies);
  const { log, timeoutMs = defaultTimeoutMs } = options;
  return async (socket) => {
    const balancer = directClient(socket).address;
    const listener = `${plainAddress(socket.localAddress ?? '')}:${socket.localPort ?? 0}`;
    const found = isTrusted(balancer) ? await headerOf(socket, timeoutMs) : stranger(balancer);
    if ('source' in found) return { address: found.source ?? balancer, isBalancer: found.source === null };
    const { reason, isKnock } = found;
    // The simplest health check opens a connection and closes it: every few seconds, and nothing to tell.
    log[isKnock ? 'debug' : 'warn'](
      { event: 'proxy', listener, remoteAddress: balancer, reason },
      'closed a connection',
    );
    socket.destroy();
    return null;
  };
}

type Found = { readonly source: string | null } | Problem;

interface Problem {
  readonly reason: string;
  /** Nobody said anything: it was closed before. */
  readonly isKnock: boolean;
}

/** A connection that was reset at once has no address any more. */
function stranger(address: string): Problem {
  if (address === '') return { reason: 'it was reset at once', isKnock: true };
  const reason = 'the address is not among trustedProxies, and only they may connect where proxyProtocol is on';
  return { reason, isKnock: false };
}

function headerOf(socket: Socket, timeoutMs: number): Promise<Found> {
  const { promise, resolve } = Promise.withResolvers<Found>();
  let received = Buffer.alloc(0);
  const finish = (found: Found): void => {
    clearTimeout(deadline);
    socket.off('readable', read).off('end', gone).off('close', gone);
    resolve(found);
  };
  const gone = (): void =>
    finish({
      reason: 'the PROXY header was not complete when the connection was closed',
      isKnock: received.length === 0,
    });
  const read = (): void => {
    for (let chunk = next(socket); chunk !== null; chunk = next(socket)) received = Buffer.concat([received, chunk]);
    const header = readProxyHeader(received);
    if (header.kind === 'malformed') finish({ reason: `the PROXY header ${header.problem}`, isKnock: false });
    if (header.kind !== 'complete') return;
    // Whoever reads next finds it as if nothing had been read, TLS included.
    if (received.length > header.lengthBytes) socket.unshift(received.subarray(header.lengthBytes));
    finish({ source: header.source });
  };
  const deadline = setTimeout(
    () => finish({ reason: `the PROXY header did not come within ${timeoutMs / 1000} s`, isKnock: false }),
    timeoutMs,
  );
  // A reset counts as a close.
  socket.on('error', () => undefined);
  socket.on('readable', read).once('end', gone).once('close', gone);
  if (socket.destroyed) gone();
  return promise;
}

function next(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}
