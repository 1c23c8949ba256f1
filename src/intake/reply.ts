// The one place where the domain's errors become SMTP and LMTP replies (RFC 5321 section 4.2, RFC 3463). Nothing here logs or decides;
// a listener sends what it is given. Used by the listeners.
import { PermanentError, Refusal, TemporaryError } from '../quarantine/errors.ts';
import { Rejection } from '../quarantine/receive.ts';
import type { RejectionReason } from '../quarantine/receive.ts';

/** `text` begins with the enhanced status code; one line of ASCII. */
export interface Reply {
  code: number;
  text: string;
}

const statusOf: Record<RejectionReason, [code: number, status: string]> = {
  'unknown-domain': [550, '5.1.2'],
  'unknown-sender-domain': [550, '5.1.8'],
  'unknown-recipient': [550, '5.1.1'],
  'malformed-address': [553, '5.1.3'],
  'too-large': [552, '5.3.4'],
  loop: [554, '5.4.6'],
  'no-recipients': [554, '5.5.1'],
};

export function replyTo(error: unknown): Reply {
  if (error instanceof Rejection) {
    const [code, status] = statusOf[error.reason];
    return { code, text: `${status} ${error.message}` };
  }
  if (error instanceof TemporaryError) return { code: 451, text: `4.3.0 ${error.message}` };
  if (error instanceof PermanentError || error instanceof Refusal) return { code: 554, text: `5.3.0 ${error.message}` };
  return { code: 451, text: '4.3.0 Something went wrong here; please try again later.' };
}

export const replies = {
  clientNotAllowed: { code: 554, text: '5.7.1 This client may not deliver mail here.' },
  clientUnknown: {
    code: 451,
    text: '4.7.1 The balancer did not say whose connection this is; please try again later.',
  },
  tooManyClients: { code: 421, text: '4.3.2 Too many connections; please try again later.' },
  closing: { code: 421, text: '4.3.2 The server is closing down; please try again later.' },
  tooMuchArriving: { code: 452, text: '4.3.1 Too much mail is arriving at the moment; please try again later.' },
  malformedRecipient: { code: 553, text: '5.1.3 The recipient is not an address of the form <name@domain>.' },
  malformedSender: { code: 553, text: '5.1.7 The sender is not an address of the form <name@domain>.' },
  noExpansion: { code: 502, text: '5.5.1 There are no lists to expand here.' },
} satisfies Record<string, Reply>;

/** Names the ids, so that a line in the sending server's log leads to the message. RFC 5321 section 4.5.3.1.5: 512 octets at most. */
export function keptReply(ids: readonly string[]): Reply {
  const named = ids.slice(0, 5).join(', ');
  return { code: 250, text: `2.0.0 Kept as ${named}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''}` };
}
