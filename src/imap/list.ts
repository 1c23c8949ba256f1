// LIST, XLIST and LSUB. All folders are always subscribed, whatever SUBSCRIBE and UNSUBSCRIBE said, so that no mail program hides one;
// the three lists agree and are never refused. No folder is \Noselect: mail programs would refuse to drop anything there.
import type { Folder } from '../quarantine/folder.ts';
import { BadCommand } from './answers.ts';
import type { Argument, CommandCall } from './command.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import type { Scope } from '../quarantine/scope.ts';
import { listMatcher } from './list-pattern.ts';
import { isInbox, quoteMailbox } from './mailbox-name.ts';
import { readAstring, readAtom, readList, readNoMore } from './read-arguments.ts';

interface ListRequest {
  reference: string;
  patterns: string[];
  /** Only folders with a special use (RFC 6154 section 5.1). */
  specialUseOnly: boolean;
  showSubscribed: boolean;
}

export const list: MailboxCommand = (environment) => ({
  names: ['LIST', 'XLIST', 'LSUB'],
  states: ['Authenticated', 'Selected'],
  announces: 'always',
  handle: async (connection, call) => {
    const request = readRequest(call);
    const lines = matching(environment, connection.login.scope, request).map(
      (folder) =>
        `* ${call.name} (${attributes(call.name, folder, request).join(' ')}) "/" ${quoteMailbox(folder.mailbox)}\r\n`,
    );
    // RFC 9051 section 6.3.9: an empty pattern asks for the hierarchy delimiter and the root.
    if (request.patterns.length === 1 && request.patterns[0] === '')
      lines.push(`* ${call.name} (\\Noselect) "/" ""\r\n`);
    if (lines.length) await connection.write(lines.join(''));
    return { response: 'OK', text: `${call.name} completed` };
  },
});

function matching({ quarantine }: ImapEnvironment, scope: Scope, request: ListRequest): Folder[] {
  const matchers = request.patterns.map((pattern) => listMatcher(request.reference, pattern));
  return quarantine.folders
    .listFor(scope.role)
    .filter(
      ({ mailbox, specialUse }) =>
        matchers.some((matches) => matches(mailbox)) && (!request.specialUseOnly || specialUse),
    );
}

function attributes(command: string, folder: Folder, { showSubscribed }: ListRequest): string[] {
  if (command === 'LSUB') return folder.specialUse ? [folder.specialUse] : [];
  const names = ['\\HasNoChildren', '\\Noinferiors'];
  if (showSubscribed) names.unshift('\\Subscribed');
  if (folder.specialUse) names.push(folder.specialUse);
  if (command === 'XLIST' && isInbox(folder.mailbox)) names.push('\\Inbox');
  return names;
}

function readRequest({ name, args }: CommandCall): ListRequest {
  const rest = [...args];
  // RFC 5258 section 3: LIST (selection options) reference patterns RETURN (return options).
  const selection = name === 'LIST' && rest[0]?.kind === 'list' ? options(rest.shift(), selectionOptions) : [];
  const reference = readAstring(rest.shift(), 'The reference name');
  const pattern = rest.shift();
  const patterns =
    name === 'LIST' && pattern?.kind === 'list'
      ? pattern.items.map((item) => readAstring(item, 'A mailbox pattern'))
      : [readAstring(pattern, 'The mailbox pattern')];
  let returned: string[] = [];
  if (name === 'LIST' && rest.length) {
    if (readAtom(rest.shift(), 'RETURN') !== 'RETURN')
      throw new BadCommand('After the mailbox pattern only RETURN (…) may follow');
    returned = options(rest.shift(), returnOptions);
  }
  readNoMore(rest, 0);
  return {
    reference,
    patterns,
    specialUseOnly: selection.includes('SPECIAL-USE'),
    showSubscribed: selection.includes('SUBSCRIBED') || returned.includes('SUBSCRIBED'),
  };
}

const selectionOptions = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'];
const returnOptions = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE'];

function options(argument: Argument | undefined, known: readonly string[]): string[] {
  const names = readList(argument, 'The list of options').map((item) => readAtom(item, 'An option'));
  if (names.some((option) => !known.includes(option)))
    throw new BadCommand(`The known options are ${known.join(', ')}`);
  return names;
}
