// Runs one command that has been read and understood: is it ours, is it allowed now, what is its answer, what is announced
// before it, how long it took. Whatever a command throws ends here. Called for imap-core by imap-core.ts.

import { loginName } from '../quarantine/scope.ts';
import { answerToError, ConnectionGone, noteRefusal } from './answers.ts';
import type { ParsedLine } from './arguments.ts';
import type { Answer, CommandCall, ConnectionState, ImapConnection, SelectedMailbox } from './command.ts';
import type { ProtocolConnection } from './protocol-command.ts';
import type { ShellCommand, ShellState } from './shell-state.ts';

/** Null: there is nobody left to answer. */
export async function perform<S extends SelectedMailbox>(
  shell: ShellState<S>,
  connection: ImapConnection<S> & ProtocolConnection,
  line: ParsedLine,
): Promise<Answer | null> {
  const startedAt = performance.now();
  const answer = await answerTo(shell, connection, line);
  if (answer === null) return null;
  const { meter } = shell.options;
  noteRefusal(answer, shell.options, logFieldsOf(connection, line));
  // IDLE takes as long as the client likes. A name that we do not know is whatever the client made up.
  if (line.command !== 'IDLE' && shell.commands.has(line.command))
    meter?.time('imapCommand', { command: line.command }, (performance.now() - startedAt) / 1000);
  return answer;
}

async function answerTo<S extends SelectedMailbox>(
  shell: ShellState<S>,
  connection: ImapConnection<S> & ProtocolConnection,
  line: ParsedLine,
): Promise<Answer | null> {
  const command = shell.commands.get(line.command);
  if (command === undefined) return { response: 'BAD', text: `${line.command} is not supported` };
  const misplaced = stateProblem(command, connection.state, line.command);
  if (misplaced !== null) return { response: 'BAD', text: misplaced };
  const call = callOf(line);
  let answer: Answer;
  try {
    answer = await command.handle(connection, call);
  } catch (error) {
    if (error instanceof ConnectionGone) return null;
    answer = answerToError(error, shell.options.log, logFieldsOf(connection, line));
  }
  const announces = command.announces === 'always' || (command.announces === 'with-uid' && call.uid);
  if (announces && answer.response !== 'BAD') {
    try {
      await connection.selected?.announce(connection, command.announces === 'with-uid');
    } catch (error) {
      if (error instanceof ConnectionGone) return null;
      connection.logProblem(error, 'announcing changes');
    }
  }
  return answer;
}

/** What a log line says of a command: never its arguments. */
export function logFieldsOf(connection: ImapConnection & ProtocolConnection, { command }: ParsedLine): object {
  const login = connection.loggedIn ? loginName(connection.login.scope) : undefined;
  return { connection: connection.id, remoteAddress: connection.remoteAddress, login, command };
}

export function callOf(line: ParsedLine): CommandCall {
  const uid = line.command.startsWith('UID ');
  return { name: uid ? line.command.slice(4) : line.command, uid, args: line.args };
}

function stateProblem<S extends SelectedMailbox>(
  command: ShellCommand<S>,
  state: ConnectionState,
  name: string,
): string | null {
  if (command.states.includes(state)) return null;
  if (state === 'Not Authenticated') return `${name} is possible after login only`;
  return command.states.includes('Selected')
    ? `${name} needs a selected mailbox`
    : `${name} is possible before login only`;
}
