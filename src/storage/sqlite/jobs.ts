// What workers and sweeps look for, without a scope: jobs that are due, what is held too long, what can be forgotten. Reads run in the
// reader threads, `forget` in the writer's transaction.
import type { View } from '../../quarantine/message.ts';
import type { Connection } from './connection.ts';
import { readBytes } from './contents.ts';
import type { Write, Written } from './write.ts';

/** How long open sessions are still told that a forgotten message is gone; none stays open without asking for that long. */
const goneKeptMs = 24 * 3_600_000;

export function getDocument(connection: Connection, id: string): string | null {
  return connection.get<{ document: string }>('SELECT document FROM messages WHERE id = ?', id)?.document ?? null;
}

export function contentOf(connection: Connection, id: string): Uint8Array | null {
  const digest = connection.get<{ content: string | null }>('SELECT content FROM messages WHERE id = ?', id)?.content;
  return digest ? readBytes(connection, digest) : null;
}

export interface Due {
  now: number;
  limit: number;
  exceptDomains: readonly string[];
  exceptTargets: readonly string[];
}

export function due(connection: Connection, { now, limit, exceptDomains, exceptTargets }: Due): string[] {
  const domains = JSON.stringify(exceptDomains);
  if (!exceptTargets.length) return connection.column<string>(`${dueSql} ORDER BY due_at LIMIT ?`, now, domains, limit);
  return connection.column<string>(
    `${dueSql} AND (${claimable(`document -> '$.delivery'`)}
        OR EXISTS (SELECT 1 FROM json_each(document, '$.report.targets') AS target
                    WHERE target.key NOT IN (SELECT value FROM json_each(?)) AND ${claimable('target.value')}))
      ORDER BY due_at LIMIT ?`,
    now,
    domains,
    now,
    now,
    JSON.stringify(exceptTargets),
    now,
    now,
    limit,
  );
}

const dueSql = `SELECT document FROM messages INDEXED BY messages_due
      WHERE due_at <= ? AND owner_domain NOT IN (SELECT value FROM json_each(?))`;

/** Whether one job may be claimed, given now twice. */
function claimable(job: string): string {
  return `(${job} ->> '$.state' = 'due' AND ${job} ->> '$.parkedAt' IS NULL
       AND ${job} ->> '$.nextAttemptAt' <= ? AND coalesce(${job} ->> '$.lease.until', 0) <= ?)`;
}

export function nextDueAt(connection: Connection): number | null {
  const sql = `SELECT due_at FROM messages INDEXED BY messages_due WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1`;
  return connection.get<{ due_at: number }>(sql)?.due_at ?? null;
}

/** Those whose leases last longest first: should there be more than the limit, what is left out ends soonest. */
export function leased(connection: Connection, { now, limit }: { now: number; limit: number }): string[] {
  return connection.column<string>(
    `SELECT document FROM messages INDEXED BY messages_leased
      WHERE leased_until > ? ORDER BY leased_until DESC LIMIT ?`,
    now,
    limit,
  );
}

export function withJobs(connection: Connection, { ended, limit }: { ended: boolean; limit: number }): string[] {
  const [index, condition] = ended
    ? ['messages_ordered', 'ordered_at IS NOT NULL']
    : ['messages_open', 'open_jobs = 1'];
  return connection.column<string>(
    `SELECT document FROM messages INDEXED BY ${index} WHERE ${condition}
      ORDER BY ordered_at DESC, number DESC LIMIT ?`,
    limit,
  );
}

export interface HeldBefore {
  view: View;
  before: number;
  domain: string | undefined;
  exceptDomains: readonly string[];
  limit: number;
}

/**
 * Goes from domain to domain along the index: a domain that keeps its mail longer than the others costs one step, however much it holds.
 */
export function heldBefore(connection: Connection, query: HeldBefore): string[] {
  if (query.domain !== undefined) return heldInDomain(connection, query, query.domain, query.limit);
  const except = new Set(query.exceptDomains);
  const found: string[] = [];
  let domain = firstDomain(connection, query.view, '');
  while (domain !== undefined && found.length < query.limit) {
    if (!except.has(domain)) found.push(...heldInDomain(connection, query, domain, query.limit - found.length));
    domain = nextDomain(connection, query.view, domain);
  }
  return found;
}

function firstDomain(connection: Connection, view: View, from: string): string | undefined {
  return connection.column<string>(
    `SELECT owner_domain FROM messages INDEXED BY messages_held
      WHERE view = ? AND held = 1 AND owner_domain >= ? ORDER BY owner_domain LIMIT 1`,
    view,
    from,
  )[0];
}

function nextDomain(connection: Connection, view: View, after: string): string | undefined {
  return connection.column<string>(
    `SELECT owner_domain FROM messages INDEXED BY messages_held
      WHERE view = ? AND held = 1 AND owner_domain > ? ORDER BY owner_domain LIMIT 1`,
    view,
    after,
  )[0];
}

function heldInDomain(connection: Connection, { view, before }: HeldBefore, domain: string, limit: number): string[] {
  return connection.column<string>(
    `SELECT document FROM messages INDEXED BY messages_held
      WHERE view = ? AND held = 1 AND owner_domain = ? AND held_since < ? ORDER BY held_since LIMIT ?`,
    view,
    domain,
    before,
    limit,
  );
}

export function endedBefore(
  connection: Connection,
  { before, tombstones, limit }: { before: number; tombstones: boolean; limit: number },
): string[] {
  return connection.column<string>(
    `SELECT document FROM messages INDEXED BY messages_ended
      WHERE released = ? AND ended_at < ? ORDER BY ended_at LIMIT ?`,
    Number(tombstones),
    before,
    limit,
  );
}

/** Deletes tombstones; the numbers that they had last stay behind for a day, for sessions that have not asked yet. */
export function forget(
  { connection }: Write,
  tombstones: readonly { id: string; revision: number }[],
): Written<number> {
  const now = Date.now();
  connection.run('DELETE FROM gone WHERE forgotten_at < ?', now - goneKeptMs);
  let forgotten = 0;
  for (const { id, revision } of tombstones) {
    const found = connection.get<{ number: number }>(
      'SELECT number FROM messages WHERE id = ? AND revision = ? AND released = 1',
      id,
      revision,
    );
    if (!found) continue;
    for (const [sequence, ordinal, modseq] of [
      [`''`, 'ordinal_global', 'modseq_global'],
      ['owner_domain', 'ordinal_domain', 'modseq_domain'],
    ] as const) {
      connection.run(
        `INSERT INTO gone (sequence, view, owner_address, message, ordinal, modseq)
           SELECT ${sequence}, view, owner_address, id, ${ordinal}, ${modseq} FROM messages
            WHERE number = ? AND ${ordinal} IS NOT NULL`,
        found.number,
      );
    }
    connection.run('UPDATE gone SET forgotten_at = ? WHERE message = ?', now, id);
    forgotten += connection.run('DELETE FROM messages WHERE number = ?', found.number);
  }
  return { result: forgotten, changed: [] };
}
