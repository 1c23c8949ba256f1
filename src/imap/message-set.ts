// Which messages of the open mailbox a command names: sequence numbers or UIDs in the client's own numbering.
import { BadCommand } from './answers.ts';
import type { Argument, CommandCall, ImapConnection } from './command.ts';
import { readSequenceSet } from './read-arguments.ts';
import type { OpenMailbox } from './selected.ts';
import { positionsBySequence, positionsByUid } from './sequence-set.ts';
import type { PositionRange } from './sequence-set.ts';

/** What is known of one message may take several megabytes, if somebody wants it to: a thousand addresses, a thousand parts. */
export const readingsAtOnce = 20;

/** The states of a command see to it that a mailbox is open; this says so to the types. */
export function openMailboxOf(connection: ImapConnection<OpenMailbox>): OpenMailbox {
  if (!connection.selected) throw new BadCommand('No mailbox is selected');
  return connection.selected;
}

/** UIDs that do not exist are passed over; a sequence number that does not exist is BAD. */
export function readMessages(call: CommandCall, argument: Argument | undefined, mailbox: OpenMailbox): PositionRange[] {
  const set = readSequenceSet(argument);
  const { messages } = mailbox;
  const positions = call.uid ? positionsByUid(set, messages) : positionsBySequence(set, messages.length);
  if (!positions) throw new BadCommand(`The mailbox has ${messages.length} messages; the set names others`);
  return positions;
}
