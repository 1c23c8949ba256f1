// What workers and sweeps look for, without a scope: jobs that are due, what is held too long, what can be forgotten.
import type { Filter, Sort } from 'mongodb';
import type { Message, View } from '../../quarantine/message.ts';
import type { WorkerStorage } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import { readBytes } from './contents.ts';
import { documentOf, fromStored } from './fields.ts';
import type { Reader } from './mailboxes.ts';
import { numberLeft } from './messages.ts';
import { recheckContent } from './purge.ts';
import type { MessageDocument } from './schema.ts';

/** How long open sessions are still told that a forgotten message is gone; none stays open without asking for that long. */
const goneKeptMs = 24 * 3_600_000;

export async function get({ messages }: Connection, id: string): Promise<Message | null> {
  const document = await messages.findOne({ _id: id, forgottenAt: { $exists: false } }, { projection: { message: 1 } });
  return document && fromStored(document);
}

export async function contentOf(connection: Connection, id: string): Promise<Buffer | null> {
  const document = await connection.messages.findOne({ _id: id, released: false }, { projection: { digest: 1 } });
  return document && readBytes(connection, document.digest);
}

export const due =
  (connection: Connection): WorkerStorage['due'] =>
  (now, limit, exceptDomains = [], exceptTargets = []) => {
    const filter: Filter<MessageDocument> = { dueAt: { $gte: 0, $lte: now } };
    if (exceptDomains.length) filter.ownerDomain = { $nin: [...exceptDomains] };
    if (exceptTargets.length)
      filter.claims = { $elemMatch: { claimableAt: { $lte: now }, target: { $nin: [...exceptTargets] } } };
    return read(connection, filter, { dueAt: 1 }, limit);
  };

export async function nextDueAt({ messages }: Connection): Promise<number | null> {
  const first = await messages
    .find({ dueAt: { $gte: 0 } }, { projection: { _id: 0, dueAt: 1 } })
    .sort({ dueAt: 1 })
    .limit(1)
    .toArray();
  return first[0]?.dueAt ?? null;
}

export function leased(connection: Connection, now: number, limit: number): Promise<Message[]> {
  return read(connection, { leasedUntil: { $gte: 0, $gt: now } }, { leasedUntil: -1 }, limit);
}

export const withJobs =
  (connection: Connection): WorkerStorage['withJobs'] =>
  ({ ended, limit }) =>
    read(connection, ended ? { orderedAt: { $gte: 0 } } : { hasOpenJobs: true }, { orderedAt: -1, _id: -1 }, limit);

/**
 * Goes from domain to domain along the index: a domain that keeps its mail longer than the others costs one step, however much it holds.
 */
export const heldBefore =
  (connection: Connection): WorkerStorage['heldBefore'] =>
  async ({ view, before, domain, exceptDomains = [], limit }) => {
    if (domain !== undefined) return heldInDomain(connection, { view, before, domain, limit });
    const except = new Set(exceptDomains);
    const found: Message[] = [];
    let next = await nextDomain(connection, view, {});
    while (next !== undefined && found.length < limit) {
      if (!except.has(next))
        found.push(...(await heldInDomain(connection, { view, before, domain: next, limit: limit - found.length })));
      next = await nextDomain(connection, view, { ownerDomain: { $gt: next } });
    }
    return found;
  };

async function nextDomain(
  { messages }: Connection,
  view: View,
  after: Filter<MessageDocument>,
): Promise<string | undefined> {
  const first = await messages
    .find({ view, held: true, ...after }, { projection: { _id: 0, ownerDomain: 1 } })
    .sort({ ownerDomain: 1 })
    .limit(1)
    .toArray();
  return first[0]?.ownerDomain;
}

function heldInDomain(
  connection: Connection,
  { view, before, domain, limit }: { view: View; before: number; domain: string; limit: number },
): Promise<Message[]> {
  const filter = { view, held: true, ownerDomain: domain, heldSince: { $lt: before } };
  return read(connection, filter, { heldSince: 1 }, limit);
}

export const endedBefore =
  (connection: Connection): WorkerStorage['endedBefore'] =>
  ({ before, tombstones, limit }) =>
    read(connection, { released: tombstones, endedAt: { $gte: 0, $lt: before } }, { endedAt: 1 }, limit);

async function read(
  { messages }: Connection,
  filter: Filter<MessageDocument>,
  sort: Sort,
  limit: number,
): Promise<Message[]> {
  if (limit <= 0) return [];
  const found = messages.find(filter, { projection: { message: 1 } }).sort(sort);
  if (Number.isFinite(limit)) found.limit(limit);
  return (await found.toArray()).map(fromStored);
}

/** Deletes tombstones; the numbers that they had stay behind for a day, for sessions that have not asked yet. */
export async function forget({ connection, sequences }: Reader, tombstones: readonly Message[]): Promise<number> {
  const { messages } = connection;
  const now = Date.now();
  await messages.deleteMany({ forgottenAt: { $gte: 0, $lt: now - goneKeptMs } });
  let forgotten = 0;
  for (const message of tombstones) {
    const isTombstone = { ...documentOf(message), revision: message.revision, released: true, held: false };
    const stored = await messages.findOne(isTombstone);
    if (!stored) continue;
    // What others still have to do for the message is done first: sessions are told, the purge looks at its content.
    await numberLeft(sequences, [stored]);
    if (stored.contentUnchecked) await recheckContent(connection, stored);
    const { matchedCount } = await messages.updateOne(isTombstone, {
      $set: { forgottenAt: now },
      $unset: forgettable,
    });
    forgotten += matchedCount;
  }
  return forgotten;
}

/** Everything but the message's name, its owner and its numbers. */
const forgettable = {
  revision: 1,
  digest: 1,
  likeness: 1,
  firstRecipient: 1,
  searched: 1,
  held: 1,
  heldSince: 1,
  released: 1,
  dueAt: 1,
  hasOpenJobs: 1,
  leasedUntil: 1,
  endedAt: 1,
  orderedAt: 1,
  claims: 1,
  message: 1,
  contentUnchecked: 1,
} as const;
