// A scope as SQL: which rows it may see (`isWithin`) and which of them its mailboxes show. The only place where a query of the port's
// scoped part gets its conditions from, so that a forgotten one cannot leak. Pure.
import type { View } from '../../quarantine/message.ts';
import type { Scope } from '../../quarantine/scope.ts';

export interface Condition {
  sql: string;
  values: string[];
}

/** The SQL of `isWithin`, for a row of `messages`. */
export function within(scope: Scope): Condition {
  switch (scope.role) {
    case 'global':
      return { sql: `(view <> 'notices' OR owner_domain = '')`, values: [] };
    case 'domain':
      return { sql: `owner_domain = ? AND (view <> 'notices' OR owner_address = '')`, values: [scope.domain] };
    case 'user':
      return { sql: `owner_address = ? AND view <> 'outgoing'`, values: [scope.address] };
  }
}

/** One mailbox: names of its columns and indexes, and the condition that picks its rows, shown or not. */
export interface MailboxColumns extends Condition {
  ordinal: string;
  modseq: string;
  shown: string;
  seen: string;
  flags: string;
  shownIndex: string;
  flaggedIndex: string;
  changedIndex: string;
}

export function mailboxColumns(scope: Scope, view: View): MailboxColumns {
  const { role } = scope;
  const sequence = role === 'global' ? 'global' : 'domain';
  const shared = {
    ordinal: `ordinal_${sequence}`,
    modseq: `modseq_${sequence}`,
    shown: `shown_${role}`,
    seen: `seen_${role}`,
    flags: `flags_${role}`,
    shownIndex: `shown_to_${role}`,
    flaggedIndex: `flagged_for_${role}`,
    changedIndex: `changed_for_${role}`,
  };
  switch (scope.role) {
    case 'global':
      return { ...shared, sql: 'view = ?', values: [view] };
    case 'domain':
      return { ...shared, sql: 'owner_domain = ? AND view = ?', values: [scope.domain, view] };
    case 'user':
      return { ...shared, sql: 'owner_address = ? AND view = ?', values: [scope.address, view] };
  }
}
