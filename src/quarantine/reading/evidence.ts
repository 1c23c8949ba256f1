// What the spam filter said about a message, read from the header fields that it added. Senders add such fields too, so
// only what our own servers wrote is believed; `believedFields` has the rule. Called by intake, once per message.

import { decodeHeaderText } from './encoded-words.ts';
import { type Finding, interpret } from './evidence-fields.ts';
import { HeaderCursor, fieldText } from './header-fields.ts';
import { readableLine } from './readable.ts';
import type { Reading } from './reading.ts';

export interface EvidenceHeader {
  name: string;
  /** Decoded, on one line, at most 2,000 characters. */
  value: string;
}

export interface Evidence {
  /** `spam`, `phishing`, `virus` or `policy`; `spam` when the filter named none. Decides who may release. */
  category: string;
  /** The filter's own word, from X-<Brand>-Class: `unsure`, `whitelisted` … */
  class?: string;
  score?: number;
  /** Names of the rules that hit, at most 200. */
  symbols?: string[];
  /** What the filter advised: `reject`, `add header` … */
  action?: string;
  filterId?: string;
  /** The believed fields in their order, at most 50. */
  headers: EvidenceHeader[];
}

const MAX_HEADERS = 50;
const MAX_FIELDS = 5000;
const MAX_VALUE_BYTES = 16 * 1024;
// Cutting the line of the filter before its "by" would make it unrecognisable, and HELO names can be long.
const MAX_RECEIVED_BYTES = 1024 * 1024;
const MAX_SHOWN = 2000;

const evidenceName =
  /^x-(?:spam|spamd|rspamd|virus|amavis|quarantine)(?:-[a-z0-9-]+)?$|^x-recommended-action$|^x-filter-id$|^x-[a-z0-9-]+-(?:class|evidence)$/i;
// Two and more dangerous things may be true at once; the one that fewest people may release decides.
const gravest = ['virus', 'phishing', 'policy', 'spam'] as const;

export function readEvidence(raw: Buffer, reading: Reading, trustedHosts: readonly string[]): Evidence {
  const believed = believedFields(raw, reading.headerBytes, trustedHosts);
  const findings = believed.map(({ name, value }) => interpret(name.toLowerCase(), value));
  const categories = new Set(findings.map((finding) => finding.category));
  return {
    category: gravest.find((category) => categories.has(category)) ?? 'spam',
    ...topmost(findings, 'class'),
    ...topmost(findings, 'score'),
    ...topmost(findings, 'symbols'),
    ...topmost(findings, 'action'),
    ...topmost(findings, 'filterId'),
    headers: believed.map(({ name, value }) => ({ name, value: readableLine(value, MAX_SHOWN) })),
  };
}

function topmost<K extends keyof Finding>(findings: readonly Finding[], key: K): Pick<Finding, K> | object {
  const found = findings.find((finding) => finding[key] !== undefined);
  return found ? { [key]: found[key] } : {};
}

/**
 * The filter's fields, the topmost of each name, as far as no sender can have written them.
 *
 * Every server writes its Received line on top of what it was given. So whatever stands above the filter's own line was
 * written by the filter or by servers of ours behind it, and whatever stands below may have been sent. The filter's line
 * is the first from the top that names a trusted host after "by": a forged one can only stand further down. Without
 * trusted hosts it is the first Received line there is, that of the last server before us.
 *
 * Without such a line nothing is believed. Fields that a milter appends at the bottom, or slips in below the line of its
 * server, look like a sender's and are not believed: the filter must write on top, or its own hop be named.
 */
function believedFields(raw: Buffer, headerBytes: number, trustedHosts: readonly string[]): EvidenceHeader[] {
  const hosts = new Set(trustedHosts.map(bareHost));
  const header = new HeaderCursor(raw, 0, headerBytes);
  const names = new Set<string>();
  const fields: EvidenceHeader[] = [];
  for (let count = 0; count < MAX_FIELDS && header.next(); count++) {
    const { name } = header;
    const lowerName = name.toLowerCase();
    if (lowerName === 'received') {
      if (hosts.size === 0 || namesHost(fieldText(raw, header, MAX_RECEIVED_BYTES), hosts)) return fields;
    } else if (evidenceName.test(lowerName) && !names.has(lowerName) && fields.length < MAX_HEADERS) {
      names.add(lowerName);
      fields.push({ name, value: decodeHeaderText(fieldText(raw, header, MAX_VALUE_BYTES)) });
    }
  }
  return [];
}

/**
 * Whether "by HOST" stands anywhere in a Received line, comments and all. Looser than RFC 5321 section 4.4 on purpose:
 * a sender chooses the HELO name in the filter's own line, and if that could keep us from recognising the line, the
 * next one, which the sender wrote, would be taken for it. To take a line too early only believes less.
 */
function namesHost(received: string, hosts: ReadonlySet<string>): boolean {
  const words = received.toLowerCase().split(/[\s()[\]<>;,]+/);
  return words.some((word, index) => word === 'by' && hosts.has(bareHost(words[index + 1] ?? '')));
}

function bareHost(host: string): string {
  return host.trim().toLowerCase().replace(/\.$/, '');
}
