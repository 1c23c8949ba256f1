// All limits of reading a message, with their reasons, and the account of what one message has used up. A limit ends
// the analysis (`analysis: 'limited'`), never the reading: nothing here may refuse a message.
// Used by everything in this folder.

export interface ReadingLimits {
  /** Containers (multipart, message/rfc822) inside each other. Dovecot's number; real mail stays below 15. */
  depth: number;
  /** Parts in a message. Real mail stays below 200; each part costs about 400 stored bytes. */
  parts: number;
  /** Fields of one header that are read (From, To, Content-Type …); others are passed over and not counted. */
  headerFields: number;
  /** Addresses in a message with all that is embedded in it: room for 20,000 recipients, twice. */
  addresses: number;
  /** Parameters of one Content-Type or Content-Disposition. A long file name in sections takes about 20. */
  parameters: number;
  /** Longest boundary parameter; RFC 2046 allows 70 characters. */
  boundaryBytes: number;
  /** Bytes of one header field that are looked at. */
  fieldBytes: number;
  /**
   * Header text that may be copied into the wire strings, every copy counted. MongoDB takes documents of 16 MiB,
   * and a raw 8-bit byte takes two bytes there.
   */
  wireBytes: number;
}

export const defaultLimits: ReadingLimits = {
  depth: 100,
  parts: 1000,
  headerFields: 1000,
  addresses: 50_000,
  parameters: 100,
  boundaryBytes: 1000,
  fieldBytes: 4 * 1024 * 1024,
  wireBytes: 6 * 1024 * 1024,
};

/** What one message may still use. Every refusal is remembered in `limited`. */
export class Budget {
  readonly limits: ReadingLimits;
  limited = false;
  #wireBytes: number;
  #addresses: number;

  constructor(limits: ReadingLimits) {
    this.limits = limits;
    this.#wireBytes = limits.wireBytes;
    this.#addresses = limits.addresses;
  }

  /** False when the text does not fit any more; nothing is spent then, so that shorter text may still fit. */
  spendWire(bytes: number): boolean {
    if (bytes > this.#wireBytes) return this.#refuse();
    this.#wireBytes -= bytes;
    return true;
  }

  get wireBytesLeft(): number {
    return this.#wireBytes;
  }

  spendAddress(): boolean {
    if (this.#addresses === 0) return this.#refuse();
    this.#addresses -= 1;
    return true;
  }

  #refuse(): false {
    this.limited = true;
    return false;
  }
}
