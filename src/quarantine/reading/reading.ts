// What is known about a message after it was read once, at intake: everything that IMAP will ask for, ready for the
// wire, and what people see in lists. Plain data: storage drivers keep it beside the content as JSON or as a document.
// "Wire" strings are binary strings: one character (U+0000 to U+00FF) per byte, written with
// `Buffer.from(text, 'latin1')`. The content itself is never changed or copied here; ranges are byte offsets into it.

/** Raised whenever the same bytes would be read differently, so that a stored reading is recognised as old. */
export const READING_VERSION = 1;

/** Byte offsets into the content; `headerEnd` counts the empty line and equals `bodyStart`. Ends are exclusive. */
export interface MessageRange {
  headerStart: number;
  headerEnd: number;
  bodyStart: number;
  bodyEnd: number;
}

/**
 * One addressable body part. `BODY[path]` is the body, `BODY[path.MIME]` the header; for a message/rfc822 part
 * `BODY[path.HEADER]` and `BODY[path.TEXT]` are the two ranges of `embedded`.
 */
export interface ReadingPart extends MessageRange {
  /** RFC 9051 section 6.4.5.1 numbering, for example `1.2`. A multipart that is a whole message has no number. */
  path: string;
  /** Lower case, for example `text/plain`; `application/octet-stream` where a limit ended the analysis. */
  type: string;
  /** Line ends in the body; counted for text/* and message/rfc822 only (IMAP asks for no other), else 0. */
  lines: number;
  /** Content-Transfer-Encoding in lower case, `7bit` when absent. */
  encoding: string;
  /** Charset parameter in lower case, when there is one. */
  charset?: string;
  /** The message inside a message/rfc822 part. */
  embedded?: MessageRange;
}

/** Decoded for people: Unicode, one line, no control characters. Never used to rebuild a header. */
export interface ReadingSummary {
  subject: string;
  /** `Name <address>`, several separated by `, `; the first 64,000 characters of them. */
  from: string;
  to: string;
  cc: string;
  /** The Date field in milliseconds since 1970, null when absent or unreadable. */
  date: number | null;
  /** The first `<…>` of Message-ID with its brackets, else the field as it stands; `''` when absent. */
  messageId: string;
}

export interface ReadingAttachment {
  /** Decoded file name, `''` when the message gives none. Untrusted: never a path to write to. */
  name: string;
  type: string;
  /** After transfer decoding; for base64 computed from the length of the first line, elsewhere the raw size. */
  sizeBytes: number;
  path: string;
}

export interface Reading {
  version: number;
  sizeBytes: number;
  /** Length of the header with the empty line that ends it: BODY[HEADER] is [0, headerBytes), BODY[TEXT] the rest. */
  headerBytes: number;
  /** Wire value of ENVELOPE, parentheses included. */
  envelope: string;
  /** Wire value of BODY (no extension data), parentheses included. */
  body: string;
  /** Wire value of BODYSTRUCTURE, parentheses included. */
  bodyStructure: string;
  /**
   * Wire bytes (not yet a literal) of BODY[HEADER.FIELDS (…)] for the fields of `LIST_HEADER_FIELDS`. Null when they
   * are too large to be kept: select them from the content then, with `selectHeaderFields`.
   */
  listHeader: string | null;
  parts: ReadingPart[];
  summary: ReadingSummary;
  /** About 200 characters of the first readable text; `''` when there is none. */
  preview: string;
  attachments: ReadingAttachment[];
  /** `limited`: a limit ended the analysis; what lies beyond it is an opaque part or NIL. The bytes are all there. */
  analysis: 'complete' | 'limited';
}
