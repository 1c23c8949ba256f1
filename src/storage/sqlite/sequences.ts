// The numbers that IMAP lives on: ordinals (UIDs), modseq, UIDVALIDITY, UIDNEXT. Number and change are committed together and one writer
// commits at a time, so numbers ascend in the order in which sessions can see them (DESIGN section 5). Never gives a number twice.
// Called inside the writer's transaction, and by readers for the state of a mailbox.
import { TemporaryError } from '../../quarantine/errors.ts';
import type { DropUids, MailboxState } from '../../quarantine/ports.ts';
import { sequenceKey } from '../../quarantine/scope.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { loginKey, nextUidValidity } from '../shown.ts';
import type { Connection } from './connection.ts';
import type { Write } from './write.ts';

export interface Sequence {
  lastOrdinal: number;
  modseq: number;
  /** UID = ordinal - base. */
  uidBase: number;
  uidValidity: number;
}

export function readSequence(connection: Connection, key: string): Sequence {
  const stored = connection.get<Sequence>(
    `SELECT last_ordinal AS lastOrdinal, modseq, uid_base AS uidBase, uid_validity AS uidValidity
       FROM sequences WHERE key = ?`,
    key,
  );
  return stored ?? { lastOrdinal: 0, modseq: 1, uidBase: 0, uidValidity: firstUidValidity(connection) };
}

/** When the store was made, in seconds: a store that is made anew gets another one, so that no client mixes the two up. */
function firstUidValidity(connection: Connection): number {
  const row = connection.get<{ value: number }>(`SELECT value FROM store WHERE name = 'uid_validity'`);
  if (!row) throw new Error('the store has no UIDVALIDITY');
  return row.value;
}

export function readState(connection: Connection, scope: Scope, view: string): MailboxState & { uidBase: number } {
  const { modseq, uidBase, uidValidity } = readSequence(connection, sequenceKey(scope));
  const last = connection.get<{ last_ordinal: number }>(
    'SELECT last_ordinal FROM mailboxes WHERE login = ? AND view = ?',
    loginKey(scope),
    view,
  );
  return { uidValidity, uidNext: Math.max((last?.last_ordinal ?? 0) - uidBase, 0) + 1, modseq, uidBase };
}

export function readDropState(
  connection: Connection,
  { scope, mailbox }: { scope: Scope; mailbox: string },
): MailboxState {
  const { lastUid, uidValidity } = readDrop(connection, loginKey(scope), mailbox);
  return { uidValidity, uidNext: lastUid + 1, modseq: readSequence(connection, sequenceKey(scope)).modseq };
}

function readDrop(connection: Connection, login: string, mailbox: string): { lastUid: number; uidValidity: number } {
  const stored = connection.get<{ lastUid: number; uidValidity: number }>(
    'SELECT last_uid AS lastUid, uid_validity AS uidValidity FROM drops WHERE login = ? AND mailbox = ?',
    login,
    mailbox,
  );
  return stored ?? { lastUid: 0, uidValidity: firstUidValidity(connection) };
}

export function takeDropUids(
  { connection, uidLimit }: Write,
  { scope, mailbox, count }: DropUids,
): { uidValidity: number; firstUid: number } {
  const login = loginKey(scope);
  let { lastUid, uidValidity } = readDrop(connection, login, mailbox);
  if (lastUid + count > uidLimit) {
    lastUid = 0;
    uidValidity = nextUidValidity(uidValidity);
  }
  connection.run(
    `INSERT INTO drops (login, mailbox, last_uid, uid_validity) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET last_uid = excluded.last_uid, uid_validity = excluded.uid_validity`,
    login,
    mailbox,
    lastUid + count,
    uidValidity,
  );
  return { uidValidity, firstUid: lastUid + 1 };
}

/** The numbers that one writing operation takes. Nothing is stored before `save`. */
export interface Numbering {
  /** To be called with every key before messages of that sequence are read: opening one may number them anew. */
  open(key: string): void;
  nextOrdinal(key: string): number;
  nextModseq(key: string): number;
  /** Raises UIDNEXT of a mailbox. */
  arrived(login: string, view: string, ordinal: number): void;
  /** Stores what was taken; answers the keys of the sequences that changed. */
  save(): string[];
}

