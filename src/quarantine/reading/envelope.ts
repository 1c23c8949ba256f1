// The ENVELOPE of a message: its ten fields read from the header, and written as IMAP wants them.
// Encoded words and raw bytes stay as they are; only folding is removed. Called by body-structure and read-message.

import { type AddressEntry, parseAddresses } from './addresses.ts';
import { type CollectedFields, budgetedFieldText } from './header-fields.ts';
import type { Budget } from './limits.ts';
import { wireString, wireStringOrNil } from './wire-strings.ts';

export const ENVELOPE_FIELDS = [
  'Date',
  'Subject',
  'From',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Bcc',
  'In-Reply-To',
  'Message-ID',
];

/** Binary strings; null where the field is absent. */
export interface Envelope {
  date: string | null;
  subject: string | null;
  from: AddressEntry[];
  sender: AddressEntry[];
  replyTo: AddressEntry[];
  to: AddressEntry[];
  cc: AddressEntry[];
  bcc: AddressEntry[];
  inReplyTo: string | null;
  messageId: string | null;
}

export function readEnvelope(raw: Buffer, fields: CollectedFields, budget: Budget): Envelope {
  const text = (name: string): string | null => {
    const field = fields.first(name);
    return field ? budgetedFieldText(raw, field, budget) : null;
  };
  // Several fields of one name are one list, as Dovecot has it: nobody can hide an address from us behind another.
  const addresses = (name: string): AddressEntry[] =>
    fields.all(name).flatMap((field) => parseAddresses(budgetedFieldText(raw, field, budget), budget));
  return {
    date: text('date'),
    subject: text('subject'),
    from: addresses('from'),
    sender: addresses('sender'),
    replyTo: addresses('reply-to'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    inReplyTo: text('in-reply-to'),
    messageId: text('message-id'),
  };
}

/** The parenthesised value. What the budget has no room for is NIL. */
export function envelopeWire(envelope: Envelope, budget: Budget): string {
  const from = addressListWire(envelope.from);
  // RFC 9051 section 7.5.2: the server fills in From where Sender or Reply-To is absent or empty.
  const sender = envelope.sender.length > 0 ? addressListWire(envelope.sender) : from;
  const replyTo = envelope.replyTo.length > 0 ? addressListWire(envelope.replyTo) : from;
  const lists = [from, sender, replyTo, ...[envelope.to, envelope.cc, envelope.bcc].map(addressListWire)];
  const values = [
    wireStringOrNil(envelope.date, budget),
    wireStringOrNil(envelope.subject, budget),
    ...lists.map((list) => (budget.spendWire(list.length) ? list : 'NIL')),
    wireStringOrNil(envelope.inReplyTo, budget),
    wireStringOrNil(envelope.messageId, budget),
  ];
  return `(${values.join(' ')})`;
}

function addressListWire(entries: readonly AddressEntry[]): string {
  return entries.length === 0 ? 'NIL' : `(${entries.map(addressWire).join('')})`;
}

function addressWire(entry: AddressEntry): string {
  switch (entry.kind) {
    // RFC 9051 section 7.5.2: NIL as host marks a group, its mailbox is the name of the group or, at its end, NIL.
    case 'groupStart':
      return `(NIL NIL ${wireString(entry.name)} NIL)`;
    case 'groupEnd':
      return '(NIL NIL NIL NIL)';
    case 'mailbox': {
      const name = entry.name === null ? 'NIL' : wireString(entry.name);
      const route = entry.route === null ? 'NIL' : wireString(entry.route);
      // NIL would make a group of a broken address; clients know these two words from Dovecot.
      const mailbox = wireString(entry.mailbox || 'MISSING_MAILBOX');
      return `(${name} ${route} ${mailbox} ${wireString(entry.host || 'MISSING_DOMAIN')})`;
    }
  }
}
