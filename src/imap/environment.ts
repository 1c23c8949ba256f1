// What the mailbox commands are given besides their connection: the quarantine, and how drop folders present themselves.
import { Refusal } from '../quarantine/errors.ts';
import type { DropFolder, Folder } from '../quarantine/folder.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Scope } from '../quarantine/scope.ts';
import type { CommandDefinition } from './command.ts';
import type { CommitWatch } from './commit-watch.ts';
import type { OpenMailbox } from './selected.ts';

export interface ImapEnvironment {
  quarantine: Quarantine;
  /** `empty`: drop folders open and are always empty. `strict`: SELECT and STATUS are refused and no UID codes are sent. */
  dropFolders: 'empty' | 'strict';
  commits: CommitWatch;
}

/** A command that deals with mailboxes; made once for an environment. */
export type MailboxCommand = (environment: ImapEnvironment) => CommandDefinition<OpenMailbox>;

/** @throws Refusal [NONEXISTENT] when the login has no such folder */
export function findFolder({ quarantine }: ImapEnvironment, scope: Scope, mailbox: string): Folder {
  const folder = quarantine.folders.find(mailbox, scope.role);
  if (folder) return folder;
  const { refusals } = quarantine.sentences;
  const off = quarantine.folders.switchedOff(mailbox, scope.role);
  // RFC 9051 section 6.4.7: no TRYCREATE, because it is certain that the mailbox cannot be created.
  throw new Refusal('NONEXISTENT', off ? refusals.switchedOff(off) : refusals.noSuchFolder());
}

/** The folder as the destination of COPY and MOVE, or of APPEND, which has no source. @throws Refusal for views and unknown names */
export function findDrop(
  environment: ImapEnvironment,
  scope: Scope,
  mailbox: string,
  source: Folder | null,
): DropFolder {
  const folder = findFolder(environment, scope, mailbox);
  if (folder.kind === 'drop') return folder;
  const { refusals } = environment.quarantine.sentences;
  // What Thunderbird's Undo asks for. OK would promise that the order is taken back.
  if (source?.kind === 'drop') throw new Refusal('CANNOT', refusals.noWayBack(source));
  throw new Refusal('CANNOT', refusals.view(folder, dropNames(environment, scope, source)));
}

/** Those that take what the client has in hand: who is sent to another one meets the next refusal, or loses the message in Trash. */
function dropNames({ quarantine }: ImapEnvironment, scope: Scope, source: Folder | null): string[] {
  const drops = quarantine.folders.listFor(scope.role).filter((folder) => folder.kind === 'drop');
  const fitting = drops.filter(({ accepts }) =>
    source ? accepts.from.includes(source.mailbox) : accepts.append === 'any',
  );
  return (fitting.length ? fitting : drops).map(({ mailbox }) => mailbox);
}

/** @throws Refusal in strict mode, where a drop folder can be neither opened nor asked about */
export function checkOpenable({ quarantine, dropFolders }: ImapEnvironment, folder: Folder): void {
  if (folder.kind === 'drop' && dropFolders === 'strict') {
    throw new Refusal('NOPERM', quarantine.sentences.refusals.dropNotReadable(folder));
  }
}
