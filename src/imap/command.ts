// What a command file of src/imap is written against: the arguments it gets, the connection it may use, the answer it
// gives. Types only, and nothing of imap-core: a command knows neither tags nor sockets. Every command file exports one
// CommandDefinition; perform.ts calls them.

import type { Scope } from '../quarantine/scope.ts';

/** The tagged answer. The shell adds the tag, and translates what a command throws (answers.ts). */
export interface Answer {
  readonly response: 'OK' | 'NO' | 'BAD';
  /** Response code without brackets, for example `APPENDUID 7 12`. */
  readonly code?: string;
  /** Shown to people as it stands; may be any Unicode. */
  readonly text: string;
  /** The log has it already, with more than the answer tells. */
  readonly logged?: true;
}

/**
 * One argument as the client wrote it. `value` holds one byte per character ("binary string"), because nothing says what
 * encoding a client means; mailbox-name.ts and textOf (arguments.ts) know.
 */
export type Argument = TextArgument | NilArgument | ListArgument | SectionArgument;

/** Atoms include numbers, sequence sets (`1:3,*`), list patterns (`Caught*`) and flags (`\Seen`, `\*`). */
export interface TextArgument {
  readonly kind: 'atom' | 'string' | 'literal';
  /** Of a literal: made anew from `bytes` at each use, so never ask a message for it. */
  readonly value: string;
  /** Of a literal: exactly the octets that were sent. Absent for the other kinds. */
  readonly bytes?: Buffer;
}

/** The atom NIL. It is not a string, and a command that wants one answers BAD. `"NIL"` in quotes is a string. */
export interface NilArgument {
  readonly kind: 'nil';
}

export interface ListArgument {
  readonly kind: 'list';
  readonly items: readonly Argument[];
}

/** `BODY[…]` and `BODY.PEEK[…]` of FETCH, with what stands between the brackets taken apart. */
export interface SectionArgument {
  readonly kind: 'section';
  readonly name: 'BODY' | 'BODY.PEEK';
  /** What precedes the list of fields, upper case: '', `TEXT`, `1.2`, `1.2.MIME`, `1.HEADER.FIELDS.NOT`. */
  readonly section: string;
  /** The names in parentheses, as written; null when there are no parentheses. */
  readonly fields: readonly string[] | null;
  /** `<start.length>`, null when the whole is asked for. */
  readonly partial: { readonly start: number; readonly length: number } | null;
}

export interface CommandCall {
  /** Upper case, without UID: `FETCH` for both FETCH and UID FETCH. */
  readonly name: string;
  readonly uid: boolean;
  readonly args: readonly Argument[];
}

/**
 * Runs one command. The commands of one connection run strictly one after the other. Untagged lines are written with
 * connection.write; what is thrown becomes the tagged answer. OK may only be returned when what it promises is durable.
 */
export type CommandHandler<S extends SelectedMailbox = SelectedMailbox> = (
  connection: ImapConnection<S>,
  call: CommandCall,
) => Promise<Answer>;

export type ConnectionState = 'Not Authenticated' | 'Authenticated' | 'Selected';

export interface CommandDefinition<S extends SelectedMailbox = SelectedMailbox> {
  /** As clients write them, upper case; the UID form is a name of its own (`FETCH`, `UID FETCH`). */
  readonly names: readonly string[];
  readonly states: readonly ConnectionState[];
  /**
   * Whether the changes of the selected mailbox are sent before the tagged answer. `with-uid` is for the commands whose
   * form without UID counts by sequence number, which an EXPUNGE would shift: FETCH, STORE and SEARCH. `never` is for the
   * commands that open or leave a mailbox. A BAD never announces.
   */
  readonly announces: 'always' | 'with-uid' | 'never';
  /** True for APPEND alone: its literals may be as large as a message, those of all other commands 64 kB together. */
  readonly takesMessage?: boolean;
  /** What is answered, in words, when its literal is larger than `maxBytes`. */
  readonly tellTooBig?: (maxBytes: number) => string;
  /**
   * Asked before a literal is taken in, with the arguments that precede it: an answer refuses the command before the
   * client has uploaded anything (where it waits for our `+`); null lets the literal in. `handle` checks everything again.
   */
  readonly beforeLiteral?: (connection: ImapConnection<S>, call: CommandCall) => Promise<Answer | null>;
  readonly handle: CommandHandler<S>;
}

/** Who is logged in. */
export interface Login {
  readonly scope: Scope;
}

/** The mailbox that a connection has open. Implemented in selected.ts. */
export interface SelectedMailbox {
  /**
   * Writes EXPUNGE, EXISTS and FETCH for what changed since the last time. Called between commands and during IDLE, never
   * twice at once. What it throws is logged and never spoils the answer of the command that has just succeeded.
   * `inPassing`: with the answer to a command that asked for something else (UID FETCH, UID STORE, UID SEARCH).
   */
  announce(connection: ImapConnection, inPassing?: boolean): Promise<void>;
  /** Calls `wake` after every change from now on, until the returned function is called. `wake` must never throw. */
  watch(wake: () => void): () => void;
  /** CLOSE: removes what is marked \Deleted without announcing it. A mailbox opened by EXAMINE does nothing. */
  expungeSilently(): Promise<void>;
  /** Called once when the mailbox is left, also when the connection is lost. */
  close(): void;
}

export interface ImapConnection<S extends SelectedMailbox = SelectedMailbox> {
  readonly id: string;
  readonly remoteAddress: string;
  /** TLS is active. */
  readonly secure: boolean;
  readonly state: ConnectionState;
  /** Throws before login: the states of a definition see to it that its command is not called then. */
  readonly login: Login;
  /** Setting it closes the mailbox that was open. SELECT sets null first: a SELECT that fails leaves none open. */
  selected: S | null;
  readonly closed: boolean;
  /**
   * Sends bytes as they are, after everything written before. Resolves at once while the client keeps up, else when it
   * has caught up: await it, or a slow client fills the memory. Rejects with ConnectionGone when there is nobody to read;
   * let that pass, it needs no handling. A string holds one byte per character.
   */
  write(bytes: Buffer | string): Promise<void>;
  /** The same, and resolves only when the bytes are on their way: the buffer may then be used again. After a rejection it may not. */
  writeThrough(bytes: Buffer): Promise<void>;
  /** Sends `* BYE text` and closes, at once. */
  bye(text: string): void;
  /** Closes without a further word: for when whatever were said would be taken for the rest of a literal. */
  close(): void;
  /** Called once, when the connection is gone; at once if it is gone already. */
  onClose(listener: () => void): void;
}
