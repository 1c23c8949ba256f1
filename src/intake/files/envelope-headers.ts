// The envelope of a message that comes from a file, out of the header lines in which mail servers and filters write it down. Header To and
// Cc are never asked: they say nothing about where a message went. Called by import-files.ts.
import { endOfHeader, fieldText, HeaderCursor } from '../../quarantine/reading/header-fields.ts';
import { isUtf8 } from 'node:buffer';
import { isMailbox } from '../envelope-path.ts';

/** In the order of preference, where a header has several of them. */
export const recipientHeaders = ['X-Envelope-To', 'Delivered-To', 'X-Original-To', 'Envelope-To'] as const;
const senderHeaders = ['X-Envelope-From', 'Return-Path'] as const;

export interface HeaderEnvelope {
  /** Empty when no header names one. As written; each still has to be an address. */
  recipients: string[];
  /** `''` is the null sender; null when no header names one. */
  sender: string | null;
}

const maxFieldBytes = 256 * 1024;

/**
 * The topmost rules: every server writes its lines above those of the servers before it, and what stands at the bottom was written by the
 * sender, who may have made it up. So the lines of one server count, from the first one that is found down to the next Received line;
 * several lines of one name there are several recipients.
 */
export function readEnvelopeHeaders(raw: Buffer): HeaderEnvelope {
  const header = (): HeaderCursor => new HeaderCursor(raw, 0, endOfHeader(raw, 0, raw.length));
  const recipientLines = topmostLines(raw, header(), recipientHeaders);
  const senderLines = topmostLines(raw, header(), senderHeaders);
  return {
    recipients: recipientLines.flatMap(addressesIn).filter((address) => address !== ''),
    sender: senderLines.map(senderIn).find((sender) => sender !== null) ?? null,
  };
}

function topmostLines(raw: Buffer, header: HeaderCursor, names: readonly string[]): string[] {
  const found = new Map<string, string[]>();
  while (header.next()) {
    const name = header.name.toLowerCase();
    if (name === 'received' && found.size) break;
    if (!names.some((wanted) => wanted.toLowerCase() === name)) continue;
    const lines = found.get(name) ?? [];
    lines.push(decoded(fieldText(raw, header, maxFieldBytes)));
    found.set(name, lines);
  }
  for (const name of names) {
    const lines = found.get(name.toLowerCase());
    if (lines?.some((line) => line !== '')) return lines;
  }
  return [];
}

function decoded(binary: string): string {
  const bytes = Buffer.from(binary, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : binary;
}

/** `<a@b>, "c,d"@e, Name <f@g>`: split at commas outside of quotes and angle brackets. */
function addressesIn(line: string): string[] {
  const items = line.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+/g) ?? [];
  return items.map((item) => (/<([^<>]*)>\s*$/.exec(item)?.[1] ?? item).trim());
}

function senderIn(line: string): string | null {
  const address = (/<([^<>]*)>/.exec(line)?.[1] ?? line).trim();
  if (address === '' || /^mailer-daemon$/i.test(address)) return '';
  return isMailbox(address) ? address : null;
}
