// What people type as a user name, turned into the login it means: `global`, a domain, or an address with alias domain and sub-address
// dropped. Does not ask whether an account exists. Called by accounts.ts for logins and for the commands that keep accounts.
import { canonicalDomain, parseAddress } from '../quarantine/address.ts';
import type { DomainDirectory } from '../quarantine/domains.ts';
import { scopeOfLogin } from '../quarantine/scope.ts';
import type { Scope } from '../quarantine/scope.ts';

export type LoginName =
  | { is: 'login'; name: string; scope: Scope }
  /** An alias domain has no login of its own. */
  | { is: 'alias'; given: string; domain: string }
  | { is: 'unknown domain'; domain: string }
  | { is: 'malformed' };

export function readLoginName(domains: DomainDirectory, typed: string): LoginName {
  const text = typed.trim();
  if (text.toLowerCase() === 'global') return login('global');
  if (text.includes('@')) return readAddress(domains, text);
  const domain = canonicalDomain(text);
  if (!domain) return { is: 'malformed' };
  const record = domains.find(domain);
  if (!record) return { is: 'unknown domain', domain };
  return record.name === domain ? login(domain) : { is: 'alias', given: domain, domain: record.name };
}

function readAddress(domains: DomainDirectory, text: string): LoginName {
  const address = parseAddress(text);
  // RFC 5321 section 4.5.3.1.1: a local part has at most 64 octets, one of which cannot be a control character.
  if (!address || Buffer.byteLength(address.localPart) > 64 || /\p{Cc}/u.test(address.localPart))
    return { is: 'malformed' };
  const owner = domains.ownerOf(text);
  return owner ? login(owner.address) : { is: 'unknown domain', domain: address.domain };
}

function login(name: string): LoginName {
  return { is: 'login', name, scope: scopeOfLogin(name) };
}
