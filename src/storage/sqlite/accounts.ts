// Login names and their password hashes. Reads run in the reader threads, writes in the writer's transaction.
import type { AccountRecord } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import type { Write, Written } from './write.ts';

type AccountRow = Omit<AccountRecord, 'greetedAt'> & { greetedAt: number | null };

const columns = 'name, password_hash AS passwordHash, created_at AS createdAt, greeted_at AS greetedAt';

export function getAccount(connection: Connection, name: string): AccountRecord | null {
  const row = connection.get<AccountRow>(`SELECT ${columns} FROM accounts WHERE name = ?`, name);
  return row ? recordOf(row) : null;
}

export function listAccounts(connection: Connection): AccountRecord[] {
  return connection.all<AccountRow>(`SELECT ${columns} FROM accounts ORDER BY name`).map(recordOf);
}

function recordOf({ name, passwordHash, createdAt, greetedAt }: AccountRow): AccountRecord {
  return { name, passwordHash, createdAt, ...(greetedAt === null ? {} : { greetedAt }) };
}

export function putAccount({ connection }: Write, account: AccountRecord): Written<null> {
  connection.run(
    `INSERT INTO accounts (name, password_hash, created_at, greeted_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, created_at = excluded.created_at,
       greeted_at = excluded.greeted_at`,
    account.name,
    account.passwordHash,
    account.createdAt,
    account.greetedAt ?? null,
  );
  return { result: null, changed: [] };
}

export function markGreeted(
  { connection }: Write,
  { name, createdAt, at }: { name: string; createdAt: number; at: number },
): Written<boolean> {
  const marked = connection.run(
    'UPDATE accounts SET greeted_at = ? WHERE name = ? AND created_at = ?',
    at,
    name,
    createdAt,
  );
  return { result: marked > 0, changed: [] };
}

export function removeAccount({ connection }: Write, name: string): Written<boolean> {
  return { result: connection.run('DELETE FROM accounts WHERE name = ?', name) > 0, changed: [] };
}
