// All folder definitions together: checked once at start, then asked by name. Knows which folders are switched on and who may see them.
import { delivers, verdictOf } from './folder.ts';
import type { DropFolder, Folder, FolderSwitch, ViewFolder } from './folder.ts';
import type { View } from './message.ts';
import { roles } from './scope.ts';
import type { Role } from './scope.ts';

export interface FolderSet {
  /**
   * Folders that a login of this role lists, in the order of the definitions. Its drops accept from those views alone that it lists, too, so
   * that nobody is told of a folder that is not there.
   */
  listFor(role: Role): readonly Folder[];
  /** By mailbox name or input alias; INBOX in any case (RFC 9051 section 5.1). Undefined when unknown, off, or not shown to the role. */
  find(mailbox: string, role: Role): Folder | undefined;
  /** By mailbox name or input alias: the folder that logins of this role would have if the settings did not switch it off. */
  switchedOff(mailbox: string, role: Role): Folder | undefined;
  /** The view folder that shows this kind of message, whether or not it is switched on. */
  showing(view: View): ViewFolder | undefined;
  /** Every definition, for documentation. */
  all: readonly Folder[];
}

/**
 * @throws Error naming every contradiction between the definitions at once.
 */
export function createFolderSet(definitions: readonly Folder[], switches: Record<FolderSwitch, boolean>): FolderSet {
  const problems = contradictions(definitions);
  if (problems.length) throw new Error(`The folder definitions contradict each other:\n${problems.join('\n')}`);
  const isOn = (folder: Folder): boolean => !folder.switch || switches[folder.switch];
  const isShownTo = (folder: Folder, role: Role): boolean => folder.kind === 'drop' || folder.shownTo.includes(role);
  const listOf = (role: Role): Folder[] => {
    const list = definitions.filter((folder) => isOn(folder) && isShownTo(folder, role));
    const isListed = (mailbox: string): boolean => list.some((folder) => folder.mailbox === mailbox);
    return list.map((folder) =>
      folder.kind === 'view'
        ? folder
        : { ...folder, accepts: { ...folder.accepts, from: folder.accepts.from.filter(isListed) } },
    );
  };
  const listed = Object.fromEntries(roles.map((role) => [role, listOf(role)])) as Record<Role, Folder[]>;
  return {
    all: definitions,
    listFor: (role) => listed[role],
    find: (mailbox, role) => listed[role].find((folder) => isCalled(folder, mailbox)),
    switchedOff: (mailbox, role) =>
      definitions.find((folder) => !isOn(folder) && isShownTo(folder, role) && isCalled(folder, mailbox)),
    showing: (view) =>
      definitions.find((folder): folder is ViewFolder => folder.kind === 'view' && folder.shows === view),
  };
}

function namesOf(folder: Folder): string[] {
  return [folder.mailbox, ...(folder.kind === 'drop' ? (folder.aliases ?? []) : [])];
}

function isCalled(folder: Folder, mailbox: string): boolean {
  return namesOf(folder).some((name) => isSameMailbox(name, mailbox));
}

// RFC 9051 section 5.1: INBOX is case-insensitive, every other name is compared as it is.
function isSameMailbox(a: string, b: string): boolean {
  return a === b || (isInbox(a) && isInbox(b));
}

function isInbox(name: string): boolean {
  return name.toUpperCase() === 'INBOX';
}

function contradictions(definitions: readonly Folder[]): string[] {
  const problems: string[] = [];
  const views = new Map<string, ViewFolder>();
  const names = new Map<string, string>();
  for (const folder of definitions) {
    if (folder.kind === 'view') views.set(folder.mailbox, folder);
    for (const name of namesOf(folder)) {
      const key = isInbox(name) ? 'INBOX' : name;
      const other = names.get(key);
      if (other) problems.push(`${folder.mailbox}: the name "${name}" is taken by ${other}.`);
      names.set(key, folder.mailbox);
    }
  }
  for (const folder of definitions) if (folder.kind === 'drop') problems.push(...dropProblems(folder, views));
  return problems;
}

function dropProblems(folder: DropFolder, views: Map<string, ViewFolder>): string[] {
  const problems: string[] = [];
  if (!folder.then.length)
    problems.push(`${folder.mailbox}: "then" is empty; a drop that does nothing would lose what is put into it.`);
  for (const from of folder.accepts.from) {
    const source = views.get(from);
    if (!source) problems.push(`${folder.mailbox}: accepts from "${from}", which is no view.`);
    else if (delivers(folder) && source.alreadyDelivered)
      problems.push(`${folder.mailbox}: would deliver again what ${from} holds.`);
  }
  if (folder.accepts.append === 'any' && !verdictOf(folder)) {
    problems.push(`${folder.mailbox}: reports nothing, so mail from elsewhere that is appended would be lost.`);
  }
  if (delivers(folder) && folder.accepts.append === 'any') {
    problems.push(
      `${folder.mailbox}: delivers, so it may only accept APPEND of held mail; anything else would let people send mail through us.`,
    );
  }
  return problems;
}
