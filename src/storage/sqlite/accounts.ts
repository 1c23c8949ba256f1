// Login names and their password hashes. Reads run in the reader threads, writes in the writer's transaction.
import type { AccountRecord } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import type { Write, Written } from './write.ts';

const columns = 'name, password_hash AS passwordHash, created_at AS createdAt';

export function getAccount(connection: Connection, name: string): AccountRecord | null {
  return connection.get<AccountRecord>(`SELECT ${columns} FROM accounts WHERE name = ?`, name) ?? null;
}

export function listAccounts(connection: Connection): AccountRecord[] {
  return connection.all<AccountRecord>(`SELECT ${columns} FROM accounts ORDER BY name`);
}

export function putAccount({ connection }: Write, { name, passwordHash, createdAt }: AccountRecord): Written<null> {
  connection.run(
    `INSERT INTO accounts (name, password_hash, created_at) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, created_at = excluded.created_at`,
    name,
    passwordHash,
    createdAt,
  );
  return { result: null, changed: [] };
}

export function removeAccount({ connection }: Write, name: string): Written<boolean> {
  return { result: connection.run('DELETE FROM accounts WHERE name = ?', name) > 0, changed: [] };
}
