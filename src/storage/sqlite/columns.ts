// The columns beside a message's document: always derived, never set by hand, and computed by the domain's own rules, so that SQL finds
// exactly what `isWithin` and `derive` say. Called by messages.ts with every write.
import { derive } from '../../quarantine/message.ts';
import type { Message } from '../../quarantine/message.ts';
import type { Role } from '../../quarantine/scope.ts';
import { shownRoles } from '../shown.ts';
import type { Bound } from './connection.ts';

/** Columns that follow from a message alone and may change with each commit. */
export function derivedColumns(message: Message): Record<string, Bound> {
  const { dueAt, hasOpenJobs, leasedUntil, endedAt } = derive(message);
  const shown = shownRoles(message);
  const column = (role: Role): Record<string, Bound> => {
    const flags = [...message.flags[role], ...message.marks];
    return {
      [`shown_${role}`]: Number(shown.includes(role)),
      [`seen_${role}`]: Number(flags.includes('\\Seen')),
      [`flags_${role}`]: JSON.stringify(flags),
    };
  };
  return {
    revision: message.revision,
    content: message.contentReleased ? null : message.digest,
    held: Number(message.visibleTo.length > 0),
    held_since: whole(message.heldSince),
    released: Number(message.contentReleased),
    due_at: whole(dueAt),
    leased_until: whole(leasedUntil),
    ended_at: whole(endedAt),
    open_jobs: Number(hasOpenJobs),
    ordered_at: whole(orderedAt(message)),
    ...column('user'),
    ...column('domain'),
    ...column('global'),
  };
}

/** Columns that stay as they are for the message's whole life. */
export function fixedColumns(message: Message, searched: string): Record<string, Bound> {
  return {
    id: message.id,
    view: message.view,
    owner_domain: message.owner.domain,
    owner_address: message.owner.address,
    digest: message.digest,
    likeness: message.likeness,
    first_recipient: message.envelope.recipients[0] ?? '',
    searched,
    internal_date: whole(message.internalDate),
    size_bytes: message.sizeBytes,
  };
}

function orderedAt({ delivery, report }: Message): number | null {
  if (!delivery && !report) return null;
  return Math.max(delivery?.orderedAt ?? 0, report?.orderedAt ?? 0);
}

/** Times may have fractions (a growing back-off); rounding up never makes a job due too early. */
function whole(time: number): number;
function whole(time: number | null): number | null;
function whole(time: number | null): number | null {
  return time === null ? null : Math.ceil(time);
}
