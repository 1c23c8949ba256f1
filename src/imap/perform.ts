// Runs one command that has been read and understood: is it ours, is it allowed now, what is its answer, what is announced
// before it, how long it took. Whatever a command throws ends here. Called for imap-core by imap-core.ts.

import { answerToError, ConnectionGone, noteRefusal } from './answers.ts';
import type { ParsedLine } from './arguments.ts';
import type { Answer, CommandCall, ConnectionState, ImapConnection, SelectedMailbox } from './command.ts';
import type { ProtocolConnection, Waiting } from './protocol-command.ts';
import type { ShellCommand, ShellState } from './shell-state.ts';

/** The answer; or a command that waits for what the client sends next. Null: there is nobody left to answer. */
export type Outcome = Answer | Suspended | null;

export interface Suspended {
  /** Called once, when there is something to read or the client has gone. Never rejects. */
  resume(): Promise<Outcome>;
}

export async function perform<S extends SelectedMailbox>(
  shell: ShellState<S>,
  connection: ImapConnection<S> & ProtocolConnection,
  line: ParsedLine,
): Promise<Outcome> {
  const startedAt = performance.now();
  const outcome = await outcomeOf(shell, connection, line);
  // What waits takes as long as the client likes. A name that we do not know is whatever the client made up.
  if (outcome !== null && !('resume' in outcome) && shell.commands.has(line.command))
    shell.options.meter?.time('imapCommand', { command: line.command }, (performance.now() - startedAt) / 1000);
  return outcome;
}

async function outcomeOf<S extends SelectedMailbox>(
  shell: ShellState<S>,
  connection: ImapConnection<S> & ProtocolConnection,
  line: ParsedLine,
): Promise<Outcome> {
  const command = shell.commands.get(line.command);
  const problem = command ? stateProblem(command, connection.state, line.command) : `${line.command} is not supported`;
  if (!command || problem !== null) {
    const answer: Answer = { response: 'BAD', text: problem ?? '' };
    noteRefusal(answer, shell.options, logFieldsOf(connection, line));
    return answer;
  }
  return carryOut({ shell, connection, line, command }, () => command.handle(connection, callOf(line)));
}

interface Task<S extends SelectedMailbox> {
  shell: ShellState<S>;
  connection: ImapConnection<S> & ProtocolConnection;
  line: ParsedLine;
  command: ShellCommand<S>;
}

async function carryOut<S extends SelectedMailbox>(
  task: Task<S>,
  work: () => Promise<Answer | Waiting>,
): Promise<Outcome> {
  const { shell, connection, line, command } = task;
  let answer: Answer;
  try {
    const result = await work();
    if ('resume' in result) return { resume: () => carryOut(task, () => result.resume()) };
    answer = result;
  } catch (error) {
    if (error instanceof ConnectionGone) return null;
    answer = answerToError(error, shell.options.log, logFieldsOf(connection, line));
  }
  const announces =
    command.announces === 'always' || (command.announces === 'with-uid' && line.command.startsWith('UID '));
  if (announces && answer.response !== 'BAD') {
    try {
      await connection.selected?.announce(connection, command.announces === 'with-uid');
    } catch (error) {
      if (error instanceof ConnectionGone) return null;
      connection.log.noteProblem(error, 'announcing changes');
    }
  }
  noteRefusal(answer, shell.options, logFieldsOf(connection, line));
  return answer;
}

/** What a log line says of a command: never its arguments. */
export function logFieldsOf({ log }: ProtocolConnection, { command }: ParsedLine): object {
  return { ...log.fields, command };
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
