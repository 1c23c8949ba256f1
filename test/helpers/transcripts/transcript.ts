// What a transcript says, once it has been read: a dialogue between a mail program and the server as plain text, with what was there
// before it and what has to be there afterwards. Types, and the one kind of error that all parts of the replay throw. The text form is
// described in test/imap/transcripts/README.md.

export interface Transcript {
  /** As it is shown in errors: `test/imap/transcripts/mutt-save.txt`. */
  path: string;
  /** Program and version. */
  client: string;
  situation: string;
  /** `recorded`: what the client sends was seen on the wire. `composed`: it was put together from the sources that `source` names. */
  origin: 'recorded' | 'composed';
  given: Given;
  steps: Step[];
  outcome: Outcome;
}

export interface Given {
  logins: string[];
  dropFolders: 'empty' | 'strict';
  folders: { outgoing: boolean; training: boolean; trash: boolean };
  held: HeldMail[];
  /** What the next hop answers to RCPT of an address; everybody else is accepted. */
  refusedRecipients: Record<string, string>;
  /** Content by subject: of all mail that the transcript names. */
  mails: Map<string, Buffer>;
}

/** Mail that is in a view, or arrives there. Incoming mail for several is one message for each. */
export interface HeldMail {
  line: number;
  view: 'caught' | 'outgoing' | 'training';
  subjects: string[];
  /** Envelope recipients of incoming mail, sender of outgoing. */
  owners: string[];
  /** Envelope recipients of outgoing mail. */
  recipients: string[];
  category: string;
  /** For every login that sees the message. */
  flags: string[];
}

/** Part of what is sent or expected as a literal: text, or a whole mail by its subject. */
export type Block = Buffer;

export type Step = { line: number; connection: number } & (
  | { kind: 'connect'; tls: boolean; logInAs: string | null }
  | { kind: 'start TLS' }
  /** With a TCP reset, or in good order. */
  | { kind: 'leave'; reset: boolean }
  | { kind: 'server leaves' }
  | { kind: 'arrive'; mail: HeldMail }
  /** Wait until nothing is due any more: everything delivered, reported, or failed. */
  | { kind: 'settle' }
  /** `literal` follows the line, at once (`{n+}`) or as a step of its own after the server has asked for it. */
  | { kind: 'send line'; text: string }
  | { kind: 'send literal'; bytes: Block }
  /** Without an end of line: the connection is lost in the middle of it. */
  | { kind: 'send part'; bytes: Block }
  | { kind: 'expect'; response: ExpectedResponse }
  /** Any responses, until one fits what is expected next. */
  | { kind: 'expect anything' }
  | { kind: 'expect in any order'; responses: ExpectedResponse[] }
);

/** One response of the server: a line, or several with literals between them. */
export interface ExpectedResponse {
  line: number;
  parts: ({ text: string } | { literal: Block })[];
}

export interface Outcome {
  /** Each delivery at the next hop, exactly once. */
  delivered: { line: number; deliveries: { subject: string; recipients: string[] }[] };
  reported: { line: number; reports: { subject: string; verdict: 'ham' | 'spam' }[] };
  shown: { line: number; login: string; mailbox: string; messages: ShownMail[] }[];
}

export interface ShownMail {
  subject: string;
  flags: string[];
}

/** Says where in which transcript, what was expected there, and what there is instead. */
export class TranscriptError extends Error {
  constructor(path: string, line: number, text: string) {
    super(`${path}:${line}: ${text}`);
    this.name = 'TranscriptError';
  }
}
