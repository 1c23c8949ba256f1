// Reads a domain's `deliverTo`. Says in one sentence what is wrong and what is expected, because the CLI and the settings check print
// that sentence as it stands; so it must never repeat a password. Called by both, and by the SMTP target for every attempt.
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

export interface TargetCredentials {
  user: string;
  password: string;
}

export interface TcpTarget {
  kind: 'tcp';
  protocol: 'smtp' | 'smtps' | 'lmtp';
  /** Host name as an A-label, or an IP address without brackets. */
  host: string;
  port: number;
  credentials?: TargetCredentials;
  /** The same target as text fit for lists and logs: the port spelled out, without credentials. */
  shown: string;
}

export interface UnixSocketTarget {
  kind: 'unix';
  protocol: 'lmtp';
  path: string;
  shown: string;
}

/** Each recipient's own mail exchangers, found in the DNS. */
export interface MxTarget {
  kind: 'mx';
  protocol: 'smtp';
  shown: 'mx';
}

export type DeliverTo = TcpTarget | UnixSocketTarget | MxTarget;

const defaultPorts = { smtp: 25, smtps: 465, lmtp: 24 } as const;
const expected = 'expected smtp://host:port, smtps://host:port, lmtp://host:port, lmtp:/path/to/socket or mx';

/** @throws Error whose message says what is wrong and what is expected */
export function parseDeliverTo(text: string): DeliverTo {
  const trimmed = text.trim();
  if (trimmed === '') throw new Error(`a delivery target is empty: ${expected}`);
  if (trimmed.toLowerCase() === 'mx') return { kind: 'mx', protocol: 'smtp', shown: 'mx' };

  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(trimmed)?.[1]?.toLowerCase();
  // "mail.example.com:25" looks like a scheme to a URL parser; what is missing is "smtp://".
  if (scheme === undefined || !/^(smtps?|lmtp)$/.test(scheme)) throw unreadable(trimmed, scheme);
  const protocol = scheme as keyof typeof defaultPorts;
  const rest = trimmed.slice(protocol.length + 1);
  return rest.startsWith('//') ? parseTcp(protocol, trimmed) : parseSocket(protocol, rest);
}

function unreadable(text: string, scheme: string | undefined): Error {
  if (text.includes('@')) return new Error(`a delivery target is no address and needs its protocol: ${expected}`);
  if (scheme !== undefined && text.startsWith('//', scheme.length + 1)) {
    return new Error(`"${scheme}://" is no protocol to deliver over: ${expected}`);
  }
  return new Error(`"${text}" does not say how to deliver: ${expected}`);
}

function parseSocket(protocol: keyof typeof defaultPorts, path: string): UnixSocketTarget {
  if (protocol !== 'lmtp') {
    throw new Error(
      `"${protocol}:" is not followed by "//" (only LMTP goes to a socket in the file system): ${expected}`,
    );
  }
  if (!path.startsWith('/') || path === '/' || path.includes('\0')) {
    throw new Error('an LMTP socket needs its whole path, as in lmtp:/run/dovecot/lmtp');
  }
  return { kind: 'unix', protocol, path, shown: `lmtp:${path}` };
}

function parseTcp(protocol: keyof typeof defaultPorts, text: string): TcpTarget {
  if (protocol === 'lmtp' && text.startsWith('lmtp:///')) {
    throw new Error('an LMTP socket is written with one slash, as in lmtp:/run/dovecot/lmtp');
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The message of the URL parser would repeat the text, and with it a password.
    throw new Error(`the host or port of a "${protocol}://" target cannot be read: expected ${protocol}://host:port`);
  }
  const host = readHost(url.hostname);
  if (host === null) {
    // With an @ in the text, what was read as the host may be a piece of a password.
    const what = text.includes('@') ? 'what stands for the host' : `"${url.hostname}"`;
    throw new Error(`${what} is no host name or IP address: expected ${protocol}://host:port`);
  }
  if (!['', '/'].includes(url.pathname) || url.search || url.hash) {
    throw new Error(`nothing may follow the port of a "${protocol}://" target: expected ${protocol}://host:port`);
  }
  const port = url.port === '' ? defaultPorts[protocol] : Number(url.port);
  if (port === 0) throw new Error('port 0 is no port to deliver to: expected 1 to 65535');
  const credentials = readCredentials(protocol, url);
  const shown = `${protocol}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return { kind: 'tcp', protocol, host, port, ...(credentials && { credentials }), shown };
}

/** A-label form of a name, an IP address without brackets; null when it is neither. */
function readHost(hostname: string): string | null {
  const bracketed = /^\[(.*)\]$/.exec(hostname)?.[1];
  if (bracketed !== undefined) return isIPv6(bracketed) ? bracketed : null;
  if (isIPv4(hostname)) return hostname;
  const unicode = decode(hostname) ?? '';
  // domainToASCII reads "a/b" as "a".
  const ascii = /[\s/\\?#@:%]/.test(unicode) ? '' : domainToASCII(unicode).replace(/\.$/, '');
  // Underscores are no host name by RFC 1123, and yet what container networks use.
  const isName = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(ascii);
  // All digits and dots, but no IPv4 address: surely a typing error, and never a name.
  return isName && ascii.length <= 253 && !/^[\d.]+$/.test(ascii) ? ascii : null;
}

function readCredentials(protocol: keyof typeof defaultPorts, url: URL): TargetCredentials | undefined {
  if (!url.username && !url.password) return undefined;
  if (protocol === 'lmtp') throw new Error('an LMTP target takes no user name and password: expected lmtp://host:port');
  const user = decode(url.username);
  const password = decode(url.password);
  if (!user || !password) {
    throw new Error(
      `user name or password cannot be read: expected ${protocol}://user:password@host:port, percent-encoded`,
    );
  }
  return { user, password };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
