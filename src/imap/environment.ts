// What the mailbox commands are given besides their connection: the quarantine, and how drop folders present themselves.
import { Refusal } from '../quarantine/errors.ts';
import type { DropFolder, Folder, ViewFolder } from '../quarantine/folder.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Scope } from '../quarantine/scope.ts';
import { refusals } from '../quarantine/sentences.ts';
import type { CommandDefinition } from './command.ts';
import type { OpenMailbox } from './selected.ts';

export interface ImapEnvironment {
  quarantine: Quarantine;
  /** `empty`: drop folders open and are always empty. `strict`: SELECT and STATUS are refused and no UID codes are sent. */
  dropFolders: 'empty' | 'strict';
}

/** A command that deals with mailboxes; made once for an environment. */
export type MailboxCommand = (environment: ImapEnvironment) => CommandDefinition<OpenMailbox>;

/** @throws Refusal [NONEXISTENT] when the login has no such folder */
export function findFolder({ quarantine }: ImapEnvironment, scope: Scope, mailbox: string): Folder {
  const folder = quarantine.folders.find(mailbox, scope.role);
  // RFC 9051 section 6.4.7: no TRYCREATE, because it is certain that the mailbox cannot be created.
  if (!folder) throw new Refusal('NONEXISTENT', refusals.noSuchFolder());
  return folder;
}

/** The folder as the destination of COPY, MOVE or APPEND. @throws Refusal for views and unknown names */
export function findDrop(environment: ImapEnvironment, scope: Scope, mailbox: string): DropFolder {
  const folder = findFolder(environment, scope, mailbox);
  if (folder.kind === 'drop') return folder;
  throw new Refusal('CANNOT', refusals.view(folder, dropNames(environment, scope, folder)));
}

function dropNames({ quarantine }: ImapEnvironment, scope: Scope, view: ViewFolder): string[] {
  const drops = quarantine.folders.listFor(scope.role).filter((folder) => folder.kind === 'drop');
  const fitting = drops.filter((drop) => drop.accepts.from.includes(view.mailbox));
  return (fitting.length ? fitting : drops).map(({ mailbox }) => mailbox);
}

/** @throws Refusal in strict mode, where a drop folder can be neither opened nor asked about */
export function checkOpenable({ dropFolders }: ImapEnvironment, folder: Folder): void {
  if (folder.kind === 'drop' && dropFolders === 'strict') {
    throw new Refusal('NOPERM', refusals.dropNotReadable(folder));
  }
}
