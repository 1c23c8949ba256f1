// STATUS: how much is in a mailbox, without opening it.
import type { MailboxStatus } from '../quarantine/ports.ts';
import { BadCommand } from './answers.ts';
import { checkOpenable, findFolder } from './environment.ts';
import type { MailboxCommand } from './environment.ts';
import { quoteMailbox } from './mailbox-name.ts';
import { readAtom, readList, readMailbox, readNoMore } from './read-arguments.ts';

const items = new Map<string, (status: MailboxStatus) => number>([
  ['MESSAGES', ({ messages }) => messages],
  ['UIDNEXT', ({ uidNext }) => uidNext],
  ['UIDVALIDITY', ({ uidValidity }) => uidValidity],
  ['UNSEEN', ({ unseen }) => unseen],
  // RFC 9051 appendix E: \Recent is gone; mail programs that still ask are told that nothing is.
  ['RECENT', () => 0],
]);

export const status: MailboxCommand = (environment) => ({
  names: ['STATUS'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: async (connection, { args }) => {
    const mailbox = readMailbox(args[0]);
    const wanted = readList(args[1], 'The list of status items').map((item) => readAtom(item, 'A status item'));
    readNoMore(args, 2);
    if (!wanted.length || wanted.some((item) => !items.has(item))) {
      throw new BadCommand(`The list of status items may hold ${[...items.keys()].join(', ')}`);
    }
    const { scope } = connection.login;
    const { storage, domains } = environment.quarantine;
    const folder = findFolder(environment, scope, mailbox);
    checkOpenable(environment, folder);
    const found =
      folder.kind === 'drop'
        ? { ...(await storage.dropStatus(scope, folder.mailbox)), messages: 0, unseen: 0 }
        : await storage.mailboxStatus(scope, folder.shows);
    const shown = domains.isSeenBy(scope) ? found : { ...found, messages: 0, unseen: 0 };
    const values = wanted.map((item) => `${item} ${items.get(item)?.(shown) ?? 0}`);
    // The name is answered as it was asked for, so that an alias finds its answer.
    await connection.write(`* STATUS ${quoteMailbox(mailbox)} (${values.join(' ')})\r\n`);
    return { response: 'OK', text: 'STATUS completed' };
  },
});
