// Builds the report targets from the setting `training`, and gives them their names. A name is stored with every report that is due, so
// it must come out the same after every restart with the same settings. Called by main.ts, once.
import type { ReportTarget } from '../quarantine/target.ts';
import { MaildirTarget } from './maildir.ts';
import { RspamdTarget } from './rspamd.ts';

export type TrainingSettings =
  | { type: 'maildir'; path: string; name?: string | undefined }
  | { type: 'rspamd'; url: string; password?: string | undefined; name?: string | undefined };

/**
 * One target per entry, in their order. Without a name of its own the first of a kind is called by its kind, the second `rspamd-2`.
 *
 * @throws Error when two share a name, or an entry cannot be used
 */
export function buildReportTargets(training: readonly TrainingSettings[]): ReportTarget[] {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return training.map((settings) => {
    // Counts the named ones too, so that giving one a name renames none of the others.
    const count = (counts.get(settings.type) ?? 0) + 1;
    counts.set(settings.type, count);
    const name = settings.name ?? (count === 1 ? settings.type : `${settings.type}-${count}`);
    // Part of a key in the store: MongoDB would read a dot as a path.
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/i.test(name)) {
      throw new Error(`training target "${name}": expected a name of letters, digits, "-" and "_"`);
    }
    if (taken.has(name))
      throw new Error(`training target "${name}": there are two of that name, expected a different one for each`);
    taken.add(name);
    return build(name, settings);
  });
}

function build(name: string, settings: TrainingSettings): ReportTarget {
  switch (settings.type) {
    case 'maildir':
      return new MaildirTarget(name, settings.path);
    case 'rspamd':
      return new RspamdTarget(name, {
        url: settings.url,
        ...(settings.password !== undefined && { password: settings.password }),
      });
  }
}
