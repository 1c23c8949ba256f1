// From a message to its document and back. The fields beside `message` are always derived, never set by hand, and computed by the domain's
// own rules. Pure.
import { claimTimes } from '../../quarantine/job.ts';
import { derive } from '../../quarantine/message.ts';
import type { Message } from '../../quarantine/message.ts';
import type { Role } from '../../quarantine/scope.ts';
import { rolesOf, shownRoles } from '../shown.ts';
import type { DerivedFields, FixedFields, MessageDocument, Shown, StoredMessage } from './schema.ts';

export function fixedFields(message: Message, searched: string): FixedFields {
  return {
    view: message.view,
    ownerDomain: message.owner.domain,
    ownerAddress: message.owner.address,
    digest: message.digest,
    likeness: message.likeness,
    firstRecipient: message.envelope.recipients[0] ?? '',
    searched,
  };
}

export function derivedFields(message: Message): DerivedFields {
  const { dueAt, hasOpenJobs, leasedUntil, endedAt } = derive(message);
  const { delivery, report } = message;
  return {
    held: message.visibleTo.length > 0,
    heldSince: whole(message.heldSince),
    released: message.contentReleased,
    dueAt: whole(dueAt),
    hasOpenJobs,
    claims: claimTimes(delivery, report).map(({ target, claimableAt }) => ({
      target,
      claimableAt: whole(claimableAt),
    })),
    leasedUntil: whole(leasedUntil),
    endedAt: whole(endedAt),
    orderedAt: delivery || report ? whole(Math.max(delivery?.orderedAt ?? 0, report?.orderedAt ?? 0)) : null,
  };
}

/** Times may have fractions (a growing back-off); rounding up never makes a job due too early. */
function whole(time: number): number;
function whole(time: number | null): number | null;
function whole(time: number | null): number | null {
  return time === null ? null : Math.ceil(time);
}

/** What the mailboxes of a sequence are to show of a message. */
export function shownFields(key: string, message: Message): Partial<Record<Role, Shown>> {
  const shown = shownRoles(message);
  return Object.fromEntries(
    rolesOf(key).map((role) => {
      const flags = [...message.flags[role], ...message.marks];
      return [role, { shown: shown.includes(role), seen: flags.includes('\\Seen'), flags } satisfies Shown];
    }),
  );
}

export function toStored(message: Message): StoredMessage {
  const { report } = message;
  const targets = Object.entries(report?.targets ?? {}).map(([name, state]) => ({ name, ...state }));
  return { ...message, report: report && { ...report, targets } };
}

export function fromStored({ message }: Pick<MessageDocument, 'message'>): Message {
  const { report } = message;
  if (!report) return { ...message, report };
  const targets = Object.fromEntries(report.targets.map(({ name, ...state }) => [name, state]));
  return { ...message, report: { ...report, targets } };
}

/** Picks a message's document, on its own shard: the owner is the shard key. */
export function documentOf(message: Pick<Message, 'id' | 'owner'>) {
  return { _id: message.id, ownerDomain: message.owner.domain, ownerAddress: message.owner.address };
}
