// What a far end said, read from its bytes: replies as RFC 5321 section 4.2 has them, and what one reply means for a recipient.
// Nodemailer reads the same bytes to drive the conversation; it sums them up in a way that loses recipients (smtp-session.ts says how),
// so who accepted is decided from here. Called by the session and by smtp-outcomes.ts. Pure.
import type { RecipientOutcome } from '../quarantine/target.ts';

/**
 * What one reply means. RFC 5321 section 4.2.1: 2yz is the positive confirmation, 5yz the refusal for good; anything else, and above
 * all what is no reply, tells nothing and is tried again.
 */
export function meaningOf(reply: string): RecipientOutcome['outcome'] {
  const digits = reply.split('\n').map((line) => /^[2-5]\d\d(?=[ -]|$)/.exec(line)?.[0]?.charAt(0));
  const first = digits[0];
  // RFC 5321 section 4.2.1: every line of a reply carries the same code; one that contradicts itself confirms nothing.
  if (first === undefined || digits.some((digit) => digit !== first)) return 'temporary';
  // RFC 5321 section 4.2.4: 503 says that the conversation went wrong, not that the message or the recipient is refused.
  if (first === '5') return reply.startsWith('503') ? 'temporary' : 'permanent';
  return first === '2' ? 'accepted' : 'temporary';
}

/** Collects whole replies from the bytes of one connection. */
export class ReplyReader {
  #line = '';
  #reply: string | null = null;

  /** Adds bytes; returns the replies that they complete. An unfinished line is no reply, however much it looks like one. */
  push(chunk: Buffer): string[] {
    const replies: string[] = [];
    // Byte by byte as latin1, so that a character cut in two by the network survives; decoded when the line is whole.
    const lines = (this.#line + chunk.toString('latin1')).split('\n');
    this.#line = lines.pop() ?? '';
    for (const bytes of lines) {
      const line = decodeLine(bytes.endsWith('\r') ? bytes.slice(0, -1) : bytes);
      if (this.#reply === null && line.trim() === '') continue;
      this.#reply = this.#reply === null ? line : `${this.#reply}\n${line}`;
      if (/^\d+-/.test(line)) continue;
      replies.push(this.#reply);
      this.#reply = null;
    }
    return replies;
  }

  /** Whether the far end has begun a reply and not finished it. */
  get unfinished(): boolean {
    return this.#line !== '' || this.#reply !== null;
  }
}

// RFC 5321 section 4.2 gives replies no character set: most far ends that go beyond ASCII send UTF-8.
function decodeLine(latin1: string): string {
  const utf8 = Buffer.from(latin1, 'latin1').toString('utf8');
  return utf8.includes('\uFFFD') ? latin1 : utf8;
}
