// What the IMAP shell is told by whoever starts it: commands, certificates, who may come in, limits and deadlines. Every
// deadline is an option, so that a test can shorten it; the defaults are meant for the Internet. Read by imap-core.ts and
// connection.ts.

import type { Meter } from '../quarantine/meter.ts';
import type { Log } from '../quarantine/ports.ts';
import type { SessionSentences } from '../quarantine/sentences.ts';
import type { CommandDefinition, Login, SelectedMailbox } from './command.ts';
import type { Certificate } from './tls-context.ts';

export interface AuthenticationAttempt {
  readonly username: string;
  readonly password: string;
  readonly remoteAddress: string;
  readonly connectionId: string;
  /**
   * The same name and password were refused on this connection just before: Thunderbird tries PLAIN, then LOGIN.
   * Whoever counts wrong passwords counts it once.
   */
  readonly repeated: boolean;
}

export type AuthenticationResult =
  | { readonly ok: true; readonly login: Login }
  /** `code` is one of RFC 5530, `text` is shown to people. UNAVAILABLE does not count as a wrong password. */
  | { readonly ok: false; readonly code: string; readonly text: string };

export interface ShellLimits {
  /** Before login, for one command with all its literals: strangers get little memory. */
  readonly strangerBytes: number;
  /** The lines of one command. Clients name thousands of messages in one UID set. */
  readonly lineBytes: number;
  /** The literals of one command other than APPEND. */
  readonly literalBytes: number;
  readonly connectionsPerLogin: number;
  /** Open sockets per listener; beyond it new ones are closed at once, before they cost anything. */
  readonly connections: number;
  /** Refused logins on one connection. Thunderbird uses up two for each wrong password. */
  readonly failedLogins: number;
}

export interface ShellDeadlines {
  /** For the TLS handshake, from its first moment to its last. */
  readonly handshakeMs: number;
  /** From the greeting to the end of a successful login. */
  readonly loginMs: number;
  /** RFC 9051 section 5.4: at least 30 minutes without a byte in either direction. IDLE is kept alive by ourselves. */
  readonly inactivityMs: number;
  /**
   * Between two `* OK Still here` in IDLE: less than routers forget a connection after. IDLE itself never ends: some
   * versions of Outlook get no more mail, until somebody clicks, after a server has disconnected them.
   */
  readonly idleKeepaliveMs: number;
  /** For the other end to close after our BYE. */
  readonly closeMs: number;
  /** For a running command when the shell closes. */
  readonly drainMs: number;
}

export interface ShellOptions<S extends SelectedMailbox = SelectedMailbox> {
  /** All but those of the protocol itself (protocol-commands.ts), which are always there. */
  readonly commands: readonly CommandDefinition<S>[];
  /** The first without `hosts` is the default. None at all: the shell refuses to start. */
  readonly certificates: readonly Certificate[];
  /** May throw; TemporaryError is answered with UNAVAILABLE, so that clients do not ask for a new password. */
  authenticate(attempt: AuthenticationAttempt): Promise<AuthenticationResult>;
  /** Asked before the greeting; a refusal is sent as `* BYE text`, the one text of all that clients show at that point. */
  admit?(remoteAddress: string): { readonly ok: true } | { readonly refuse: string };
  readonly log: Log;
  readonly sentences: SessionSentences;
  readonly meter?: Meter;
  /** Shown in the answer to ID. */
  readonly version: string;
  /** Largest message that APPEND takes; announced as APPENDLIMIT. */
  readonly maxMessageBytes: number;
  readonly limits?: Partial<ShellLimits>;
  readonly deadlines?: Partial<ShellDeadlines>;
}

export const defaultLimits: ShellLimits = {
  strangerBytes: 8 * 1024,
  lineBytes: 64 * 1024,
  literalBytes: 64 * 1024,
  connectionsPerLogin: 20,
  connections: 10_000,
  failedLogins: 10,
};

export const defaultDeadlines: ShellDeadlines = {
  handshakeMs: 30_000,
  loginMs: 90_000,
  inactivityMs: 31 * 60_000,
  idleKeepaliveMs: 2 * 60_000,
  closeMs: 1_500,
  drainMs: 6_000,
};
