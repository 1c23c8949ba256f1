// Mail comes in: who owns it, whether we keep it at all, and one durable write. Called by every door of src/intake; a door may answer
// 250 only after `receive` has resolved. Decides nothing by the header From or To, only by the envelope.
import { createHash, randomBytes } from 'node:crypto';
import { parseAddress } from './address.ts';
import { PermanentError } from './errors.ts';
import { likenessOf } from './likeness.ts';
import { firstHolding } from './message.ts';
import type { Envelope, Owner, View } from './message.ts';
import type { NewMessage } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { readEvidence } from './reading/evidence.ts';
import type { Evidence } from './reading/evidence.ts';
import { readMessage } from './reading/read-message.ts';
import type { Reading } from './reading/reading.ts';
import { findOwnTrace } from './trace.ts';

/** Where mail can come in to. */
export type IntakeView = Extract<View, 'caught' | 'outgoing' | 'training'>;

export type RejectionReason =
  | 'unknown-domain'
  | 'unknown-sender-domain'
  | 'unknown-recipient'
  | 'malformed-address'
  | 'too-large'
  | 'loop'
  | 'no-recipients';

/** We do not keep this mail, and never will as it is. Each door says so in its own protocol. */
export class Rejection extends PermanentError {
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, text: string) {
    super(text);
    this.name = 'Rejection';
    this.reason = reason;
  }
}

/**
 * Who owns mail with this sender for this recipient: the recipient for incoming mail and training copies, the sender for outgoing.
 * Outgoing mail with the null sender (a bounce) is kept for `global` alone.
 * @throws Rejection when we keep no mail for it
 */
export function ownerFor(quarantine: Quarantine, view: IntakeView, sender: string, recipient: string): Owner {
  if (view === 'outgoing') return ownerOfOutgoing(quarantine, sender);
  if (!parseAddress(recipient))
    throw new Rejection('malformed-address', 'The recipient is not an address of the form name@domain.');
  const owner = quarantine.domains.ownerOf(recipient);
  if (!owner) throw new Rejection('unknown-domain', 'This quarantine keeps no mail for the domain of the recipient.');
  if (!quarantine.domains.isRecipient(recipient))
    throw new Rejection('unknown-recipient', 'The domain has no such recipient.');
  return owner;
}

function ownerOfOutgoing(quarantine: Quarantine, sender: string): Owner {
  if (sender === '') return { domain: '', address: '' };
  const owner = quarantine.domains.ownerOf(sender);
  if (!owner)
    throw new Rejection(
      'unknown-sender-domain',
      'This quarantine keeps no outgoing mail for the domain of the sender.',
    );
  return owner;
}

export interface IncomingMail {
  view: IntakeView;
  /** The bytes as received; kept and served unchanged. */
  raw: Buffer;
  /** Recipients exactly as received; each of them must have passed `ownerFor`. */
  envelope: Envelope;
  /** Default: now. */
  internalDate?: number;
  /** Imports: what is known by digest, owner, view and recipient is not stored again. */
  skipKnown?: boolean;
}

export interface Received {
  /** In the order of the envelope's recipients; for outgoing mail one entry. `id` is null when it was known. */
  messages: { recipient: string; id: string | null }[];
}

/**
 * Reads the message once and stores it durably: one message per recipient (outgoing: one with all recipients), one content.
 * @throws Rejection nothing was stored and never will be
 * @throws TemporaryError nothing was stored; the sender keeps it and tries again
 */
export async function receive(quarantine: Quarantine, mail: IncomingMail): Promise<Received> {
  const { policy, storage, clock } = quarantine;
  if (mail.raw.length > policy.maxMessageBytes) {
    throw new Rejection('too-large', `The message is larger than ${policy.maxMessageBytes} bytes.`);
  }
  if (!mail.envelope.recipients.length) throw new Rejection('no-recipients', 'The message has no recipient.');
  const reading = readMessage(mail.raw);
  if (findOwnTrace(mail.raw, reading.headerBytes, policy.hostname)) {
    throw new Rejection('loop', 'This message was released from this quarantine before and came back: mail loop.');
  }
  const now = clock.now();
  const digest = createHash('sha256').update(mail.raw).digest('hex');
  const envelopes =
    mail.view === 'outgoing'
      ? [mail.envelope]
      : mail.envelope.recipients.map((to) => ({ ...mail.envelope, recipients: [to] }));
  // Once for all recipients: it reads the whole header.
  const evidence = readEvidence(mail.raw, reading, policy.trustedHosts);
  const messages = envelopes.map((envelope) =>
    newMessage(quarantine, { mail, envelope, reading, evidence, digest, now }),
  );
  const results = await storage.insert(
    { content: { digest, bytes: mail.raw, reading }, messages, skipKnown: mail.skipKnown ?? false },
    now,
  );
  const folder = quarantine.folders.showing(mail.view)?.mailbox ?? mail.view;
  const kept = results.filter((result) => 'stored' in result).length;
  quarantine.meter?.count('arrivals', { folder, outcome: 'kept' }, kept);
  return {
    messages: results.map((result, i) => ({
      recipient: envelopes[i]?.recipients[0] ?? '',
      id: 'stored' in result ? result.stored.id : null,
    })),
  };
}

function newMessage(
  quarantine: Quarantine,
  arrival: {
    mail: IncomingMail;
    envelope: Envelope;
    reading: Reading;
    evidence: Evidence;
    digest: string;
    now: number;
  },
): NewMessage {
  const { mail, envelope, reading, evidence, digest, now } = arrival;
  const owner = ownerFor(quarantine, mail.view, envelope.sender, envelope.recipients[0] ?? '');
  return {
    ...firstHolding(mail.view, owner, now),
    id: newMessageId(now),
    digest,
    sizeBytes: mail.raw.length,
    envelope,
    internalDate: mail.internalDate ?? now,
    likeness: likenessOf(reading),
    category: evidence.category,
    evidence,
  };
}

/** Sorts by arrival; 48 bits of milliseconds and 72 random bits, 30 hex digits. */
export function newMessageId(now: number): string {
  return now.toString(16).padStart(12, '0') + randomBytes(9).toString('hex');
}
