// The fields that lists show, decoded for people. Called by analyse-message.

import type { AddressEntry, MailboxEntry } from './addresses.ts';
import { decodeHeaderText, decodeRaw } from './encoded-words.ts';
import type { Envelope } from './envelope.ts';
import { parseHeaderDate } from './header-date.ts';
import { readableLine } from './readable.ts';
import type { ReadingSummary } from './reading.ts';

const MAX_SUBJECT = 10_000;
const MAX_ADDRESSES = 64_000;
const MAX_MESSAGE_ID = 2_000;

export function summarize(envelope: Envelope): ReadingSummary {
  return {
    subject: readable(envelope.subject ?? '', MAX_SUBJECT),
    from: addressText(envelope.from),
    to: addressText(envelope.to),
    cc: addressText(envelope.cc),
    date: envelope.date === null ? null : parseHeaderDate(envelope.date),
    messageId: messageIdText(envelope.messageId ?? ''),
  };
}

/** Encoded, a character may take twelve bytes; only as much is decoded as can be shown. */
function readable(text: string, max: number): string {
  return readableLine(decodeHeaderText(text.slice(0, max * 12)), max);
}

function messageIdText(text: string): string {
  const shown = text.slice(0, MAX_MESSAGE_ID);
  return readable(/<[^<>]+>/.exec(shown)?.[0] ?? shown, MAX_MESSAGE_ID);
}

/** `Name <address>` of each, groups as `Name: …;`. */
function addressText(entries: readonly AddressEntry[]): string {
  let text = '';
  let separator = '';
  for (const entry of entries) {
    if (text.length >= MAX_ADDRESSES) break;
    if (entry.kind === 'groupEnd') text += ';';
    else if (entry.kind === 'groupStart') text += `${separator}${readable(entry.name, MAX_SUBJECT)}: `;
    else text += separator + oneAddress(entry);
    separator = entry.kind === 'groupStart' ? '' : ', ';
  }
  return readableLine(text, MAX_ADDRESSES);
}

function oneAddress({ name, mailbox, host }: MailboxEntry): string {
  const address = readableLine(addressOf(mailbox, host), MAX_SUBJECT);
  const shownName = readable(name ?? '', MAX_SUBJECT);
  if (shownName === '') return address;
  return address === '' ? shownName : `${shownName} <${address}>`;
}

/** RFC 2047 section 5: an address holds no encoded words. Decoding them would let a sender draw an "@" of his own. */
function addressOf(mailbox: string, host: string): string {
  const shown = decodeRaw(mailbox.slice(0, MAX_SUBJECT));
  if (host === '') return shown;
  const quoted = /[\s@"(),:;<>[\]\\]/.test(shown) ? `"${shown.replace(/["\\]/g, '\\$&')}"` : shown;
  return `${quoted}@${decodeRaw(host.slice(0, MAX_SUBJECT))}`;
}
