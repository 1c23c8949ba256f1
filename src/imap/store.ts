// STORE: flags of this login's own view. Our keywords ($Released …) are not the client's to change and are left alone.
import { Refusal } from '../quarantine/errors.ts';
import { flagsAfter, isSameSet, storeFlags } from '../quarantine/flags.ts';
import { slicesOf } from '../quarantine/slices.ts';
import { BadCommand } from './answers.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { formatFlags, readFlags } from './flags.ts';
import { openMailboxOf, readMessages } from './message-set.ts';
import { readAtom } from './read-arguments.ts';
import type { OpenMailbox } from './selected.ts';
import { uidsAt } from './sequence-set.ts';

export const store: MailboxCommand = (environment) => ({
  names: ['STORE', 'UID STORE'],
  states: ['Selected'],
  announces: 'with-uid',
  handle: (connection, call) => changeFlags(environment, connection, call),
});

const actions = new Map<string, 'set' | 'add' | 'remove'>([
  ['FLAGS', 'set'],
  ['+FLAGS', 'add'],
  ['-FLAGS', 'remove'],
]);

async function changeFlags(
  { quarantine }: ImapEnvironment,
  connection: ImapConnection<OpenMailbox>,
  call: CommandCall,
): Promise<Answer> {
  const mailbox = openMailboxOf(connection);
  const uids = uidsAt(mailbox.messages, readMessages(call, call.args[0], mailbox));
  const item = readAtom(call.args[1], 'The item to store');
  const silent = item.endsWith('.SILENT');
  const action = actions.get(silent ? item.slice(0, -'.SILENT'.length) : item);
  if (!action) throw new BadCommand('The item to store must be FLAGS, +FLAGS or -FLAGS, with or without .SILENT');
  const flags = readFlags(call.args.slice(2));
  if (mailbox.readOnly) throw new Refusal('NOPERM', quarantine.sentences.refusals.readOnly());
  if (mailbox.folder.kind === 'view' && uids.length) {
    const view = mailbox.folder.shows;
    for (const slice of slicesOf(uids)) {
      const stored = await storeFlags(quarantine, { scope: mailbox.scope, view, uids: slice, action, flags });
      const lines: string[] = [];
      for (const { uid, flags: now } of stored) {
        const text = formatFlags(now);
        // RFC 9051 section 6.4.6: what others have changed is told to a silent client, too.
        const before = mailbox.knownFlags(uid);
        const isKnown = !silent || (before && isSameSet(flagsAfter(before, { action, flags }), now));
        if (isKnown) mailbox.noteTold(uid, text);
        else mailbox.noteUnsure(uid);
        const told = call.uid ? `UID ${uid} FLAGS ${text}` : `FLAGS ${text}`;
        if (!silent) lines.push(`* ${mailbox.sequenceNumber(uid)} FETCH (${told})\r\n`);
      }
      if (lines.length) await connection.write(lines.join(''));
    }
  }
  return { response: 'OK', text: 'STORE completed' };
}
