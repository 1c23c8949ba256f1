// Loads every definition in folders/: adding a file there adds a folder. Called by open-quarantine.ts and by what generates documentation.
import { readdir } from 'node:fs/promises';
import { sourceEnding } from './edition.ts';
import type { Folder } from './quarantine/folder.ts';

const directory = new URL('../folders/', import.meta.url);

/**
 * In the order in which people read them: views (INBOX first) before drops, drops that deliver before those that report or remove.
 * @throws Error naming the file that holds no definition
 */
export async function loadFolders(): Promise<Folder[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith(sourceEnding));
  const folders = await Promise.all(files.map(loadFolder));
  return folders.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

async function loadFolder(file: string): Promise<Folder> {
  const module = (await import(new URL(file, directory).href)) as { default?: unknown };
  if (!isFolder(module.default)) throw new Error(`folders/${file} does not export a folder definition as its default.`);
  return module.default;
}

// What the definition says is checked by createFolderSet; the types of its parts by the compiler.
function isFolder(value: unknown): value is Folder {
  return typeof value === 'object' && value !== null && 'kind' in value && 'mailbox' in value;
}

function sortKey(folder: Folder): string {
  if (folder.kind === 'view') return `0 ${folder.shows === 'notices' ? 0 : 1} ${folder.mailbox}`;
  const [first] = folder.then;
  return `1 ${!first ? 3 : 'deliver' in first ? 0 : 'report' in first ? 1 : 2} ${folder.mailbox}`;
}
