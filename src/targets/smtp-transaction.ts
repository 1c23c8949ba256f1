// One mail transaction over an open session: refuses beforehand what the far end announced that it cannot take, lets the session talk,
// and turns the replies into outcomes. Called by the SMTP target for each hundred recipients.
import type { RecipientOutcome } from '../quarantine/target.ts';
import type { ReleasedContent } from './released-content.ts';
import { needsSmtpUtf8 } from './smtp-address.ts';
import { outcomesOf, permanent } from './smtp-outcomes.ts';
import type { SmtpSession } from './smtp-session.ts';

export interface TransactionOrder {
  protocol: 'smtp' | 'smtps' | 'lmtp';
  sender: string;
  recipients: readonly string[];
  released: ReleasedContent;
  signal: AbortSignal;
  /** As in DeliveryAttempt. */
  mayStillSend?(this: void): boolean;
}

/** What is told of recipients whose attempt was aborted before it came to them. */
export const stoppedWords = 'the attempt was stopped before the server had answered';

/** `unanswered`: the far end was gone, or closed with 421, before it took the sender; so it cannot have taken the message. */
export async function transactOver(
  session: SmtpSession,
  { protocol, sender, recipients, released, signal, mayStillSend }: TransactionOrder,
): Promise<{ outcomes: RecipientOutcome[]; unanswered: boolean }> {
  // RFC 1870 section 3: without a number, or with 0, there is no fixed limit.
  const limitBytes = Number(session.extension('SIZE') || 0);
  if (limitBytes > 0 && released.sizeBytes > limitBytes) {
    const reply = `the message has ${released.sizeBytes} bytes, and the server takes no more than ${limitBytes}`;
    return { outcomes: recipients.map((address) => permanent(address, reply)), unanswered: false };
  }
  // RFC 6531 section 3.4: without SMTPUTF8 such an address must not be sent, and it may not be rewritten either.
  const takesUtf8 = session.extension('SMTPUTF8') !== undefined;
  const isSpeakable = (address: string): boolean => takesUtf8 || !(needsSmtpUtf8(address) || needsSmtpUtf8(sender));
  const speakable = recipients.filter(isSpeakable);
  const refused = recipients
    .filter((address) => !isSpeakable(address))
    .map((address) => permanent(address, 'the server takes no addresses beyond ASCII (it offers no SMTPUTF8)'));
  if (speakable.length === 0) return { outcomes: refused, unanswered: false };

  const { replies, lost } = await session.transact({ sender, recipients: speakable }, released, {
    signal,
    mayStillSend,
  });
  const unanswered = lost !== '' && (replies[0] === undefined || replies[0].startsWith('421'));
  return { outcomes: [...outcomesOf({ protocol, recipients: speakable, replies, lost }), ...refused], unanswered };
}
