// Which mailboxes show a message and which sequences number it: what every driver derives from the domain's rules in the same way, so that
// no query of theirs can disagree with `isWithin`. Pure.
import { isWithin } from '../quarantine/message.ts';
import type { Message, Owner } from '../quarantine/message.ts';
import type { Role, Scope } from '../quarantine/scope.ts';

/** UIDs and UIDNEXT are 32-bit numbers (RFC 9051 section 9, nz-number), so the last UID leaves room for a UIDNEXT. */
export const largestUid = 2 ** 32 - 2;

/** A UIDVALIDITY that was never used: they are seconds, and rise at least by one (RFC 9051 section 2.3.1.1). */
export function nextUidValidity(before: number): number {
  return Math.max(Math.floor(Date.now() / 1000), before + 1);
}

/** Name of a login in the tables: '' for global, which no domain can be called. */
export function loginKey(scope: Scope): string {
  if (scope.role === 'global') return '';
  return scope.role === 'domain' ? scope.domain : scope.address;
}

/** Roles whose mailboxes a sequence numbers. */
export function rolesOf(key: string): readonly Role[] {
  return key === '' ? ['global'] : ['domain', 'user'];
}

/** Keys of the sequences that may number the message. */
export function sequencesOf(owner: Owner): string[] {
  return owner.domain ? ['', owner.domain] : [''];
}

/** Roles of one sequence whose mailbox shows the message. */
export function rolesIn(key: string, message: Message): Role[] {
  const roles = rolesOf(key);
  return shownRoles(message).filter((role) => roles.includes(role));
}

/** Name (as `loginKey`) of the login of a role that sees the message. */
export function loginOf(role: Role, { owner }: Pick<Message, 'owner'>): string {
  if (role === 'global') return '';
  return role === 'domain' ? owner.domain : owner.address;
}

/** Roles whose mailbox shows the message and that may see it at all. */
export function shownRoles(message: Message): Role[] {
  return message.visibleTo.filter((role) => {
    const scope = scopeOf(role, message.owner);
    return scope !== null && isWithin(scope, message.owner, message.view);
  });
}

/** The one scope of a role that a message with this owner may belong to. */
function scopeOf(role: Role, { domain, address }: Owner): Scope | null {
  if (role === 'global') return { role };
  if (role === 'domain') return domain ? { role, domain } : null;
  return address ? { role, domain, address } : null;
}

/** Text that `find` searches: compared in lower case, with characters composed. */
export function searchable(...texts: string[]): string {
  return texts.join('\n').normalize('NFC').toLowerCase();
}
