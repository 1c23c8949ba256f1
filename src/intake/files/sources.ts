// What there is to import under the given paths, in order, before anything is read: files as they are, Maildirs with their new and cur and
// the folders in them, and any other folder with everything in it that is not hidden. Nothing is passed over silently: what cannot be
// imported is named with its reason. Symbolic links are followed, but never round in circles. Called by import-files.ts.
import { readdir, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';

export interface Source {
  path: string;
  /** `delivered`: in a Maildir, so one message whatever it holds. `file`: its begin says what it is. */
  kind: 'delivered' | 'file';
  sizeBytes: number;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

export interface Sources {
  sources: Source[];
  problems: { source: string; problem: string }[];
}

export async function findSources(paths: readonly string[], signal?: AbortSignal): Promise<Sources> {
  const search = new Search(signal);
  for (const path of paths) await search.visit(path, new Set());
  return search.found;
}

class Search {
  readonly found: Sources = { sources: [], problems: [] };
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** @param above the folders that this path was reached through */
  async visit(path: string, above: ReadonlySet<string>): Promise<void> {
    if (this.#signal?.aborted) return;
    try {
      const stats = await stat(path);
      if (!stats.isDirectory()) {
        this.#addFile(path, stats, 'file');
        return;
      }
      const key = `${stats.dev}:${stats.ino}`;
      if (above.has(key)) {
        this.#fail(path, 'a symbolic link that leads back to a folder above it');
        return;
      }
      const inside = new Set([...above, key]);
      if (await isMaildir(path)) await this.#visitMaildir(path, inside);
      else await this.#visitFolder(path, inside);
    } catch (error) {
      this.#fail(path, problemOf(error));
    }
  }

  async #visitFolder(path: string, inside: ReadonlySet<string>): Promise<void> {
    const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort(byNumberThenName);
    if (!names.length) this.#fail(path, 'the folder is empty');
    for (const name of names) await this.visit(join(path, name), inside);
  }

  /** Maildir++ keeps its folders in `.Name`, others in `Name`; everything else in a Maildir is the mail server's own. */
  async #visitMaildir(path: string, inside: ReadonlySet<string>): Promise<void> {
    const delivered: { name: string; path: string }[] = [];
    for (const part of ['new', 'cur']) {
      const names = await readdir(join(path, part)).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
        throw error;
      });
      // Names that begin with a dot are no messages (the Maildir specification, "How a message is read").
      for (const name of names) if (!name.startsWith('.')) delivered.push({ name, path: join(path, part, name) });
    }
    delivered.sort((a, b) => byNumberThenName(a.name, b.name));
    await this.#addDelivered(delivered.map((file) => file.path));
    for (const name of (await readdir(path)).sort()) {
      if (['new', 'cur', 'tmp'].includes(name)) continue;
      const folder = join(path, name);
      if (await isMaildir(folder)) await this.visit(folder, inside);
    }
  }

  async #addDelivered(paths: string[]): Promise<void> {
    // In batches: a Maildir of a million messages would wait a million times otherwise.
    for (let at = 0; at < paths.length && !this.#signal?.aborted; at += 64) {
      const batch = paths.slice(at, at + 64);
      const stats = await Promise.all(batch.map((path) => stat(path).catch(problemOf)));
      for (const [i, path] of batch.entries()) {
        const found = stats[i];
        if (typeof found === 'string') this.#fail(path, found);
        else if (found && !found.isDirectory()) this.#addFile(path, found, 'delivered');
      }
    }
  }

  #addFile(path: string, stats: Stats, kind: Source['kind']): void {
    // Opening a pipe or a device could wait for ever.
    if (!stats.isFile()) this.#fail(path, 'neither a file nor a folder');
    else if (stats.size === 0) this.#fail(path, 'the file is empty');
    else this.found.sources.push({ path, kind, sizeBytes: stats.size, modifiedAt: Math.round(stats.mtimeMs) });
  }

  #fail(source: string, problem: string): void {
    this.found.problems.push({ source, problem });
  }
}

async function isMaildir(path: string): Promise<boolean> {
  const [hasNew, hasCur, hasTmp] = await Promise.all(['new', 'cur', 'tmp'].map((part) => isFolder(join(path, part))));
  // Archives and copies lose empty folders, so one of the three may be missing.
  return [hasNew, hasCur, hasTmp].filter(Boolean).length >= 2;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** Maildir names begin with the time of delivery, MH and most exports with a running number. */
function byNumberThenName(a: string, b: string): number {
  const [numberOfA, numberOfB] = [a, b].map((name) => Number(/^\d{1,15}/.exec(name)?.[0] ?? NaN));
  if (numberOfA !== undefined && numberOfB !== undefined && numberOfA !== numberOfB) {
    if (!Number.isNaN(numberOfA) && !Number.isNaN(numberOfB)) return numberOfA - numberOfB;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** In words for the person who ran the import. */
export function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'it may not be read by this user',
    EPERM: 'it may not be read by this user',
    ELOOP: 'a symbolic link that leads nowhere but to itself',
    ENOTDIR: 'a part of the path is no folder',
    EISDIR: 'it is a folder',
  };
  return known[code] ?? `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
}
