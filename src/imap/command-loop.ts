// The loop that serves one client, from the greeting to the end: reads a command, has it performed and answered, and only
// then reads the next. Where nothing is to be done it waits for a byte, and nothing else is in progress: sessions spend
// hours there, each with all that its unfinished functions hold. Made by imap-core.ts.

import { noteRefusal, taggedLine } from './answers.ts';
import type { Incoming } from './command-reader.ts';
import { readCommand } from './command-reader.ts';
import type { SelectedMailbox } from './command.ts';
import { ConnectionRules } from './connection-rules.ts';
import type { Connection } from './connection.ts';
import type { Outcome, Suspended } from './perform.ts';
import type { ShellState } from './shell-state.ts';

/** imap-core's part of a connection. */
export interface Dispatcher {
  /** Finds out which command it is and has it performed and answered. */
  dispatch(text: string, literals: readonly Buffer[]): Promise<void>;
  /** Counts a protocol error; the client that makes too many is sent away. */
  countBadCommand(): void;
}

export class CommandLoop<S extends SelectedMailbox> {
  readonly #shell: ShellState<S>;
  readonly #connection: Connection<S>;
  readonly #rules: ConnectionRules<S>;
  /** What the client sends next is for this command. */
  #suspended: { tag: string; command: Suspended } | null = null;

  constructor(shell: ShellState<S>, connection: Connection<S>) {
    this.#shell = shell;
    this.#connection = connection;
    this.#rules = new ConnectionRules(shell, connection);
  }

  /** Serves the client to the end, which with a refusal comes at once. Never rejects. */
  async serve(dispatcher: Dispatcher, refusal: string | null): Promise<void> {
    const connection = this.#connection;
    try {
      if (refusal !== null) return connection.bye(refusal);
      await connection.greet();
      let serving = true;
      while (serving) {
        await connection.socket.input.arrival();
        serving = await this.#serveNext(dispatcher);
      }
    } catch (error) {
      connection.log.noteProblem(error, 'serving a connection');
    }
    connection.end();
  }

  /**
   * Sends the tagged answer, or keeps the command that waits for what the client sends next. After null, nobody being there to answer, no
   * further command is read. False: the command was a bad one.
   */
  async answer(tag: string, outcome: Outcome): Promise<boolean> {
    const { socket } = this.#connection;
    if (outcome === null) socket.input.stop();
    else if ('resume' in outcome) this.#suspended = { tag, command: outcome };
    else {
      await socket.output.write(taggedLine(tag, outcome));
      return outcome.response !== 'BAD';
    }
    return true;
  }

  async #serveNext(dispatcher: Dispatcher): Promise<boolean> {
    const { socket } = this.#connection;
    if (this.#suspended !== null) await this.#resume(this.#suspended, dispatcher);
    else {
      const incoming = await readCommand(socket.input, this.#rules);
      if (socket.closing) return false;
      if (!(await this.#execute(incoming, dispatcher))) return false;
    }
    await this.#connection.answered();
    // Thousands of pipelined commands must not keep everybody else waiting.
    await new Promise((resolve) => setImmediate(resolve));
    // A command that waits is resumed even then: IDLE has to stop watching the mailbox.
    return !socket.closing || this.#suspended !== null;
  }

  async #resume({ tag, command }: { tag: string; command: Suspended }, dispatcher: Dispatcher): Promise<void> {
    this.#suspended = null;
    const isGood = await this.answer(tag, await command.resume());
    if (!isGood) dispatcher.countBadCommand();
  }

  async #execute(incoming: Incoming, dispatcher: Dispatcher): Promise<boolean> {
    switch (incoming.kind) {
      case 'command':
        await dispatcher.dispatch(incoming.text, incoming.literals);
        return true;
      case 'refused':
        noteRefusal(incoming.answer, this.#shell.options, this.#connection.log.fields);
        await this.answer(incoming.tag, incoming.answer);
        if (incoming.answer.response === 'BAD') dispatcher.countBadCommand();
        return true;
      case 'hopeless':
        this.#connection.bye(incoming.text);
        return false;
      case 'end':
        return false;
    }
  }
}
