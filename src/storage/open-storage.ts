// Chooses the storage driver by the URL in the settings (`store`). The only way to a storage for src/main.ts, the command line and scripts.
import { PermanentError } from '../quarantine/errors.ts';
import type { Log, Storage } from '../quarantine/ports.ts';
import { openSqlite } from './sqlite/open.ts';

/**
 * @param url `sqlite:PATH`; a relative path counts from the working directory
 * @throws PermanentError the URL names no driver that is here, or the store is not ours to use
 * @throws TemporaryError the store is out of reach
 */
export async function openStorage(url: string, { log }: { log: Log }): Promise<Storage> {
  return openSqlite(checkStoreUrl(url), { log });
}

/**
 * The file of an embedded store, without opening it.
 * @throws PermanentError the URL names no driver that is here
 */
export function checkStoreUrl(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'sqlite':
      return sqlitePath(url);
    case 'mongodb':
    case 'mongodb+srv':
      throw new PermanentError('This version of Lazaretto has no MongoDB driver yet. Use store: sqlite:PATH.');
    default:
      throw new PermanentError('The setting store is not a storage that Lazaretto knows. Use store: sqlite:PATH.');
  }
}

function sqlitePath(url: string): string {
  // `sqlite:///srv/q.db` is how other programs write `sqlite:/srv/q.db`.
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path || path.startsWith('//'))
    throw new PermanentError('The setting store names no file. Use for example store: sqlite:./data/quarantine.db.');
  // Its threads have a connection each, and a database in memory belongs to one.
  if (path === ':memory:')
    throw new PermanentError('The setting store must name a file: mail in memory would be lost.');
  return path;
}
