// Once in four thousand million arrivals: the messages that a sequence shows are numbered again from 1 in their order, under a UIDVALIDITY
// that was never used before. While the sequence document says so nobody takes numbers, hence nothing that is shown changes, and anybody
// who meets it helps: every step gives the same result whoever makes it. Called by sequences.ts.
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import type { View } from '../../quarantine/message.ts';
import { nextUidValidity, rolesOf } from '../shown.ts';
import type { Connection } from './connection.ts';
import { documentOf, fromStored } from './fields.ts';
import { raiseMailboxes, shownArrivals } from './numbers.ts';
import { placeField, sequenceName } from './schema.ts';
import type { MessageDocument, SequenceDocument } from './schema.ts';

const views: readonly View[] = ['caught', 'outgoing', 'training', 'notices'];
const pageSize = 1000;

/** Closes the sequence for new numbers, unless somebody did so or renumbered it meanwhile. */
export async function startRenumbering({ sequences }: Connection, sequence: SequenceDocument): Promise<void> {
  const { _id, lastOrdinal, modseq, uidValidity } = sequence;
  await sequences.updateOne(
    { _id, modseq, renumbering: { $exists: false } },
    { $set: { renumbering: { base: lastOrdinal, uidValidity: nextUidValidity(uidValidity) } } },
  );
}

/** To be called when every number that was taken is in its message. Repeatable, also beside itself. */
export async function finishRenumbering(connection: Connection, sequence: SequenceDocument): Promise<void> {
  const { _id: key, modseq, renumbering } = sequence;
  if (!renumbering) return;
  const { base, uidValidity } = renumbering;
  for (const view of views) {
    while (await renumberPage(connection, { key, view, base, from: sequence.uidBase }));
  }
  await connection.sequences.updateOne(
    { _id: key, modseq, 'renumbering.base': base },
    {
      $set: { uidBase: base, lastOrdinal: await lastAbove(connection, key, base), modseq: modseq + 1 },
      // A restore that was settled meanwhile may have raised it further.
      $max: { uidValidity },
      $unset: { renumbering: 1 },
    },
  );
}

interface Page {
  key: string;
  view: View;
  /** New ordinals are above it, old ones are not. */
  base: number;
  from: number;
}

/** Answers whether there was anything left to do. */
async function renumberPage(connection: Connection, { key, view, base, from }: Page): Promise<boolean> {
  const place = placeField(sequenceName(key));
  const left = await connection.messages
    .find({ ...shownIn(key), view, [`${place}.ordinal`]: { $gt: from, $lte: base } })
    .sort({ [`${place}.ordinal`]: 1 })
    .limit(pageSize)
    .toArray();
  if (!left.length) return false;
  // Asked in this order: what another process moved until `last` was read is left out, what it moves later moves to the same place.
  const last = await lastAbove(connection, key, base);
  const ids = left.map(({ _id }) => _id);
  const moved = await connection.messages
    .find({ _id: { $in: ids }, [`${place}.ordinal`]: { $gt: base, $lte: last } }, { projection: { _id: 1 } })
    .toArray();
  const isMoved = new Set(moved.map(({ _id }) => _id));
  const waiting = left
    .filter(({ _id }) => !isMoved.has(_id))
    .map((document, i) => ({ document, ordinal: last + 1 + i }));
  await raiseMailboxes(
    connection,
    waiting.flatMap(({ document, ordinal }) => shownArrivals(key, document, ordinal)),
  );
  // In their order, so that what is there after a crash is a beginning of the whole.
  await connection.messages.bulkWrite(
    waiting.map(({ document, ordinal }): AnyBulkWriteOperation<MessageDocument> => ({
      updateOne: {
        filter: { ...documentOf(fromStored(document)), [`${place}.ordinal`]: document[place]?.ordinal ?? null },
        update: { $set: { [`${place}.ordinal`]: ordinal } },
      },
    })),
    { ordered: true },
  );
  return true;
}

function shownIn(key: string): Filter<MessageDocument> {
  const shown = rolesOf(key).map((role) => ({ [`${role}.shown`]: true }));
  return key === '' ? { 'global.shown': true } : { ownerDomain: key, $or: shown };
}

/** The highest new ordinal; `base` when there is none. */
async function lastAbove({ messages }: Connection, key: string, base: number): Promise<number> {
  const place = placeField(sequenceName(key));
  const found = await messages
    .find({ ...shownIn(key), [`${place}.ordinal`]: { $gt: base } }, { projection: { [place]: 1 } })
    .sort({ [`${place}.ordinal`]: -1 })
    .limit(1)
    .toArray();
  return found[0]?.[place]?.ordinal ?? base;
}
