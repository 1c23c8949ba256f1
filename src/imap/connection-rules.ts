// What a connection allows to the command that is being read (command-reader.ts): how long it may be, and whether a literal is taken in at
// all. Depends on who is logged in, and on the command. Made once for each connection.

import { answerToError, ConnectionGone } from './answers.ts';
import { parseBeginning } from './arguments.ts';
import type { ReadingRules } from './command-reader.ts';
import type { Answer, ImapConnection, SelectedMailbox } from './command.ts';
import { callOf, logFieldsOf } from './perform.ts';
import type { ProtocolConnection } from './protocol-command.ts';
import type { ShellCommand, ShellState } from './shell-state.ts';

export class ConnectionRules<S extends SelectedMailbox> implements ReadingRules {
  readonly #shell: ShellState<S>;
  readonly #connection: ImapConnection<S> & ProtocolConnection;

  constructor(shell: ShellState<S>, connection: ImapConnection<S> & ProtocolConnection) {
    this.#shell = shell;
    this.#connection = connection;
  }

  get maxLineBytes(): number {
    const { limits } = this.#shell;
    return this.#connection.loggedIn ? limits.lineBytes : limits.strangerBytes;
  }

  maxLiteralBytes(text: string): number {
    const { limits, options } = this.#shell;
    if (!this.#connection.loggedIn) return limits.strangerBytes;
    return this.#commandOf(text)?.takesMessage === true ? options.maxMessageBytes : limits.literalBytes;
  }

  tellTooBig(text: string, maxBytes: number): string {
    const said = this.#commandOf(text)?.tellTooBig?.(maxBytes);
    return said ?? `A string of more than ${maxBytes} bytes is not accepted here.`;
  }

  async refuseLiteral(text: string, literals: readonly Buffer[]): Promise<Answer | null> {
    const connection = this.#connection;
    const command = this.#commandOf(text);
    const line = parseBeginning(text, literals);
    if (command?.beforeLiteral === undefined || line === null || !command.states.includes(connection.state))
      return null;
    try {
      return await command.beforeLiteral(connection, callOf(line));
    } catch (error) {
      if (error instanceof ConnectionGone) throw error;
      return answerToError(error, this.#shell.options.log, logFieldsOf(connection, line));
    }
  }

  goAhead(): Promise<void> {
    return this.#connection.prompt('OK');
  }

  #commandOf(text: string): ShellCommand<S> | undefined {
    return this.#shell.commands.get(/^\S+ ((?:UID )?\S+)/i.exec(text)?.[1]?.toUpperCase() ?? '');
  }
}
