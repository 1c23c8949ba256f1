// CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE: the folders are fixed and always subscribed. Refusals never carry TRYCREATE.
import { Refusal } from '../quarantine/errors.ts';
import type { MailboxCommand } from './environment.ts';
import { readMailbox, readNoMore } from './read-arguments.ts';

export const create: MailboxCommand = ({ quarantine }) => ({
  names: ['CREATE'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: async (connection, { args }) => {
    // RFC 3501 section 6.3.3: a name that ends in the delimiter says that folders are to be made below it.
    const mailbox = readMailbox(args[0]).replace(/\/$/, '');
    readNoMore(args, 2);
    const { folders, sentences } = quarantine;
    const { refusals } = sentences;
    const { role } = connection.login.scope;
    if (folders.find(mailbox, role)) throw new Refusal('ALREADYEXISTS', refusals.exists());
    const off = folders.switchedOff(mailbox, role);
    throw new Refusal('CANNOT', off ? refusals.switchedOff(off) : refusals.fixedFolders());
  },
});

export const remove: MailboxCommand = ({ quarantine }) => ({
  names: ['DELETE', 'RENAME'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: async (_connection, { name, args }) => {
    readMailbox(args[0]);
    if (name === 'RENAME') readMailbox(args[1]);
    readNoMore(args, name === 'RENAME' ? 2 : 1);
    throw new Refusal('CANNOT', quarantine.sentences.refusals.fixedFolders());
  },
});

/** Answered OK for any name: a NO makes some mail programs drop what they have cached. */
export const subscribe: MailboxCommand = () => ({
  names: ['SUBSCRIBE', 'UNSUBSCRIBE'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: (_connection, { args }) => {
    readMailbox(args[0]);
    readNoMore(args, 1);
    return Promise.resolve({ response: 'OK', text: 'All folders are always subscribed' });
  },
});
