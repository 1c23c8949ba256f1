// SELECT and EXAMINE: opens a view as one snapshot, or a drop, which is always empty.
import type { MailboxState } from '../quarantine/ports.ts';
import type { Scope } from '../quarantine/scope.ts';
import type { Folder } from '../quarantine/folder.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import { checkOpenable, findFolder } from './environment.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { formatFlags, ourKeywords, systemFlags } from './flags.ts';
import { LiveMailboxes } from './live-mailboxes.ts';
import { MessageSequence } from './message-sequence.ts';
import { readMailbox, readNoMore } from './read-arguments.ts';
import { OpenMailbox } from './selected.ts';
import type { OpenMailboxOptions } from './selected.ts';

export const select: MailboxCommand = (environment) => {
  const mailboxes = new LiveMailboxes(environment.quarantine.storage);
  return {
    names: ['SELECT', 'EXAMINE'],
    states: ['Authenticated', 'Selected'],
    announces: 'never',
    handle: (connection, call) => openMailbox({ ...environment, mailboxes }, connection, call),
  };
};

interface SelectEnvironment extends ImapEnvironment {
  mailboxes: LiveMailboxes;
}

async function openMailbox(
  environment: SelectEnvironment,
  connection: ImapConnection<OpenMailbox>,
  { name, args }: CommandCall,
): Promise<Answer> {
  const readOnly = name === 'EXAMINE';
  const mailbox = readMailbox(args[0]);
  readNoMore(args, 1);
  // RFC 9051 section 6.3.2: the previous mailbox is closed first, also when this one cannot be opened.
  connection.selected = null;
  const { scope } = connection.login;
  const folder = findFolder(environment, scope, mailbox);
  checkOpenable(environment, folder);
  const { state, ...opened } = await open(environment, scope, folder);
  const selected = new OpenMailbox({
    quarantine: environment.quarantine,
    commits: environment.commits,
    scope,
    folder,
    readOnly,
    ...opened,
  });
  const { messages } = selected;
  const [firstUnseen] = messages.where(({ isSeen }) => !isSeen);
  const lines = [
    `* FLAGS ${formatFlags([...systemFlags, ...ourKeywords])}`,
    `* OK [PERMANENTFLAGS ${readOnly ? '()' : formatFlags([...systemFlags, '\\*'])}] Flags that are kept`,
    `* ${messages.length} EXISTS`,
    '* 0 RECENT',
    ...(firstUnseen ? [`* OK [UNSEEN ${messages.positionOf(firstUnseen) + 1}] First unread message`] : []),
    `* OK [UIDVALIDITY ${state.uidValidity}] UIDs are valid`,
    `* OK [UIDNEXT ${state.uidNext}] Next UID`,
  ];
  connection.selected = selected;
  await connection.write(lines.map((line) => `${line}\r\n`).join(''));
  return { response: 'OK', code: readOnly ? 'READ-ONLY' : 'READ-WRITE', text: folder.purpose };
}

async function open(
  { quarantine, mailboxes }: SelectEnvironment,
  scope: Scope,
  folder: Folder,
): Promise<Pick<OpenMailboxOptions, 'live' | 'messages' | 'isHidden' | 'onClose'> & { state: MailboxState }> {
  const empty = { messages: MessageSequence.empty, isHidden: !quarantine.domains.isSeenBy(scope) };
  if (folder.kind === 'drop') {
    const state = await quarantine.storage.dropStatus(scope, folder.mailbox);
    return { ...empty, state, live: null, onClose: () => undefined };
  }
  const address = { scope, view: folder.shows };
  const live = await mailboxes.enter(address);
  const opened = { state: live.state, live, onClose: () => mailboxes.leave(address, live) };
  // Asked when all is read: what the mailbox looks like now is what the session begins with.
  const isHidden = !quarantine.domains.isSeenBy(scope);
  return isHidden ? { ...empty, ...opened, isHidden } : { ...opened, messages: live.messages, isHidden };
}
