// Search for messages by what they are, newest first. A search without an index for its words looks at one slice of the store at a time,
// so that other readers never wait for it; storage.ts asks for slices until it has enough. Runs in the reader threads.
import type { MessageQuery } from '../../quarantine/ports.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { searchable } from '../shown.ts';
import type { Bound, Connection } from './connection.ts';
import { within } from './scoped.ts';

/** Messages that one slice looks at. */
const sliceSize = 1000;

export interface Search {
  scope: Scope;
  query: MessageQuery;
  /** Only messages with a lower number; the `next` of the slice before. */
  below: number;
  limit: number;
}

export interface Slice {
  documents: string[];
  /** Where to go on; null at the end. */
  next: number | null;
}

interface Term {
  sql: string;
  values: Bound[];
}

interface Source extends Term {
  index: string;
}

export function findSlice(connection: Connection, { scope, query, below, limit }: Search): Slice {
  const source = sourceOf(scope, query);
  const filters = filtersOf(scope, query);
  const rows = connection.all<{ number: number; document: string | null }>(
    `SELECT number, iif(${filters.map(({ sql }) => sql).join(' AND ')}, document, NULL) AS document
       FROM messages ${source.index} WHERE ${source.sql} AND number < ? ORDER BY number DESC LIMIT ${sliceSize}`,
    ...filters.flatMap(({ values }) => values),
    ...source.values,
    below,
  );
  const documents: string[] = [];
  for (const { number, document } of rows) {
    if (document !== null) documents.push(document);
    if (documents.length === limit) return { documents, next: number };
  }
  return { documents, next: rows.length === sliceSize ? (rows.at(-1)?.number ?? null) : null };
}

/** The narrowest index that the query allows for; filters decide, this only has to leave nothing out. */
function sourceOf(scope: Scope, query: MessageQuery): Source {
  const owner = ownerTerm(scope);
  if (query.ids) return { index: 'INDEXED BY messages_id', ...listed('id', query.ids) };
  if (query.digests) return { index: 'INDEXED BY messages_digest', ...both(listed('digest', query.digests), owner) };
  if (query.likeness !== undefined) {
    const alike = { sql: `likeness = ? AND likeness <> ''`, values: [query.likeness] };
    return { index: 'INDEXED BY messages_likeness', ...both(alike, owner) };
  }
  const address = query.owner ?? (scope.role === 'user' ? scope.address : undefined);
  if (address !== undefined)
    return { index: 'INDEXED BY messages_address', sql: 'owner_address = ?', values: [address] };
  const domain = query.domain ?? (scope.role === 'domain' ? scope.domain : undefined);
  if (domain !== undefined) return { index: 'INDEXED BY messages_domain', sql: 'owner_domain = ?', values: [domain] };
  return { index: 'NOT INDEXED', sql: 'TRUE', values: [] };
}

function ownerTerm(scope: Scope): Term | null {
  if (scope.role === 'global') return null;
  const domain = { sql: 'owner_domain = ?', values: [scope.domain] };
  return scope.role === 'domain' ? domain : both(domain, { sql: 'owner_address = ?', values: [scope.address] });
}

function filtersOf(scope: Scope, query: MessageQuery): Term[] {
  const filters: Term[] = [within(scope)];
  const equal = (column: string, value: string | undefined): void => {
    if (value !== undefined) filters.push({ sql: `${column} = ?`, values: [value] });
  };
  equal('view', query.view);
  equal('likeness', query.likeness);
  equal('owner_address', query.owner);
  equal('owner_domain', query.domain);
  if (query.digests) filters.push(listed('digest', query.digests));
  if ((query.which ?? 'held') === 'held') filters.push({ sql: 'held = 1', values: [] });
  if (query.text) filters.push({ sql: 'instr(searched, ?) > 0', values: [searchable(query.text)] });
  return filters;
}

function listed(column: string, values: readonly string[]): Term {
  return { sql: `${column} IN (SELECT value FROM json_each(?))`, values: [JSON.stringify(values)] };
}

function both(a: Term, b: Term | null): Term {
  return b ? { sql: `${a.sql} AND ${b.sql}`, values: [...a.values, ...b.values] } : a;
}
