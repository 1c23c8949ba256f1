// APPEND: a drag from another account, or a mail program that copies by uploading. Acts like COPY (quarantine/append.ts).
import { append as appendMessage } from '../quarantine/append.ts';
import { Refusal } from '../quarantine/errors.ts';
import { BadCommand } from './answers.ts';
import type { Argument } from './command.ts';
import { parseInternalDate } from './dates.ts';
import { findDrop } from './environment.ts';
import type { MailboxCommand } from './environment.ts';
import { readFlags } from './flags.ts';
import { readAstring, readMailbox } from './read-arguments.ts';

export const append: MailboxCommand = (environment) => ({
  names: ['APPEND'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  takesMessage: true,
  tellTooBig: (maxBytes) => environment.quarantine.sentences.refusals.tooBig(maxBytes),
  // Whatever can be refused is refused before the message is uploaded.
  beforeLiteral: (connection, { args }) => {
    if (args.length) {
      const drop = findDrop(environment, connection.login.scope, readMailbox(args[0]), null);
      const { refusals } = environment.quarantine.sentences;
      if (drop.accepts.append === 'none') throw new Refusal('CANNOT', refusals.appendNotAccepted(drop));
    }
    return Promise.resolve(null);
  },
  handle: async (connection, { args }) => {
    const mailbox = readMailbox(args[0]);
    const raw = readMessage(args);
    const { scope } = connection.login;
    const drop = findDrop(environment, scope, mailbox, null);
    const outcome = await appendMessage(environment.quarantine, { scope, to: drop, raw });
    const code = environment.dropFolders === 'strict' ? undefined : `APPENDUID ${outcome.uidValidity} ${outcome.uid}`;
    return { response: 'OK', code, text: outcome.text };
  },
});

/** Flags and date are checked, so that a mistake is answered, and then not needed: nothing that is appended is kept in a mailbox. */
function readMessage(args: readonly Argument[]): Buffer {
  const rest = args.slice(1);
  if (rest[0]?.kind === 'list') readFlags([rest[0]]);
  if (rest[0]?.kind === 'list') rest.shift();
  const message = rest.pop();
  if (rest.length > 1) throw new BadCommand('APPEND takes a mailbox, flags, a date and one message');
  if (rest.length && parseInternalDate(readAstring(rest[0], 'The date')) === null) {
    throw new BadCommand('The date must be like "05-Nov-2025 10:00:00 +0000"');
  }
  if (message?.kind !== 'literal' || !message.bytes) throw new BadCommand('The message must be a literal');
  return message.bytes;
}
