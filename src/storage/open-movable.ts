// Opens a whole store to move or to verify it (movable.ts); the driver is chosen by the URL, as in open-storage.ts. Called by the command line.
import type { MovableStore, MovableUse } from './movable.ts';
import { checkStoreUrl } from './open-storage.ts';
import { openMovableSqlite } from './sqlite/movable.ts';

/**
 * @throws PermanentError the URL names no driver that is here, the store is not ours, not there, or in use where it must not be
 * @throws TemporaryError it is out of reach
 */
export async function openMovable(url: string, use: MovableUse): Promise<MovableStore> {
  const place = await checkStoreUrl(url);
  if (place.driver === 'sqlite') return openMovableSqlite(place.path, use);
  const { openMovableMongo } = await import('./mongodb/movable.ts');
  return openMovableMongo(place.url, use);
}
