// Writing messages: arrival and change. Document, columns, UIDs and feed are one write; what a change means to open sessions is decided by
// `effectOf` in the domain. Runs in the writer thread, inside its transaction.
import { StaleError } from '../../quarantine/errors.ts';
import { effectOf } from '../../quarantine/message.ts';
import type { Message, View } from '../../quarantine/message.ts';
import type { DropUids } from '../../quarantine/ports.ts';
import type { Role } from '../../quarantine/scope.ts';
import { loginOf, rolesIn, sequencesOf } from '../shown.ts';
import { derivedColumns, fixedColumns } from './columns.ts';
import type { Bound, Connection } from './connection.ts';
import { referredContent, renewContent, storeContent } from './contents.ts';
import type { SentContent } from './contents.ts';
import { openNumbering, takeDropUids } from './sequences.ts';
import type { Numbering } from './sequences.ts';
import type { Write, Written } from './write.ts';

export interface SentArrival {
  content: SentContent;
  /** Documents of messages with revision 0. */
  documents: string[];
  /** Searchable text, one for each document. */
  searched: string[];
  skipKnown: boolean;
  now: number;
}

export interface SentChange {
  id: string;
  /** The revision that the change is based on. */
  basedOn: number;
  /** The new document, with its new revision. */
  document: string;
}

/** A message's numbers in one sequence; null where nobody of the sequence ever saw this holding. */
interface Place {
  ordinal: number | null;
  modseq: number | null;
}

export function insert(write: Write, arrival: SentArrival): Written<('stored' | 'known')[]> {
  const { connection } = write;
  const { content } = arrival;
  const numbering = openNumbering(write, arrival.documents.length);
  renewContent(connection, content, arrival.now);
  const result = arrival.documents.map((document, i) => {
    const message = JSON.parse(document) as Message;
    checkArrival(message, content);
    if (isStored(connection, message.id) || (arrival.skipKnown && isKnown(connection, message))) return 'known';
    storeContent(connection, content, arrival.now);
    insertRow(connection, numbering, { message, document, searched: arrival.searched[i] ?? '' });
    return 'stored';
  });
  return { result, changed: numbering.save() };
}

function checkArrival({ id, owner, digest }: Message, content: SentContent): void {
  if (digest !== content.digest) throw new Error(`message ${id} does not belong to the content that it came with`);
  if (owner.address && !owner.address.endsWith(`@${owner.domain}`))
    throw new Error(`message ${id} belongs to an address outside of its domain`);
}

function isStored(connection: Connection, id: string): boolean {
  return connection.get('SELECT 1 FROM messages WHERE id = ?', id) !== undefined;
}

function isKnown(connection: Connection, { digest, owner, view, envelope }: Message): boolean {
  const known = connection.get(
    `SELECT 1 FROM messages
      WHERE digest = ? AND owner_domain = ? AND owner_address = ? AND view = ? AND first_recipient = ? LIMIT 1`,
    digest,
    owner.domain,
    owner.address,
    view,
    envelope.recipients[0] ?? '',
  );
  return known !== undefined;
}

function insertRow(
  connection: Connection,
  numbering: Numbering,
  { message, document, searched }: { message: Message; document: string; searched: string },
): void {
  const values = {
    ...fixedColumns(message, searched),
    ...derivedColumns(message),
    content_number: referredContent(connection, message),
    document,
  };
  const places = { ...noPlace('domain'), ...noPlace('global') };
  for (const key of sequencesOf(message.owner)) {
    const shown = rolesIn(key, message);
    if (shown.length) Object.assign(places, placeColumns(key, newPlace(numbering, key, message, shown)));
  }
  const row = { ...values, ...places };
  connection.runNamed(insertSql(Object.keys(row)), row);
}

export function insertSql(names: string[]): string {
  return `INSERT INTO messages (${names.join(', ')}) VALUES (${names.map((name) => `:${name}`).join(', ')})`;
}

interface StoredRow {
  revision: number;
  document: string;
  ordinal_domain: number | null;
  modseq_domain: number | null;
  ordinal_global: number | null;
  modseq_global: number | null;
}

