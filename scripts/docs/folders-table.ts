// README's table of folders, one row for each definition in folders/. Called by generate.ts.
import { loadFolders } from '../../src/load-folders.ts';
import type { Folder } from '../../src/quarantine/folder.ts';

export async function foldersTable(): Promise<string> {
  const folders = await loadFolders();
  return [
    '| Folder | Kind | What it is for | Takes mail from | Setting |',
    '|---|---|---|---|---|',
    ...folders.map((folder) => `| ${cells(folder).join(' | ')} |`),
  ].join('\n');
}

function cells(folder: Folder): string[] {
  return [
    `\`${folder.mailbox}\``,
    folder.kind,
    folder.purpose.replaceAll('|', '\\|'),
    folder.kind === 'view' ? '–' : sources(folder.accepts.from, folder.accepts.append === 'any'),
    folder.switch ? `\`folders.${folder.switch}\`` : '–',
  ];
}

function sources(from: readonly string[], takesAnyMail: boolean): string {
  const mailboxes = from.map((mailbox) => `\`${mailbox}\``);
  return [...mailboxes, ...(takesAnyMail ? ['mail of your own'] : [])].join(', ');
}
