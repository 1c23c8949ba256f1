// Mailbox names between the wire and the domain: modified UTF-7 both ways, the many spellings that clients send, and
// the quoted form of answers. Knows nothing about which mailboxes exist. Strings from and for the wire hold one byte
// per character. Called by every command that takes or shows a mailbox name.

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The name that a client meant. Modified UTF-7 where it is exactly that; everything else as it stands, because clients
 * send `Release & Train` unencoded and UTF-8 unasked. INBOX comes back in capitals, however it was written.
 */
export function readMailboxName(wire: string): string {
  const name = decodeModifiedUtf7(wire) ?? decodeUtf8(wire) ?? wire;
  // RFC 9051 section 5.1: INBOX, and no other name, is the same in any mixture of cases.
  return isInbox(name) ? 'INBOX' : name;
}

/** The name as a quoted string: `"Release &- Train"`. */
export function quoteMailbox(name: string): string {
  const encoded = encodeModifiedUtf7(isInbox(name) ? 'INBOX' : name);
  return `"${encoded.replace(/["\\]/g, '\\$&')}"`;
}

export function isInbox(name: string): boolean {
  return /^inbox$/i.test(name);
}

export function encodeModifiedUtf7(name: string): string {
  return name.toWellFormed().replace(/&|[^ -~]+/g, (run) => {
    if (run === '&') return '&-';
    return `&${Buffer.from(run, 'utf16le').swap16().toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}

/** Null unless the text is what an encoder that follows RFC 3501 section 5.1.3 produces, to the letter. */
export function decodeModifiedUtf7(wire: string): string | null {
  if (!/^[ -~]*$/.test(wire)) return null;
  const name = wire.replace(/&([A-Za-z0-9+,]*)-/g, (_shift, base64: string) => {
    if (base64 === '') return '&';
    const units = Buffer.from(base64.replaceAll(',', '/'), 'base64');
    return units.length % 2 === 0 ? units.swap16().toString('utf16le') : '';
  });
  // One comparison finds everything that is malformed: stray "&", left-over bits, half a character, a shift that was
  // not needed. Two spellings of one name would otherwise be two names to a client and one to us.
  return encodeModifiedUtf7(name) === wire ? name : null;
}

function decodeUtf8(wire: string): string | null {
  try {
    return utf8.decode(Buffer.from(wire, 'latin1'));
  } catch {
    return null;
  }
}
