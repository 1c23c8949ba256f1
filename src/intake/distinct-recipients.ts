// One envelope may name a mailbox twice (two RCPTs, two header lines). It is kept once: a person who releases it would otherwise send it
// twice. Different spellings of a local part are different recipients, as the sending server meant them (RFC 5321 section 2.4); domains
// are compared in their canonical form. Alias domains and sub-addresses stay apart: a release goes to each.
import { parseAddress } from '../quarantine/address.ts';

/** Equal for the recipients that are one; made to be compared, not to be shown. */
export function recipientKey(recipient: string): string {
  const parsed = parseAddress(recipient);
  return parsed ? `${parsed.localPart}@${parsed.domain}` : recipient;
}

/** In the order and the spelling of their first appearance. */
export function distinctRecipients(recipients: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const recipient of recipients) {
    const key = recipientKey(recipient);
    if (!first.has(key)) first.set(key, recipient);
  }
  return [...first.values()];
}
