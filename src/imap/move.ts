// COPY and MOVE: the drag. What it means is decided by the folder-action engine (quarantine/act.ts); here it is only read and answered.
import { act } from '../quarantine/act.ts';
import type { DropOutcome } from '../quarantine/act.ts';
import { Refusal } from '../quarantine/errors.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import { findDrop } from './environment.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { openMailboxOf, readMessages } from './message-set.ts';
import { readMailbox, readNoMore } from './read-arguments.ts';
import type { OpenMailbox } from './selected.ts';
import { packUids, uidsAt } from './sequence-set.ts';

export const move: MailboxCommand = (environment) => ({
  names: ['COPY', 'UID COPY', 'MOVE', 'UID MOVE'],
  states: ['Selected'],
  announces: 'always',
  handle: (connection, call) => drop(environment, connection, call),
});

async function drop(
  environment: ImapEnvironment,
  connection: ImapConnection<OpenMailbox>,
  call: CommandCall,
): Promise<Answer> {
  const mailbox = openMailboxOf(connection);
  const uids = uidsAt(mailbox.messages, readMessages(call, call.args[0], mailbox));
  const destination = readMailbox(call.args[1]);
  readNoMore(call.args, 2);
  const to = findDrop(environment, connection.login.scope, destination, mailbox.folder);
  const cause = call.name === 'MOVE' ? 'MOVE' : 'COPY';
  const { refusals, noMessages } = environment.quarantine.sentences;
  if (cause === 'MOVE' && mailbox.readOnly) throw new Refusal('NOPERM', refusals.readOnly());
  const from = mailbox.folder;
  // A drop is always empty, so whatever is named in it is gone: ignored, like any other UID that does not exist.
  if (from.kind === 'drop') return { response: 'OK', text: noMessages };
  const { quarantine, commits } = environment;
  const { scope } = mailbox;
  const outcome = await commits.asOne(scope, () => act(quarantine, { scope, cause, from, to, uids }));
  const code = copyUid(environment, outcome);
  if (cause === 'COPY') return { response: 'OK', code, text: outcome.text };
  // RFC 6851 section 4.3: the UIDs of a MOVE are told before the EXPUNGEs, which are announced before the tagged answer.
  if (code) await connection.write(`* OK [${code}] Moved\r\n`);
  if (outcome.refused) throw outcome.refused;
  return { response: 'OK', text: outcome.text };
}

// RFC 4315 section 3: real UIDs of the drop, in the order of the sources; none where the drop cannot be opened.
function copyUid({ dropFolders }: ImapEnvironment, { uids, copied }: DropOutcome): string | undefined {
  if (!copied || !uids.length || dropFolders === 'strict') return undefined;
  return `COPYUID ${copied.uidValidity} ${packUids(uids)} ${packUids(copied.uids)}`;
}