export function commit(
  write: Write,
  { changes, drop }: { changes: SentChange[]; drop: DropUids | undefined },
): Written<{ drop?: { uidValidity: number; firstUid: number } }> {
  const { connection } = write;
  const numbering = openNumbering(write, changes.length);
  const parsed = changes.map((change) => ({ ...change, after: JSON.parse(change.document) as Message }));
  for (const { after } of parsed) for (const key of sequencesOf(after.owner)) numbering.open(key);
  for (const change of parsed) {
    const stored = connection.get<StoredRow>(
      `SELECT revision, document, ordinal_domain, modseq_domain, ordinal_global, modseq_global
         FROM messages WHERE id = ?`,
      change.id,
    );
    if (stored?.revision !== change.basedOn) throw new StaleError();
    updateRow(connection, numbering, { stored, after: change.after, document: change.document });
  }
  const result = drop ? { drop: takeDropUids(write, drop) } : {};
  return { result, changed: numbering.save() };
}

function updateRow(
  connection: Connection,
  numbering: Numbering,
  { stored, after, document }: { stored: StoredRow; after: Message; document: string },
): void {
  const before = JSON.parse(stored.document) as Message;
  checkUnchanged(before, after);
  const places: Record<string, number | null> = {};
  for (const key of sequencesOf(after.owner)) {
    const { ordinal, modseq } = key === '' ? globalPlace(stored) : domainPlace(stored);
    Object.assign(
      places,
      placeColumns(key, nextPlace(numbering, key, { before, after, place: { ordinal, modseq } }, connection)),
    );
  }
  const { content, ...derived } = derivedColumns(after);
  // Naming the column at all makes SQLite journal each statement for the sake of its triggers, which costs most of a large commit.
  const row: Record<string, Bound> = { ...derived, ...places, document };
  if (before.contentReleased !== after.contentReleased)
    Object.assign(row, { content, content_number: referredContent(connection, after) });
  connection.runNamed(updateSql(Object.keys(row)), { ...row, id: after.id });
}

function updateSql(names: string[]): string {
  return `UPDATE messages SET ${names.map((name) => `${name} = :${name}`).join(', ')} WHERE id = :id`;
}

function checkUnchanged(before: Message, after: Message): void {
  const fixed = (message: Message): string =>
    JSON.stringify([message.id, message.digest, message.view, message.owner.domain, message.owner.address]);
  if (fixed(before) !== fixed(after)) throw new Error(`message ${before.id} cannot change its digest, view or owner`);
}

/** Where a changed message stands in one sequence, and what open sessions of that sequence have to be told. */
function nextPlace(
  numbering: Numbering,
  key: string,
  { before, after, place }: { before: Message; after: Message; place: Place },
  connection: Connection,
): Place {
  const effect = effectOf(before, after);
  if (effect === 'silent') return place;
  const shown = rolesIn(key, after);
  const shownBefore = rolesIn(key, before);
  // A role that begins to see a message may have seen higher UIDs already, so the message takes a new one even within a holding.
  if (effect === 'arrives' || shown.some((role) => !shownBefore.includes(role))) {
    if (place.ordinal !== null) rememberGone(connection, numbering, { key, message: after, ordinal: place.ordinal });
    return shown.length ? newPlace(numbering, key, after, shown) : { ordinal: null, modseq: null };
  }
  return place.ordinal === null ? place : { ordinal: place.ordinal, modseq: numbering.nextModseq(key) };
}

function newPlace(numbering: Numbering, key: string, message: Message, shown: readonly Role[]): Place {
  const ordinal = numbering.nextOrdinal(key);
  for (const role of shown) numbering.arrived(loginOf(role, message), message.view, ordinal);
  return { ordinal, modseq: numbering.nextModseq(key) };
}

function rememberGone(
  connection: Connection,
  numbering: Numbering,
  { key, message, ordinal }: { key: string; message: Message; ordinal: number },
): void {
  const { view, owner, id } = message;
  connection.run(
    `INSERT INTO gone (sequence, view, owner_address, message, ordinal, modseq) VALUES (?, ?, ?, ?, ?, ?)`,
    key,
    view satisfies View,
    owner.address,
    id,
    ordinal,
    numbering.nextModseq(key),
  );
}

function globalPlace(stored: StoredRow): Place {
  return { ordinal: stored.ordinal_global, modseq: stored.modseq_global };
}

function domainPlace(stored: StoredRow): Place {
  return { ordinal: stored.ordinal_domain, modseq: stored.modseq_domain };
}

export function placeColumns(key: string, { ordinal, modseq }: Place): Record<string, number | null> {
  const sequence = key === '' ? 'global' : 'domain';
  return { [`ordinal_${sequence}`]: ordinal, [`modseq_${sequence}`]: modseq };
}

function noPlace(sequence: 'global' | 'domain'): Record<string, null> {
  return { [`ordinal_${sequence}`]: null, [`modseq_${sequence}`]: null };
}
