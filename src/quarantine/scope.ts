// Who may see what: a login is the literal `global`, a domain or an address, and its role follows from the name (DESIGN section 4).
// Every storage query takes a Scope, so that a forgotten check cannot leak.

/** What kind of login it is; also the three sets of flags that a message carries. */
export type Role = 'global' | 'domain' | 'user';

export const roles: readonly Role[] = ['global', 'domain', 'user'];

/**
 * What a login may see. `domain` and `address` are canonical (lower case, A-labels, no alias domain, no sub-address).
 * A user's scope names its domain too, because both are served by the domain's UID sequence.
 */
export type Scope =
  { role: 'global' } | { role: 'domain'; domain: string } | { role: 'user'; domain: string; address: string };

/** The name that a scope logs in with; also the name under which an order or an audit line is remembered. */
export function loginName(scope: Scope): string {
  switch (scope.role) {
    case 'global':
      return 'global';
    case 'domain':
      return scope.domain;
    case 'user':
      return scope.address;
  }
}

/** The reverse of loginName for a canonical name; it does not ask whether the account or the domain exists. */
export function scopeOfLogin(name: string): Scope {
  if (name === 'global') return { role: 'global' };
  const at = name.lastIndexOf('@');
  if (at < 0) return { role: 'domain', domain: name };
  return { role: 'user', domain: name.slice(at + 1), address: name };
}

/** Key of the UID sequence that numbers this scope's mailboxes: one per domain (domain and user logins), and '' for `global`. */
export function sequenceKey(scope: Scope): string {
  return scope.role === 'global' ? '' : scope.domain;
}
