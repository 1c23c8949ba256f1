// Addresses and domains in their canonical form: lower case, A-labels (IDNA), no final dot. Pure; knows nothing of which domains are ours.
import { domainToASCII } from 'node:url';

export interface Address {
  localPart: string;
  domain: string;
}

/**
 * Splits at the last `@` that is outside of a quoted local part (RFC 5321 section 4.1.2). Null when either side is empty.
 * The local part is kept as it is; the domain is made canonical.
 */
export function parseAddress(text: string): Address | null {
  const at = text.lastIndexOf('@');
  if (at <= 0) return null;
  const localPart = text.slice(0, at);
  // A line end in an address would end the line of whatever protocol it is written into.
  if (hasControlCharacter(localPart)) return null;
  const domain = canonicalDomain(text.slice(at + 1));
  return domain ? { localPart, domain } : null;
}

/** Lower-case A-label form without a final dot; null when it is no domain name (nor an address literal, which is never ours). */
export function canonicalDomain(text: string): string | null {
  const trimmed = text.trim().replace(/\.$/, '');
  // domainToASCII reads a URL's host: it would decode `%65`, cut at `?` and `#`, and make 127.0.0.1 of `127.1`.
  if (trimmed.length > 255 || !/^[a-z0-9._\u0080-\uffff-]+$/i.test(trimmed)) return null;
  const ascii = domainToASCII(trimmed);
  // A name whose last label is a number is an IPv4 address, in whatever form.
  if (ascii.length > 255 || /(?:^|\.)\d+$/.test(ascii)) return null;
  return ascii.split('.').every((label) => label.length > 0 && label.length <= 63) ? ascii : null;
}

/**
 * The local part as our logins are named: no quotes but where it needs them, lower-cased, sub-address dropped.
 * RFC 5321 section 2.4 lets hosts treat local parts as case-sensitive; nobody's mailboxes differ by case alone, and two logins for one
 * person would hide mail, so we do not.
 *
 * @param separator the domain's sub-address separator, '' for none
 */
export function canonicalLocalPart(localPart: string, separator: string): string {
  const lower = unquoted(localPart).toLowerCase().normalize('NFC');
  const cut = separator ? lower.indexOf(separator) : -1;
  const name = cut > 0 ? lower.slice(0, cut) : lower;
  return needsNoQuotes(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
}

// RFC 5321 section 4.1.2: "fred"@x, fred@x and "fr\ed"@x are the same mailbox.
function unquoted(localPart: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(localPart);
  return quoted ? (quoted[1] ?? '').replace(/\\(.)/gs, '$1') : localPart;
}

function needsNoQuotes(name: string): boolean {
  return /^[^\s"(),:;<>@[\\\]]+$/.test(name);
}

function hasControlCharacter(text: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f]/.test(text);
}
