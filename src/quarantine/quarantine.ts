// What every function of the domain is given: the storage, the folders, the rules that the settings chose, clock and log.
// Built once by src/main.ts (or a test); never holds state of its own.
import type { DomainDirectory } from './domains.ts';
import type { FolderSet } from './folder-set.ts';
import type { View } from './message.ts';
import type { Meter } from './meter.ts';
import type { Clock, Log, Storage } from './ports.ts';
import type { Role } from './scope.ts';
import type { Sentences } from './sentences.ts';

/** The settings that the domain's rules depend on. All times in milliseconds. */
export interface Policy {
  /** Our name in trace headers and notices. */
  hostname: string;
  retentionMs: Record<Exclude<View, 'reports'>, number>;
  /** How long what left its view can be restored. */
  undoMs: number;
  /** How long a handled message is remembered (tombstone). */
  historyMs: number;
  /** How long a delivery is tried before it fails. */
  retryForMs: number;
  /** Roles that may release a message of a category; a category that is not named follows `spam`. */
  releaseRights: Record<string, readonly Role[]>;
  /** Roles that may release outgoing mail. */
  outgoingRights: readonly Role[];
  /** Report a message from a view to the filter although the filter classed it so itself. */
  confirmCaught: boolean;
  /** Names of the report targets; each report is tracked at each of them. */
  reportTargets: readonly string[];
  maxMessageBytes: number;
  /** Hosts whose Received line marks the filter's own hop; see reading/evidence.ts. */
  trustedHosts: readonly string[];
}

export interface Quarantine {
  storage: Storage;
  domains: DomainDirectory;
  folders: FolderSet;
  policy: Policy;
  /** What people are told, in the language of the settings. */
  sentences: Sentences;
  clock: Clock;
  log: Log;
  /** Absent: nobody reads figures, as in commands. */
  meter?: Meter;
}
