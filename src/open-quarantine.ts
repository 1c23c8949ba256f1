// Opens the quarantine that the settings describe: storage, domains, folders, rules. Wiring only; starts no listener and no worker.
// Called by main.ts and by every command of the command line that works on the store.
import { mkdir } from 'node:fs/promises';
import { openDomainDirectory } from './quarantine/domains.ts';
import type { DomainDirectory } from './quarantine/domains.ts';
import { createFolderSet } from './quarantine/folder-set.ts';
import type { Clock, Log, Storage } from './quarantine/ports.ts';
import type { Policy, Quarantine } from './quarantine/quarantine.ts';
import { loadLanguage } from './languages.ts';
import { loadFolders } from './load-folders.ts';
import type { Settings } from './settings.ts';
import { openStorage } from './storage/open-storage.ts';

export interface OpenQuarantine {
  quarantine: Quarantine;
  /** Ends the storage's threads and connections. Stop everything that uses the quarantine first. */
  close(): Promise<void>;
}

const systemClock: Clock = { now: () => Date.now() };

export async function openQuarantine(
  settings: Settings,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<OpenQuarantine> {
  const folders = createFolderSet(await loadFolders(), settings.folders);
  const sentences = await loadLanguage(settings.language);
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 });
  const storage = await openStorage(settings.store, { log });
  try {
    const domains = await openDomainDirectory(storage);
    const stopFollowing = followChanges(storage, domains, log);
    return {
      quarantine: { storage, domains, folders, policy: policyOf(settings), sentences, clock, log },
      async close() {
        await stopFollowing();
        await storage.close();
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** The rules that the settings chose. */
export function policyOf(settings: Settings): Policy {
  const { retention, delivery, rights } = settings;
  return {
    hostname: settings.hostname,
    retentionMs: {
      caught: retention.caughtMs,
      outgoing: retention.outgoingMs,
      training: retention.trainingMs,
      // A notice tells about a message that is back in its view, so it stays as long as the longest of them.
      notices: Math.max(retention.caughtMs, retention.outgoingMs),
    },
    undoMs: retention.undoMs,
    historyMs: retention.historyMs,
    retryForMs: delivery.retryForMs,
    releaseRights: rights.release,
    outgoingRights: rights.outgoing,
    confirmCaught: settings.confirmCaught,
    reportTargets: settings.training.map(({ name }) => name),
    maxMessageBytes: settings.limits.messageBytes,
    trustedHosts: settings.trustedHosts,
  };
}

/**
 * Reads the domains again whenever they may have changed, also by another process: one reading at a time, however many commits come in.
 * Returns how to stop; when that resolves, no reading is under way.
 */
function followChanges(storage: Storage, domains: DomainDirectory, log: Log): () => Promise<void> {
  let reading: Promise<void> | null = null;
  let isStale = false;
  let isStopped = false;
  async function read(): Promise<void> {
    while (isStale && !isStopped) {
      isStale = false;
      try {
        await domains.refresh();
      } catch (error) {
        // What was read last stays in force; the next commit of any kind tries again.
        isStale = true;
        log.warn({ event: 'storage', err: error }, 'the domains could not be read again');
        break;
      }
    }
    reading = null;
  }
  const unwatch = storage.watch((keys) => {
    if (keys === 'all') isStale = true;
    if (isStale && !isStopped) reading ??= read();
  });
  // For what was changed between the first reading and the begin of the watch.
  isStale = true;
  reading = read();
  return async () => {
    isStopped = true;
    unwatch();
    await reading;
  };
}
