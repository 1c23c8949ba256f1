// From a far end's address to an open conversation: connection, TLS where it can be had, login. Called by the SMTP target, whose pool
// decides when one is needed.
import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Exchanger } from './mail-exchangers.ts';
import { openSocket, type SocketAddress } from './open-socket.ts';
import type { DeliverTo, TargetCredentials } from './parse-target-url.ts';
import { SessionFailure, SmtpSession } from './smtp-session.ts';

/** One far end: where to connect, and how to talk there. */
export interface Route {
  /** Equal for far ends that may share a connection. */
  key: string;
  protocol: 'smtp' | 'smtps' | 'lmtp';
  /** Host name or address, for TLS. */
  host: string;
  address: SocketAddress;
  credentials?: TargetCredentials;
  /** Said before our own words about this far end; empty where the administrator configured the only one there is. */
  label: string;
}

export interface RouteOptions {
  heloName: string;
  timeouts: SmtpTimeouts;
  /** Certificates to trust instead of the usual ones, where a certificate is checked at all. */
  ca: ConnectionOptions['ca'];
  signal: AbortSignal;
}

export interface SmtpTimeouts {
  /** Until the TCP connection stands, per host. */
  connectMs: number;
  /** RFC 5321 section 4.5.3.2.1: greeting; the same time again for STARTTLS. */
  greetingMs: number;
  /** RFC 5321 section 4.5.3.2: for any later answer, so the longest of them: 10 minutes after the final dot. */
  replyMs: number;
}

export function configuredRoute(target: Exclude<DeliverTo, { kind: 'mx' }>, lookup: LookupFunction | undefined): Route {
  const { protocol, shown } = target;
  if (target.kind === 'unix')
    return { key: shown, protocol, host: 'localhost', address: { path: target.path }, label: '' };
  const { host, port, credentials } = target;
  return {
    // A session of one login is never used for another one.
    key: JSON.stringify([shown, credentials?.user, credentials?.password]),
    protocol,
    host,
    address: { host, port, ...(lookup && { lookup }) },
    ...(credentials && { credentials }),
    label: '',
  };
}

export function exchangerRoute({ host, address }: Exchanger, port: number): Route {
  const key = `mx ${host} ${address} ${port}`;
  return { key, protocol: 'smtp', host, address: { host: address, port }, label: `at ${host}: ` };
}

/** @throws SessionFailure; then nothing is left open */
export async function openRoute(route: Route, options: RouteOptions): Promise<SmtpSession> {
  try {
    return await openWith(route, options, true);
  } catch (error) {
    // Opportunistic TLS, as Postfix's `may`: whoever can break STARTTLS on the way could as well have hidden it, so refusing to go on
    // in clear protects nobody, and mail would be held up for days by a next hop with a broken TLS set-up. Never with a password, and
    // never for smtps://, where TLS was asked for.
    const mayGoOn =
      error instanceof SessionFailure && error.tlsFailed && route.protocol !== 'smtps' && !route.credentials;
    if (!mayGoOn || options.signal.aborted) throw error;
    return openWith(route, options, false);
  }
}

async function openWith(
  route: Route,
  { heloName, timeouts, ca, signal }: RouteOptions,
  startTls: boolean,
): Promise<SmtpSession> {
  const { protocol, host, address, credentials } = route;
  const local = 'path' in address || isLoopback(host);
  const socket = await openSocket(address, timeouts.connectMs, signal).catch((error: unknown) => {
    throw new SessionFailure(connectWords(error));
  });
  const options = {
    protocol,
    host,
    heloName,
    timeouts,
    startTls,
    // A certificate is checked where TLS was asked for or a password is at stake; on plain smtp:// and lmtp:// it is a bonus.
    verify: !local && (protocol === 'smtps' || credentials !== undefined),
    ca,
    ...(credentials && { credentials }),
    plainAuth: local,
  };
  return SmtpSession.open(socket, options, signal);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

const meanings: Record<string, string> = {
  ECONNREFUSED: 'nobody listens there',
  ENOENT: 'the socket does not exist',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up just now',
  EACCES: 'we have no right to use the socket',
  ETIMEDOUT: 'no answer',
};

function connectWords(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return error.message;
  // Several addresses, several errors.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first ? String(first.code) : 'unknown error';
  if (code === 'ECONNRESET') return 'the server broke the connection (ECONNRESET)';
  return `no connection: ${meanings[code] ?? 'the network says'} (${code})`;
}