/** @param atMost how many ordinals the operation may take from one sequence */
export function openNumbering(write: Write, atMost: number): Numbering {
  const { connection, uidLimit } = write;
  const sequences = new Map<string, Sequence>();
  const changed = new Set<string>();
  const mailboxes = new Map<string, { login: string; view: string; ordinal: number }>();

  function open(key: string): Sequence {
    const sequence = readSequence(connection, key);
    if (sequence.lastOrdinal + atMost - sequence.uidBase > uidLimit) {
      renumber(connection, key, sequence);
      changed.add(key);
      if (sequence.lastOrdinal + atMost - sequence.uidBase > uidLimit)
        throw new TemporaryError('The quarantine holds more messages than a mailbox can number.');
    }
    sequences.set(key, sequence);
    return sequence;
  }

  function changing(key: string): Sequence {
    changed.add(key);
    return sequences.get(key) ?? open(key);
  }

  return {
    open(key) {
      if (!sequences.has(key)) open(key);
    },
    nextOrdinal: (key) => ++changing(key).lastOrdinal,
    nextModseq: (key) => ++changing(key).modseq,
    arrived(login, view, ordinal) {
      mailboxes.set(`${login} ${view}`, { login, view, ordinal });
    },
    save() {
      for (const key of changed) saveSequence(connection, key, changing(key));
      for (const { login, view, ordinal } of mailboxes.values()) saveLastOrdinal(connection, login, view, ordinal);
      return [...changed];
    },
  };
}

function saveSequence(connection: Connection, key: string, sequence: Sequence): void {
  connection.run(
    `INSERT INTO sequences (key, last_ordinal, modseq, uid_base, uid_validity) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET last_ordinal = excluded.last_ordinal, modseq = excluded.modseq,
       uid_base = excluded.uid_base, uid_validity = excluded.uid_validity`,
    key,
    sequence.lastOrdinal,
    sequence.modseq,
    sequence.uidBase,
    sequence.uidValidity,
  );
}

function saveLastOrdinal(connection: Connection, login: string, view: string, ordinal: number): void {
  connection.run(
    `INSERT INTO mailboxes (login, view, last_ordinal) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET last_ordinal = excluded.last_ordinal`,
    login,
    view,
    ordinal,
  );
}

const views = ['caught', 'outgoing', 'training', 'notices'] as const;

/**
 * Once in four thousand million arrivals: the messages that are shown are numbered again from 1 in their order, under a UIDVALIDITY that
 * was never used before. What is shown to nobody keeps an ordinal below the new base, which is no UID any more.
 */
function renumber(connection: Connection, key: string, sequence: Sequence): void {
  sequence.uidBase = sequence.lastOrdinal;
  sequence.uidValidity = nextUidValidity(sequence.uidValidity);
  sequence.modseq++;
  const { query, values, update } = key === '' ? globalOrder : domainOrder(key);
  for (const view of views) {
    const last = new Map<string, number>();
    for (const row of connection.all<{ number: number; logins: string }>(query, ...values, view)) {
      const ordinal = ++sequence.lastOrdinal;
      connection.run(update, ordinal, row.number);
      for (const login of JSON.parse(row.logins) as (string | null)[]) if (login !== null) last.set(login, ordinal);
    }
    for (const [login, ordinal] of last) saveLastOrdinal(connection, login, view, ordinal);
  }
}

const globalOrder = {
  query: `SELECT number, '[""]' AS logins FROM messages INDEXED BY shown_to_global
           WHERE view = ? AND shown_global = 1 ORDER BY ordinal_global`,
  values: [],
  update: 'UPDATE messages SET ordinal_global = ? WHERE number = ?',
};

function domainOrder(domain: string): { query: string; values: string[]; update: string } {
  return {
    query: `SELECT number, json_array(iif(shown_domain, owner_domain, NULL), iif(shown_user, owner_address, NULL)) AS logins
              FROM messages INDEXED BY changed_for_domain
             WHERE owner_domain = ? AND view = ? AND modseq_domain IS NOT NULL AND (shown_domain = 1 OR shown_user = 1)
             ORDER BY ordinal_domain`,
    values: [domain],
    update: 'UPDATE messages SET ordinal_domain = ? WHERE number = ?',
  };
}
