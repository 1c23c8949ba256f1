// The protocol's own commands (CAPABILITY, LOGIN, IDLE …) may do more with a connection than those that deal with mail:
// the types of what they may do. Implemented in connection.ts, used by the command files that protocol-commands.ts lists.

import type { SessionSentences } from '../quarantine/sentences.ts';
import type { Answer, CommandCall, CommandDefinition, ImapConnection } from './command.ts';
import type { ConnectionLog } from './connection-log.ts';

export interface ProtocolConnection extends ImapConnection {
  /** The capabilities at this moment, separated by spaces. */
  readonly capabilities: string;
  readonly loggedIn: boolean;
  readonly version: string;
  readonly log: ConnectionLog;
  readonly sentences: SessionSentences;
  readonly idleKeepaliveMs: number;
  /** The client is behind with reading: a keepalive would only lengthen the queue. */
  readonly congested: boolean;
  /** The next line of the client, which belongs to the command in progress. Throws ConnectionGone at the end. */
  readLine(): Promise<string>;
  /** Sends `+ text`. */
  prompt(text: string): Promise<void>;
  /** Checks a name and a password, and answers for it. */
  logIn(username: string, password: string): Promise<Answer>;
  /** Runs once, after the tagged answer of this command has gone out and before anything more is read. */
  afterAnswer(action: () => Promise<void> | void): void;
  /** Begins TLS. What was sent in clear and not yet executed is dropped. */
  startTls(): Promise<void>;
}

/**
 * A command that waits, perhaps for hours, for what the client sends next: in place of an answer, so that meanwhile no function is in
 * progress, each of which would cost memory.
 */
export interface Waiting {
  /** Called once, when the client has sent something or has gone; `readLine` tells. */
  resume(): Promise<Answer>;
}

export interface ProtocolCommand extends Omit<CommandDefinition, 'handle' | 'beforeLiteral'> {
  readonly handle: (connection: ProtocolConnection, call: CommandCall) => Promise<Answer | Waiting>;
}

export const anyState = ['Not Authenticated', 'Authenticated', 'Selected'] as const;
export const loggedInStates = ['Authenticated', 'Selected'] as const;
