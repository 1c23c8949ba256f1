// Decides what became of each recipient from the replies of one mail transaction, in the order in which they came. Pure: knows neither
// sockets nor nodemailer. Called by the SMTP target once a transaction is over, however it ended.
import type { RecipientOutcome } from '../quarantine/target.ts';
import { asReply } from './reply-text.ts';
import { meaningOf } from './smtp-reply.ts';

export interface Transaction {
  protocol: 'smtp' | 'smtps' | 'lmtp';
  /** In the order of their RCPT commands, none twice. */
  recipients: readonly string[];
  /** The replies to MAIL, to each RCPT, to DATA and after the final dot: as many as came. */
  replies: readonly string[];
  /** Our words for why no more came; empty when all came. */
  lost: string;
}

export function temporary(address: string, reply: string): RecipientOutcome {
  return { address, outcome: 'temporary', reply: asReply(reply) };
}

export function permanent(address: string, reply: string): RecipientOutcome {
  return { address, outcome: 'permanent', reply: asReply(reply) };
}

/** RFC 5321 section 3.3: replies come in the order of the commands, so a reply's place says what it answers, pipelined or not. */
export function dataReplyIndex(recipientCount: number): number {
  return 1 + recipientCount;
}

/** Exactly one outcome per recipient, in their order. */
export function outcomesOf(transaction: Transaction): RecipientOutcome[] {
  const { recipients, replies } = transaction;
  const mail = replies[0];
  // Without a reply to MAIL, or when it refuses, nothing said later counts.
  if (mail === undefined || meaningOf(mail) !== 'accepted')
    return recipients.map((address) => refused(address, mail, transaction));

  const afterRcpt = recipients.map((address, index) => rcptOutcome(address, index, transaction));
  const takenAddresses = afterRcpt.filter((one) => one.outcome === 'accepted').map((one) => one.address);
  return afterRcpt.map((one) =>
    one.outcome === 'accepted' ? dataOutcome(one.address, takenAddresses.indexOf(one.address), transaction) : one,
  );
}

function rcptOutcome(address: string, index: number, transaction: Transaction): RecipientOutcome {
  const reply = transaction.replies[1 + index];
  if (reply === undefined) return refused(address, undefined, transaction);
  const outcome = meaningOf(reply);
  // RFC 5321 section 4.5.3.1.10: 552 after other recipients were taken means "too many recipients", which is temporary.
  const tooMany =
    /^552[ -](?!5\.[23]\.)/.test(reply) &&
    transaction.replies.slice(1, 1 + index).some((earlier) => meaningOf(earlier) === 'accepted');
  return { address, outcome: tooMany ? 'temporary' : outcome, reply: asReply(reply) };
}

/** For a recipient that RCPT took; `place` is its place among these. */
function dataOutcome(address: string, place: number, transaction: Transaction): RecipientOutcome {
  const dataIndex = dataReplyIndex(transaction.recipients.length);
  const data = transaction.replies[dataIndex];
  // RFC 5321 section 4.1.1.4: only 354 asks for the message; after anything else, nothing said later can be about it.
  if (data === undefined || !data.startsWith('3')) return refused(address, data, transaction);
  // RFC 2033 section 4.2: LMTP answers the final dot once for each recipient that RCPT took, in the same order; SMTP once for all.
  const final = transaction.replies[dataIndex + 1 + (transaction.protocol === 'lmtp' ? place : 0)];
  if (final === undefined) return refused(address, undefined, transaction);
  return { address, outcome: meaningOf(final), reply: asReply(final) };
}

/** For a recipient that was refused along with all others by `reply`, or that was not answered at all. */
function refused(address: string, reply: string | undefined, transaction: Transaction): RecipientOutcome {
  if (reply === undefined) return temporary(address, lastWords(transaction));
  const outcome = meaningOf(reply);
  if (outcome !== 'accepted') return { address, outcome, reply: asReply(reply) };
  return temporary(address, `the server answered DATA in a way that SMTP does not know: ${reply}`);
}

// RFC 5321 section 3.8: a server that must close says 421 first, at any time; that is why no more came, and better than our words.
function lastWords({ replies, lost }: Transaction): string {
  const last = replies.at(-1);
  return last?.startsWith('421') ? last : lost || 'the server stopped answering';
}
