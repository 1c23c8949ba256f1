// Search for messages by what they are, newest first: ids sort by arrival.
import type { Filter } from 'mongodb';
import type { Message } from '../../quarantine/message.ts';
import type { MessageQuery } from '../../quarantine/ports.ts';
import type { Scope } from '../../quarantine/scope.ts';
import { searchable } from '../shown.ts';
import type { Connection } from './connection.ts';
import { fromStored } from './fields.ts';
import type { MessageDocument } from './schema.ts';
import { within } from './scoped.ts';

/** There is no index for words: they are looked for in all that the scope holds. Keeps nobody else waiting, and ends. */
const textSearchMs = 50_000;

export async function find({ messages }: Connection, scope: Scope, query: MessageQuery): Promise<Message[]> {
  const limit = query.limit ?? query.ids?.length ?? 100;
  if (limit <= 0 || query.ids?.length === 0 || query.digests?.length === 0 || query.likeness === '') return [];
  const documents = messages
    .find(filterOf(scope, query), {
      projection: { message: 1 },
      ...(query.text && { maxTimeMS: textSearchMs }),
    })
    .sort({ _id: -1 });
  if (Number.isFinite(limit)) documents.limit(limit);
  return (await documents.toArray()).map(fromStored);
}

function filterOf(scope: Scope, query: MessageQuery): Filter<MessageDocument> {
  const conditions: Filter<MessageDocument>[] = [within(scope), { forgottenAt: { $exists: false } }];
  const { view, ids, digests, likeness, owner, domain, text } = query;
  if (view !== undefined) conditions.push({ view });
  if (ids) conditions.push({ _id: { $in: ids } });
  if (digests) conditions.push({ digest: { $in: digests } });
  if (likeness !== undefined) conditions.push({ likeness: { $eq: likeness, $gt: '' } });
  if (owner !== undefined) conditions.push({ ownerAddress: owner });
  if (domain !== undefined) conditions.push({ ownerDomain: domain });
  if ((query.which ?? 'held') === 'held') conditions.push({ held: true });
  if (text) conditions.push({ searched: { $regex: escaped(searchable(text)) } });
  return { $and: conditions };
}

/** The text as a regular expression (PCRE) that matches nothing else. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|#\s-]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
