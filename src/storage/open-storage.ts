// Chooses the storage driver by the URL in the settings (`store`). The only way to a storage for src/main.ts, the command line and scripts.
import { PermanentError } from '../quarantine/errors.ts';
import type { Log, Storage } from '../quarantine/ports.ts';
import { openSqlite } from './sqlite/open.ts';

/**
 * @param url `sqlite:PATH`, where a relative path counts from the working directory, or `mongodb://…/DATABASE`
 * @throws PermanentError the URL names no driver that is here, or the store is not ours to use
 * @throws TemporaryError the store is out of reach
 */
export async function openStorage(url: string, { log }: { log: Log }): Promise<Storage> {
  const place = await checkStoreUrl(url);
  if (place.driver === 'sqlite') return openSqlite(place.path, { log });
  const { openMongo } = await import('./mongodb/open.ts');
  return openMongo(place.url, { log });
}

export type StorePlace = { driver: 'sqlite'; path: string } | { driver: 'mongodb'; url: string };

/**
 * Where a store is, without opening it.
 * @throws PermanentError the URL names no driver that is here, or is none that the driver understands
 */
export async function checkStoreUrl(url: string): Promise<StorePlace> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'sqlite':
      return { driver: 'sqlite', path: sqlitePath(url) };
    case 'mongodb':
    case 'mongodb+srv': {
      // Loaded only where it is used: it is the largest of our dependencies.
      const { checkMongoUrl } = await import('./mongodb/open.ts');
      checkMongoUrl(url);
      return { driver: 'mongodb', url };
    }
    default:
      throw new PermanentError(
        'The setting store is not a storage that Lazaretto knows. Use store: sqlite:PATH, or mongodb://HOST/DATABASE.',
      );
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
