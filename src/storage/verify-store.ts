// Looks through a whole store, of any driver, for what must not be: contents that are not what their name says, held mail without its
// bytes, columns that disagree with their document, numbers that mail programs could stumble over. Changes nothing and works beside
// running servers. Called by `store verify`.
import { createHash } from 'node:crypto';
import { TemporaryError } from '../quarantine/errors.ts';
import { scopeOfLogin, sequenceKey } from '../quarantine/scope.ts';
import type { MovableReader, MovedContent, Place, StoredMessage, StoreNumbers, Unreadable } from './movable.ts';
import { loginOf, rolesIn, sequencesOf } from './shown.ts';

export interface Fault {
  what: 'store' | 'content' | 'message' | 'numbers';
  /** A digest, a message's id, a login or a sequence; '' for the store as a whole. */
  id: string;
  fault: string;
}

export interface Verification {
  contents: number;
  contentBytes: number;
  messages: number;
  faults: number;
}

export interface Watching {
  onFault(fault: Fault): void;
  onProgress?(done: number, total: number): void;
}

const messagesPerBatch = 200;

export async function verifyStore(store: MovableReader, { onFault, onProgress }: Watching): Promise<Verification> {
  const seen: Verification = { contents: 0, contentBytes: 0, messages: 0, faults: 0 };
  const tell = (what: Fault['what'], id: string, fault: string): void => {
    seen.faults++;
    onFault({ what, id, fault });
  };
  // Where nothing more can be read, that is one of the faults; what comes after may still be readable.
  const attempt = async (what: Fault['what'], work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
      tell(what, '', `the rest cannot be read: ${error.message}${cause}`);
    }
  };
  let total = 0;
  await attempt('store', async () => {
    for (const fault of await store.selfCheck()) tell('store', '', fault);
    const counts = await store.counts();
    total = counts.contents + counts.messages;
  });
  const progress = (): void => onProgress?.(seen.contents + seen.messages, total);
  await attempt('content', async () => {
    for await (const item of store.contents()) {
      seen.contents++;
      if (!('fault' in item)) seen.contentBytes += item.bytes.length;
      for (const fault of contentFaults(item)) tell('content', 'id' in item ? item.id : item.digest, fault);
      progress();
    }
  });
  await attempt('message', () => verifyMessages(store, tell, () => (seen.messages++, progress())));
  return seen;
}

type Tell = (what: Fault['what'], id: string, fault: string) => void;

function contentFaults(content: MovedContent | Unreadable): string[] {
  if ('fault' in content) return [content.fault];
  const { digest, bytes, reading } = content;
  const faults: string[] = [];
  if (createHash('sha256').update(bytes).digest('hex') !== digest)
    faults.push('its bytes are not those that it was stored with (SHA-256)');
  if (reading.sizeBytes !== bytes.length)
    faults.push(`it has ${bytes.length} bytes, but was read as one of ${reading.sizeBytes}`);
  return faults;
}

async function verifyMessages(store: MovableReader, tell: Tell, onMessage: () => void): Promise<void> {
  // Numbers rise while a server runs beside, so what is above these is looked at again below.
  const early = numberLimits(await store.numbers());
  const suspects: StoredMessage[] = [];
  let batch: StoredMessage[] = [];
  const checkContents = async (): Promise<void> => {
    const held = batch.filter(({ message }) => !message.contentReleased);
    const missing = new Set(await store.missing([...new Set(held.map(({ message }) => message.digest))]));
    for (const { message } of held)
      if (missing.has(message.digest)) tell('message', message.id, `its content ${message.digest} is missing`);
    batch = [];
  };
  for await (const item of store.messages()) {
    if ('fault' in item) tell('message', item.id, item.fault);
    else {
      for (const fault of [...item.drifted, ...placeFaults(item)]) tell('message', item.message.id, fault);
      if (numberFaults(item, early).length) suspects.push(item);
      batch.push(item);
      if (batch.length === messagesPerBatch) await checkContents();
    }
    onMessage();
  }
  await checkContents();
  const numbers = await store.numbers();
  const late = numberLimits(numbers);
  for (const suspect of suspects)
    for (const fault of numberFaults(suspect, late)) tell('message', suspect.message.id, fault);
  for (const { id, fault } of ownFaults(numbers, late)) tell('numbers', id, fault);
}

