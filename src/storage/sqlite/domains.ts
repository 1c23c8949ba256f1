// Domain records. A name belongs to one domain only, as its name or as an alias. Reads run in the reader threads, writes in the writer's
// transaction.
import { Refusal } from '../../quarantine/errors.ts';
import type { DomainRecord } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import type { Write, Written } from './write.ts';

export function listDomains(connection: Connection): string[] {
  return connection.column<string>('SELECT document FROM domains ORDER BY name');
}

export function putDomain({ connection }: Write, domain: DomainRecord): Written<null> {
  const aliases = new Set(domain.aliases);
  if (aliases.has(domain.name)) throw new Refusal('CANNOT', `${domain.name} cannot be an alias of itself.`);
  for (const name of [domain.name, ...aliases]) {
    const other = holderOf(connection, name);
    if (other !== undefined && other !== domain.name)
      throw new Refusal('ALREADYEXISTS', `${name} already belongs to the domain ${other}.`);
  }
  connection.run(
    'INSERT INTO domains (name, document) VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
    domain.name,
    JSON.stringify({ ...domain, aliases: [...aliases] } satisfies DomainRecord),
  );
  connection.run('DELETE FROM domain_aliases WHERE domain = ?', domain.name);
  for (const alias of aliases)
    connection.run('INSERT INTO domain_aliases (alias, domain) VALUES (?, ?)', alias, domain.name);
  return { result: null, changed: 'all' };
}

export function removeDomain({ connection }: Write, name: string): Written<boolean> {
  return { result: connection.run('DELETE FROM domains WHERE name = ?', name) > 0, changed: 'all' };
}

/** The domain that a name stands for, as its name or as an alias. */
function holderOf(connection: Connection, name: string): string | undefined {
  return connection.column<string>(
    'SELECT name FROM domains WHERE name = ? UNION ALL SELECT domain FROM domain_aliases WHERE alias = ?',
    name,
    name,
  )[0];
}
