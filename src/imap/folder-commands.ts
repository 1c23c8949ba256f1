// CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE: the folders are fixed and always subscribed. Refusals never carry TRYCREATE.
import { Refusal } from '../quarantine/errors.ts';
import { refusals } from '../quarantine/sentences.ts';
import type { MailboxCommand } from './environment.ts';
import { readMailbox, readNoMore } from './read-arguments.ts';

export const create: MailboxCommand = ({ quarantine }) => ({
  names: ['CREATE'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: async (connection, { args }) => {
    const mailbox = readMailbox(args[0]);
    readNoMore(args, 2);
    const exists = quarantine.folders.find(mailbox.replace(/\/$/, ''), connection.login.scope.role);
    return Promise.reject(
      exists ? new Refusal('ALREADYEXISTS', refusals.exists()) : new Refusal('CANNOT', refusals.fixedFolders()),
    );
  },
});

export const remove: MailboxCommand = () => ({
  names: ['DELETE', 'RENAME'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: async (_connection, { name, args }) => {
    readMailbox(args[0]);
    if (name === 'RENAME') readMailbox(args[1]);
    readNoMore(args, name === 'RENAME' ? 2 : 1);
    return Promise.reject(new Refusal('CANNOT', refusals.fixedFolders()));
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
