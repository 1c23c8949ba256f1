// A scope as a query: which documents it may see (`isWithin`) and which of them its mailboxes show. The only place where a query of the
// port's scoped part gets its conditions from, so that a forgotten one cannot leak. Pure.
import type { Filter } from 'mongodb';
import type { View } from '../../quarantine/message.ts';
import type { Role, Scope } from '../../quarantine/scope.ts';
import { placeField } from './schema.ts';
import type { MessageDocument } from './schema.ts';

export type MessageFilter = Filter<MessageDocument>;

/** The query for `isWithin`. */
export function within(scope: Scope): MessageFilter {
  switch (scope.role) {
    case 'global':
      return { $or: [{ view: { $ne: 'notices' } }, { ownerDomain: '' }] };
    case 'domain':
      return { ownerDomain: scope.domain, $or: [{ view: { $ne: 'notices' } }, { ownerAddress: '' }] };
    case 'user':
      return { ownerDomain: scope.domain, ownerAddress: scope.address, view: { $ne: 'outgoing' } };
  }
}

/** One mailbox: names of its fields, and the condition that picks its messages, shown or not. */
export interface MailboxFields {
  filter: MessageFilter;
  role: Role;
  place: 'domainPlace' | 'globalPlace';
  gone: 'domainGone' | 'globalGone';
}

export function mailboxFields(scope: Scope, view: View): MailboxFields {
  const sequence = scope.role === 'global' ? 'global' : 'domain';
  const fields = { role: scope.role, place: placeField(sequence), gone: `${sequence}Gone` } as const;
  switch (scope.role) {
    case 'global':
      return { ...fields, filter: { view } };
    case 'domain':
      return { ...fields, filter: { ownerDomain: scope.domain, view } };
    case 'user':
      return { ...fields, filter: { ownerDomain: scope.domain, ownerAddress: scope.address, view } };
  }
}

/** What the mailbox shows of its sequence after `base`, up to `last`. */
export function shownBetween({ filter, role, place }: MailboxFields, base: number, last: number): MessageFilter {
  return { ...filter, [`${role}.shown`]: true, [`${place}.ordinal`]: { $gt: base, $lte: last } };
}
