// A quarantine for tests: a real store of its own (test-store.ts), the real folder definitions, the domain example.com (alias example.net,
// sub-addresses with +) and a clock that only the test moves. Nothing is left behind after close().
//
//   const { quarantine, storage, clock, logged, close } = await openTestQuarantine({ policy: { maxMessageBytes: 1000 } });
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import english from '../../src/languages/en.ts';
import { loadFolders } from '../../src/load-folders.ts';
import { blankDomain, openDomainDirectory } from '../../src/quarantine/domains.ts';
import { createFolderSet } from '../../src/quarantine/folder-set.ts';
import type { FolderSwitch } from '../../src/quarantine/folder.ts';
import type { DomainRecord, Log, Storage } from '../../src/quarantine/ports.ts';
import type { Policy, Quarantine } from '../../src/quarantine/quarantine.ts';
import type { Sentences } from '../../src/quarantine/sentences.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { placeTestStore } from './test-store.ts';

const dayMs = 86_400_000;

/** 2026-01-05 10:00 UTC, a Monday. */
export const testNow = Date.UTC(2026, 0, 5, 10);

export interface TestClock {
  now(): number;
  set(now: number): void;
  advance(ms: number): void;
}

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  fields: Record<string, unknown>;
  text: string;
}

export interface TestQuarantineOptions {
  policy?: Partial<Policy>;
  /** In the place of example.com; what a record leaves out is as in `testDomain`. */
  domains?: (Partial<DomainRecord> & { name: string })[];
  /** Where releases of example.com go; by default a port that nobody listens on. */
  deliverTo?: string;
  folders?: Partial<Record<FolderSwitch, boolean>>;
  /** Default: English. */
  sentences?: Sentences;
  now?: number;
  /** Stands between the domain and the store, for a store in trouble. */
  wrapStorage?: (storage: Storage) => Storage;
}

export interface TestQuarantine {
  quarantine: Quarantine;
  storage: Storage;
  clock: TestClock;
  /** What was logged, in order. */
  logged: LogLine[];
  /** Of the store, for a second process on it. */
  storeUrl: string;
  /** Holds a SQLite store, and whatever the test puts there. */
  directory: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function testDomain(record: Partial<DomainRecord> = {}): DomainRecord {
  return { ...blankDomain('example.com', 'smtp://127.0.0.1:9'), ...record };
}

export async function openTestQuarantine(options: TestQuarantineOptions = {}): Promise<TestQuarantine> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-test-'));
  const { clock, log, logged } = { clock: testClock(options.now ?? testNow), ...testLog() };
  const place = placeTestStore(directory);
  const opened = await openStorage(place.url, { log });
  const storage = options.wrapStorage?.(opened) ?? opened;
  const deliverTo = options.deliverTo === undefined ? {} : { deliverTo: options.deliverTo };
  const domains = options.domains ?? [{ name: 'example.com', aliases: ['example.net'], ...deliverTo }];
  for (const domain of domains) await opened.domains.put(testDomain(domain));
  const quarantine: Quarantine = {
    storage,
    domains: await openDomainDirectory(opened),
    folders: createFolderSet(await loadFolders(), { outgoing: true, training: true, trash: true, ...options.folders }),
    policy: testPolicy(options.policy),
    sentences: options.sentences ?? english,
    clock,
    log,
  };
  const close = async (): Promise<void> => {
    await storage.close();
    await place.remove();
    await rm(directory, { recursive: true, force: true });
  };
  return { quarantine, storage, clock, logged, storeUrl: place.url, directory, close, [Symbol.asyncDispose]: close };
}

/** The defaults of the settings. */
export function testPolicy(policy: Partial<Policy> = {}): Policy {
  return {
    hostname: 'quarantine.example.test',
    retentionMs: { caught: 14 * dayMs, outgoing: 14 * dayMs, training: 14 * dayMs, notices: 14 * dayMs },
    undoMs: 2 * dayMs,
    historyMs: 90 * dayMs,
    retryForMs: 4 * dayMs,
    releaseRights: { spam: ['user', 'domain', 'global'], virus: ['global'] },
    outgoingRights: ['global'],
    confirmCaught: false,
    reportTargets: ['maildir'],
    maxMessageBytes: 50 * 1024 * 1024,
    trustedHosts: [],
    ...policy,
  };
}

function testClock(start: number): TestClock {
  let now = start;
  return {
    now: () => now,
    set(to) {
      now = to;
    },
    advance(ms) {
      now += ms;
    },
  };
}

export function testLog(): { log: Log; logged: LogLine[] } {
  const logged: LogLine[] = [];
  const keep =
    (level: LogLine['level']) =>
    (fields: object, text: string): void => {
      logged.push({ level, fields: { ...fields }, text });
    };
  return { logged, log: { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') } };
}
