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
  const domain = canonicalDomain(text.slice(at + 1));
  return domain ? { localPart: text.slice(0, at), domain } : null;
}

/** Lower-case A-label form without a final dot; null when it is no domain name (nor an address literal, which is never ours). */
export function canonicalDomain(text: string): string | null {
  const trimmed = text.trim().replace(/\.$/, '');
  if (!trimmed || trimmed.length > 255 || /[\s@/\\:[\]<>"]/.test(trimmed)) return null;
  const ascii = domainToASCII(trimmed);
  return ascii && ascii.split('.').every((label) => label.length > 0 && label.length <= 63) ? ascii : null;
}

/**
 * The local part as our logins are named: quotes that change nothing removed, lower-cased, sub-address dropped.
 * RFC 5321 section 2.4 lets hosts treat local parts as case-sensitive; nobody's mailboxes differ by case alone, and two logins for one
 * person would hide mail, so we do not.
 *
 * @param separator the domain's sub-address separator, '' for none
 */
export function canonicalLocalPart(localPart: string, separator: string): string {
  const lower = unquoted(localPart).normalize('NFC').toLowerCase();
  const cut = separator ? lower.indexOf(separator) : -1;
  return cut > 0 ? lower.slice(0, cut) : lower;
}

// RFC 5321 section 4.1.2: "fred"@x and fred@x are the same mailbox when the quoted form needed no quotes.
function unquoted(localPart: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(localPart);
  if (!quoted) return localPart;
  const content = (quoted[1] ?? '').replace(/\\(.)/gs, '$1');
  return /^[^\s"(),:;<>@[\\\]]+$/.test(content) ? content : localPart;
}
