// Finds the hosts that take mail for a domain: RFC 5321 section 5.1, with the null MX of RFC 7505. Only the DNS itself may say that a
// domain takes none; a resolver in trouble never does. Called by the SMTP target for `mx`, with the resolver of the tests or the system's.
import { Resolver } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** The part of node:dns/promises' Resolver that is used. */
export interface MailResolver {
  resolveMx(domain: string): Promise<{ exchange: string; priority: number }[]>;
  resolve4(host: string): Promise<string[]>;
  resolve6(host: string): Promise<string[]>;
}

export interface Exchanger {
  /** Its name in the DNS, for SNI and for what people are told. */
  host: string;
  /** The IP address to connect to. */
  address: string;
}

export type Exchangers = { found: Exchanger[] } | { found: null; outcome: 'temporary' | 'permanent'; reply: string };

/** As many addresses as one attempt tries, so that a domain with a hundred dead ones does not hold a worker for an hour. */
const maxAddresses = 10;

/** A resolver that gives up within half a minute, so that the attempt's deadline is left for the delivery. */
export function systemResolver(): MailResolver {
  return new Resolver({ timeout: 5_000, tries: 3 });
}

/** The hosts to try, best first. Never rejects. */
export async function findExchangers(domain: string, resolver: MailResolver): Promise<Exchangers> {
  const literal = addressLiteral(domain);
  if (literal !== null) return { found: [{ host: literal, address: literal }] };
  // domainToASCII reads "a/b" as "a", and the mail would go to a stranger.
  const name = /[\s/\\?#@:%[\]<>"]/.test(domain) ? '' : domainToASCII(domain.replace(/\.$/, ''));
  if (!/^[a-z0-9._-]+$/.test(name)) return permanent(`"${domain}" is no domain that mail can be sent to`);

  let exchangers: { exchange: string; priority: number }[] = [];
  try {
    exchangers = await resolver.resolveMx(name);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTFOUND') return permanent(`the domain ${name} does not exist`);
    if (code !== 'ENODATA') return temporary(`the mail servers of ${name} cannot be looked up just now (${code})`);
  }
  // RFC 7505 section 3: one MX whose host is the root says that the domain takes no mail.
  if (exchangers.length > 0 && exchangers.every(({ exchange }) => isRoot(exchange))) {
    return permanent(`the domain ${name} accepts no mail (its MX says so)`);
  }
  // RFC 5321 section 5.1: without any MX the domain's own addresses count.
  if (exchangers.length === 0)
    return addressesOf([name], resolver, () => permanent(`the domain ${name} has no mail server`));
  // RFC 5321 section 5.1: an MX forbids that fallback, so one that leads nowhere is a fault that its owner may put right.
  return addressesOf(byPreference(exchangers), resolver, () =>
    temporary(`the mail servers of ${name} have no address in the DNS`),
  );
}

async function addressesOf(hosts: string[], resolver: MailResolver, none: () => Exchangers): Promise<Exchangers> {
  const found: Exchanger[] = [];
  let trouble: string | null = null;
  for (const host of hosts) {
    // IPv4 first: far ends judge mail from IPv6 more harshly, and a broken IPv6 route costs a whole connection timeout.
    for (const family of ['resolve4', 'resolve6'] as const) {
      try {
        for (const address of await resolver[family](host)) found.push({ host, address });
      } catch (error) {
        const code = codeOf(error);
        if (code !== 'ENODATA' && code !== 'ENOTFOUND')
          trouble = `the mail server ${host} cannot be looked up just now (${code})`;
      }
    }
    if (found.length >= maxAddresses) break;
  }
  if (found.length > 0) return { found: found.slice(0, maxAddresses) };
  return trouble === null ? none() : temporary(trouble);
}

/** RFC 5321 section 5.1: lowest preference value first, equals in random order so that they share the load. */
function byPreference(exchangers: { exchange: string; priority: number }[]): string[] {
  return exchangers
    .filter(({ exchange }) => !isRoot(exchange))
    .map(({ exchange, priority }) => ({ exchange, priority, turn: Math.random() }))
    .sort((a, b) => a.priority - b.priority || a.turn - b.turn)
    .map(({ exchange }) => exchange.replace(/\.$/, ''));
}

function isRoot(exchange: string): boolean {
  return exchange === '' || exchange === '.';
}

/** RFC 5321 section 4.1.3: user@[192.0.2.1] and user@[IPv6:2001:db8::1] name the host itself. */
function addressLiteral(domain: string): string | null {
  const inside = /^\[(?:IPv6:)?(.*)\]$/i.exec(domain)?.[1];
  return inside !== undefined && (isIPv4(inside) || isIPv6(inside)) ? inside : null;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

function permanent(reply: string): Exchangers {
  return { found: null, outcome: 'permanent', reply };
}

function temporary(reply: string): Exchangers {
  return { found: null, outcome: 'temporary', reply };
}
