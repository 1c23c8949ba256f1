// SELECT and EXAMINE: opens a view as one snapshot, or a drop, which is always empty.
import type { MailboxSnapshot } from '../quarantine/ports.ts';
import type { Scope } from '../quarantine/scope.ts';
import type { Folder } from '../quarantine/folder.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import { checkOpenable, findFolder } from './environment.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { formatFlags, ourKeywords, systemFlags } from './flags.ts';
import { readMailbox, readNoMore } from './read-arguments.ts';
import { OpenMailbox } from './selected.ts';

export const select: MailboxCommand = (environment) => ({
  names: ['SELECT', 'EXAMINE'],
  states: ['Authenticated', 'Selected'],
  announces: 'never',
  handle: (connection, call) => openMailbox(environment, connection, call),
});

async function openMailbox(
  environment: ImapEnvironment,
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
  const snapshot = await readSnapshot(environment, scope, folder);
  const unseen = snapshot.firstUnseenUid === null ? -1 : snapshot.uids.indexOf(snapshot.firstUnseenUid);
  const lines = [
    `* FLAGS ${formatFlags([...systemFlags, ...ourKeywords])}`,
    `* OK [PERMANENTFLAGS ${readOnly ? '()' : formatFlags([...systemFlags, '\\*'])}] Flags that are kept`,
    `* ${snapshot.uids.length} EXISTS`,
    '* 0 RECENT',
    ...(unseen >= 0 ? [`* OK [UNSEEN ${unseen + 1}] First unread message`] : []),
    `* OK [UIDVALIDITY ${snapshot.uidValidity}] UIDs are valid`,
    `* OK [UIDNEXT ${snapshot.uidNext}] Next UID`,
  ];
  await connection.write(lines.map((line) => `${line}\r\n`).join(''));
  connection.selected = new OpenMailbox({ quarantine: environment.quarantine, scope, folder, readOnly, snapshot });
  return { response: 'OK', code: readOnly ? 'READ-ONLY' : 'READ-WRITE', text: folder.purpose };
}

async function readSnapshot({ quarantine }: ImapEnvironment, scope: Scope, folder: Folder): Promise<MailboxSnapshot> {
  const { storage, domains } = quarantine;
  if (folder.kind === 'drop')
    return { ...(await storage.dropStatus(scope, folder.mailbox)), uids: [], firstUnseenUid: null };
  const snapshot = await storage.openMailbox(scope, folder.shows);
  return domains.isSeenBy(scope) ? snapshot : { ...snapshot, uids: [], firstUnseenUid: null };
}
