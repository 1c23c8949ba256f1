// EXPUNGE and UID EXPUNGE: takes what carries \Deleted out of this login's view. Deleting never trains. The EXPUNGE lines are announced
// by the open mailbox, like everybody else's.
import { Refusal } from '../quarantine/errors.ts';
import { expunge as expungeMessages } from '../quarantine/flags.ts';
import type { MailboxCommand } from './environment.ts';
import { openMailboxOf, readMessages } from './message-set.ts';
import { readNoMore } from './read-arguments.ts';
import { uidsAt } from './sequence-set.ts';

export const expunge: MailboxCommand = ({ quarantine }) => ({
  names: ['EXPUNGE', 'UID EXPUNGE'],
  states: ['Selected'],
  announces: 'always',
  handle: async (connection, call) => {
    const { refusals } = quarantine.sentences;
    const mailbox = openMailboxOf(connection);
    readNoMore(call.args, call.uid ? 1 : 0);
    const named = call.uid ? uidsAt(mailbox.messages, readMessages(call, call.args[0], mailbox)) : null;
    if (mailbox.readOnly) throw new Refusal('NOPERM', refusals.readOnly());
    if (mailbox.folder.kind === 'view') {
      const uids = named ?? (await mailbox.deleted());
      await expungeMessages(quarantine, { scope: mailbox.scope, view: mailbox.folder.shows, uids });
    }
    return { response: 'OK', text: 'EXPUNGE completed' };
  },
});
