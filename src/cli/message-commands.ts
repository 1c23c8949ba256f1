// `lazaretto message …`: look at what is held, and act on it beside a running server. Rights of logins do not apply here; who may run
// commands on this machine may do all of this. Called by program.ts.
import type { Command } from 'commander';
import { isParked } from '../quarantine/claims.ts';
import type { Verdict } from '../quarantine/job.ts';
import type { Message } from '../quarantine/message.ts';
import { deleteByOperator, releaseByOperator, reportByOperator, restoreMessage } from '../quarantine/operator.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { withQuarantine } from './command-context.ts';
import { CommandFailed, explain, UsageError } from './failures.ts';
import { exampleId, examples } from './help-text.ts';
import { addMessageList } from './message-list.ts';
import { addMessageShow } from './message-show.ts';
import { ordersForScripts, stateOf } from './message-story.ts';

type Change = (quarantine: Quarantine, id: string) => Promise<Message>;

export function addMessageCommands(program: Command): void {
  const message = program.command('message').description('messages in the quarantine').helpCommand(false);
  addMessageList(message);
  addMessageShow(message);
  message
    .command('release')
    .description('deliver held messages to their recipients; they stay in view, marked as released')
    .argument('<id...>', 'as shown by message list')
    .option('--again', 'also to recipients that have accepted the message already')
    .addHelpText('after', examples(`message release ${exampleId}`, `message release --again ${exampleId}`))
    .action(async (ids: string[], options: { again?: boolean }, command: Command) =>
      changeEach(
        command,
        ids,
        (quarantine, id) => releaseByOperator(quarantine, id, { again: options.again === true }),
        ({ delivery }) => (delivery?.state === 'done' ? 'released before; --again delivers it once more' : ''),
      ),
    );
  message
    .command('train')
    .description('report messages to the filter')
    .argument('<verdict>', 'ham (not spam) or spam')
    .argument('<id...>', 'as shown by message list')
    .addHelpText('after', examples(`message train ham ${exampleId}`))
    .action(async (typed: string, ids: string[], _options: object, command: Command) => {
      const verdict = verdictOf(typed);
      await changeEach(command, ids, (quarantine, id) => reportByOperator(quarantine, id, verdict));
    });
  message
    .command('delete')
    .description('take messages out of everybody’s view; they can be restored for a while')
    .argument('<id...>', 'as shown by message list')
    .addHelpText('after', examples(`message delete ${exampleId}`))
    .action(async (ids: string[], _options: object, command: Command) =>
      changeEach(command, ids, deleteByOperator, ({ delivery }) => {
        if (delivery?.state !== 'due') return '';
        const goesOn = isParked(delivery)
          ? 'stays parked; "jobs retry" makes it, "jobs cancel" gives it up'
          : 'goes on; "jobs cancel" stops it';
        return `its delivery ${goesOn}, and brings the message back`;
      }),
    );
  message
    .command('restore')
    .description('bring back messages that left their view')
    .argument('<id...>', 'as shown by message list --all')
    .addHelpText('after', examples(`message restore ${exampleId}`))
    .action(async (ids: string[], _options: object, command: Command) => changeEach(command, ids, restoreMessage));
}

function verdictOf(typed: string): Verdict {
  if (typed === 'ham' || typed === 'spam') return typed;
  throw new UsageError(`"${typed}" is neither ham nor spam.`);
}

/** One after the other; what fails does not keep the others from being done. */
async function changeEach(
  command: Command,
  ids: readonly string[],
  change: Change,
  /** What a person may not expect about the outcome; '' for nothing. */
  note: (message: Message) => string = () => '',
): Promise<void> {
  await withQuarantine(command, async ({ quarantine, answer }) => {
    const done: Message[] = [];
    const failures: string[] = [];
    for (const id of new Set(ids)) {
      try {
        done.push(await change(quarantine, id));
      } catch (error) {
        failures.push(explain(error).text);
      }
    }
    if (done.length) await answer(done.map((message) => shown(message, note(message))).join('\n'), done.map(brief));
    if (failures.length) throw new CommandFailed(failures.join('\nlazaretto: '));
  });
}

function shown(message: Message, note: string): string {
  return `${message.id}  ${stateOf(message)}${note ? ` (${note})` : ''}`;
}

function brief(message: Message): object {
  const { id, view, holding, removed } = message;
  return { id, folder: view, holding, held: !removed, state: stateOf(message), ...ordersForScripts(message) };
}
