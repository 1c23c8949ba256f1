// What setting up an account is about, whichever format a mail program asks in: where IMAP is, and for which address. Written by
// autoconfig.ts, autodiscover.ts and mobileconfig.ts. Nothing here depends on whether the address, or its account, exists.
import { parseAddress } from '../../quarantine/address.ts';
import type { Address } from '../../quarantine/address.ts';
import type { Sentences } from '../../quarantine/sentences.ts';

/** As mail programs are told: a name that they can resolve and a port that they can reach. */
export interface ImapServer {
  host: string;
  port: number;
  tls: 'implicit' | 'starttls';
}

export interface Account extends Address {
  /** Whole, with its domain in canonical form; also the name to log in with. */
  address: string;
}

/** What people see of the account, in the language of the settings. */
export type Shown = Pick<Sentences, 'sender' | 'profile'>;

/**
 * Two formats cannot describe an account without an outgoing server, and this one has none. The name says what it is for, and can never be
 * anybody's: neither mail nor a password is ever sent there by mistake (RFC 6761 section 6.4).
 */
export const noOutgoingServer = 'no-outgoing-mail.invalid';

/** Null for whatever is no address that can stand in XML and in a login. */
export function readAccount(text: unknown): Account | null {
  const parsed = typeof text === 'string' ? parseAddress(text.trim()) : null;
  if (!parsed) return null;
  const { localPart, domain } = parsed;
  // RFC 5321 section 4.5.3.1.1, and what XML 1.0 section 2.2 cannot carry.
  if (Buffer.byteLength(localPart) > 64 || /[\s\p{C}\ufffe\uffff]/u.test(localPart)) return null;
  return { localPart, domain, address: `${localPart}@${domain}` };
}
