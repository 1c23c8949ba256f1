// The records in the DNS by which mail programs find the quarantine for addresses of a domain: what they would have to be, and what is there
// now. Changes nothing; a look-up that fails is told and is no fault. Called by doctor-command.ts.
import type { Resolver } from 'node:dns/promises';
import type { ImapServer } from '../web/connect/connect.ts';

/** The part of node:dns/promises' Resolver that is used. */
export type ConnectResolver = Pick<Resolver, 'resolveSrv' | 'resolve4' | 'resolve6'>;

export interface ConnectRecord {
  name: string;
  type: 'SRV' | 'CNAME';
  /** As in a zone file. */
  value: string;
  /** `set` as it is here (a CNAME: to one of the same addresses), `absent`, set to something `else`, or `unknown` just now. */
  state: 'set' | 'absent' | 'else' | 'unknown';
  /** What is there instead, or why it could not be looked up. */
  found: string | null;
}

/**
 * RFC 6186 section 3.2 (SRV), and the names that Thunderbird and Outlook look for. No record says that there is no outgoing server: it
 * would hold for the whole domain.
 */
export async function examineConnectRecords(
  domain: string,
  { servers, webHost }: { servers: readonly ImapServer[]; webHost: string },
  resolver: ConnectResolver,
): Promise<ConnectRecord[]> {
  const best = (tls: ImapServer['tls']): ImapServer[] => servers.filter((server) => server.tls === tls).slice(0, 1);
  const services = [
    ...best('implicit').map((server) => ({ service: '_imaps', ...server })),
    ...best('starttls').map((server) => ({ service: '_imap', ...server })),
    // RFC 2782: not autodiscover.DOMAIN, because the target may not be an alias.
    { service: '_autodiscover', host: webHost, port: 443 },
  ];
  return Promise.all([
    ...services.map(({ service, host, port }) => examineSrv(`${service}._tcp.${domain}`, { host, port }, resolver)),
    ...['autoconfig', 'autodiscover'].map((name) => examineName(`${name}.${domain}`, webHost, resolver)),
  ]);
}

async function examineSrv(
  name: string,
  { host, port }: { host: string; port: number },
  resolver: ConnectResolver,
): Promise<ConnectRecord> {
  const record = { name, type: 'SRV' as const, value: `0 1 ${port} ${host}.` };
  try {
    const found = await resolver.resolveSrv(name);
    if (found.some((one) => plain(one.name) === plain(host) && one.port === port))
      return { ...record, state: 'set', found: null };
    const shown = found.map((one) => `${one.priority} ${one.weight} ${one.port} ${plain(one.name)}.`).join(', ');
    return shown ? { ...record, state: 'else', found: shown } : { ...record, state: 'absent', found: null };
  } catch (error) {
    return { ...record, ...failed(codeOf(error)) };
  }
}

async function examineName(name: string, host: string, resolver: ConnectResolver): Promise<ConnectRecord> {
  const record = { name, type: 'CNAME' as const, value: `${host}.` };
  try {
    const [found, wanted] = await Promise.all([addressesOf(name, resolver), addressesOf(host, resolver)]);
    if (found.some((address) => wanted.includes(address))) return { ...record, state: 'set', found: null };
    if (!found.length) return { ...record, state: 'absent', found: null };
    return { ...record, state: 'else', found: found.join(', ') };
  } catch (error) {
    return { ...record, ...failed(codeOf(error)) };
  }
}

/** Those of both kinds. Rejects when there is none, and one kind could not be looked up. */
async function addressesOf(name: string, resolver: ConnectResolver): Promise<string[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
  const unknown = failures.find((error) => failed(codeOf(error)).state === 'unknown');
  if (!addresses.length && unknown) throw unknown;
  return addresses;
}

/** Only the DNS itself may say that something is not there. */
function failed(code: string): Pick<ConnectRecord, 'state' | 'found'> {
  return code === 'ENOTFOUND' || code === 'ENODATA'
    ? { state: 'absent', found: null }
    : { state: 'unknown', found: code };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

function plain(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** As a zone file has them, each with what is known of it. */
export function shownRecords(domain: string, records: readonly ConnectRecord[]): string {
  const says = {
    set: 'there',
    absent: 'absent',
    else: 'now',
    unknown: 'cannot be looked up',
  } as const satisfies Record<ConnectRecord['state'], string>;
  return [
    `By these records mail programs find the quarantine for addresses at ${domain}. Set them only where the mailboxes themselves are`,
    'not found in this way, for example at an alias of the domain that is made for it (README, "Connect a mail program"):',
    ...records.map(
      ({ name, type, value, state, found }) =>
        `  ${name}. ${type} ${value}  ; ${says[state]}${found === null ? '' : `: ${found}`}`,
    ),
  ].join('\n');
}
