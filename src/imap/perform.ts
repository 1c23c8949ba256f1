// Runs one command that has been read and understood: is it ours, is it allowed now, what is its answer, what is announced
// before it. Whatever a command throws ends here. Called for imap-core by imap-core.ts.

import { answerToError, ConnectionGone } from './answers.ts';
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
  const command = shell.commands.get(line.command);
  if (command === undefined) return { response: 'BAD', text: `${line.command} is not supported` };
  const misplaced = stateProblem(command, connection.state, line.command);
  if (misplaced !== null) return { response: 'BAD', text: misplaced };
  const call = callOf(line);
  const fields = { connection: connection.id, remoteAddress: connection.remoteAddress, command: line.command };
  let answer: Answer;
  try {
    answer = await command.handle(connection, call);
  } catch (error) {
    if (error instanceof ConnectionGone) return null;
    answer = answerToError(error, shell.options.log, fields);
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