/** What is wrong with a message's places whatever the sequences say. */
function placeFaults({ message, places }: StoredMessage): string[] {
  const keys = sequencesOf(message.owner);
  const foreign = places.filter(({ sequence }) => !keys.includes(sequence));
  const unnumbered = keys.filter(
    (key) => rolesIn(key, message).length > 0 && !places.some(({ sequence }) => sequence === key),
  );
  return [
    ...foreign.map(({ sequence }) => `it is numbered by ${named(sequence)}, where it does not belong`),
    ...unnumbered.map((key) => `it is held, but has no number in ${named(key)}, so that nobody sees it there`),
  ];
}

interface NumberLimits {
  sequences: Map<string, StoreNumbers['sequences'][number]>;
  /** By login and view. */
  lastOrdinals: Map<string, number>;
}

function numberLimits({ sequences, mailboxes }: StoreNumbers): NumberLimits {
  return {
    sequences: new Map(sequences.map((sequence) => [sequence.key, sequence])),
    lastOrdinals: new Map(mailboxes.map(({ login, view, lastOrdinal }) => [`${login} ${view}`, lastOrdinal])),
  };
}

function numberFaults({ message, places, gone }: StoredMessage, limits: NumberLimits): string[] {
  const faults: string[] = [];
  const above = (place: Place, which: string): void => {
    const { lastOrdinal, modseq } = limits.sequences.get(place.sequence) ?? { lastOrdinal: 0, modseq: 0 };
    if (place.ordinal > lastOrdinal)
      faults.push(`its ${which}number ${place.ordinal} is above ${lastOrdinal}, the last of ${named(place.sequence)}`);
    if (place.modseq > modseq)
      faults.push(`its ${which}modseq ${place.modseq} is above ${modseq}, that of ${named(place.sequence)}`);
  };
  for (const place of places) {
    above(place, '');
    const shown = rolesIn(place.sequence, message);
    const base = limits.sequences.get(place.sequence)?.uidBase ?? 0;
    if (shown.length && place.ordinal <= base)
      faults.push(`its number ${place.ordinal} in ${named(place.sequence)} is no UID any more`);
    for (const role of shown) {
      const login = loginOf(role, message);
      const last = limits.lastOrdinals.get(`${login} ${message.view}`) ?? 0;
      if (place.ordinal > last)
        faults.push(`its number ${place.ordinal} is not below UIDNEXT of ${message.view} of ${named(login)}`);
    }
  }
  for (const place of gone) above(place, 'former ');
  return faults;
}

/** What is wrong among the numbers themselves. */
function ownFaults(numbers: StoreNumbers, { sequences }: NumberLimits): { id: string; fault: string }[] {
  const faults: { id: string; fault: string }[] = [];
  for (const { login, view, lastOrdinal } of numbers.mailboxes) {
    const key = login === '' ? '' : sequenceKey(scopeOfLogin(login));
    const last = sequences.get(key)?.lastOrdinal ?? 0;
    if (lastOrdinal > last)
      faults.push({ id: named(login), fault: `UIDNEXT of ${view} is above the last number of ${named(key)}` });
  }
  for (const { key, lastOrdinal, uidBase, uidValidity } of numbers.sequences) {
    if (uidBase > lastOrdinal) faults.push({ id: named(key), fault: 'UIDs of this sequence would begin below 1' });
    if (!isUidValidity(uidValidity)) faults.push({ id: named(key), fault: `UIDVALIDITY ${uidValidity} is none` });
  }
  for (const { login, mailbox, uidValidity } of numbers.drops)
    if (!isUidValidity(uidValidity))
      faults.push({ id: named(login), fault: `UIDVALIDITY ${uidValidity} of ${mailbox} is none` });
  return faults;
}

/** RFC 9051 section 9, nz-number. */
function isUidValidity(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 2 ** 32;
}

function named(login: string): string {
  return login || 'global';
}
