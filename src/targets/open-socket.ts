// Opens the plain connection to a far end, over TCP or to a Unix socket. Done here and not by nodemailer because it cannot connect to
// a Unix socket, keeps no deadline of its own for connecting, and must be stoppable while it does. Called by the SMTP session.
import { connect, type LookupFunction, type Socket } from 'node:net';

export type SocketAddress = { path: string } | { host: string; port: number; lookup?: LookupFunction };

/**
 * Resolves with a connected socket, or rejects with the system's error, an Error named TimeoutError, or an Error when the signal aborts; then
 * nothing is left open.
 */
export function openSocket(address: SocketAddress, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // A host with several addresses gets each tried in turn; 250 ms per address, the default, is too little for a far continent.
    const socket = connect({ ...address, autoSelectFamilyAttemptTimeout: 5_000 });
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', settle);
      socket.removeListener('connect', onConnect);
      if (error === undefined) return resolve(socket);
      // An error may still come from the socket that is torn down.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(new Error('aborted', { cause: signal.reason }));
    const onConnect = (): void => settle();
    const timer = setTimeout(() => settle(timeoutError(timeoutMs)), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', settle);
    socket.once('connect', onConnect);
  });
}

function timeoutError(timeoutMs: number): Error {
  const error = new Error(`no connection within ${Math.ceil(timeoutMs / 1000)} s`);
  error.name = 'TimeoutError';
  return error;
}
