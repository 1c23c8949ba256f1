// Domain records. A name belongs to one domain only, as its name or as an alias: each is claimed by a document of its own first, whose
// `_id` no second domain can have.
import { Refusal } from '../../quarantine/errors.ts';
import type { DomainRecord, Storage } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import { isDuplicate } from './errors.ts';
import type { DomainDocument } from './schema.ts';

/** A claim without its domain is that of an administrator who is just storing it, or of a process that died: after this, the latter. */
const claimMs = 60_000;

/** @param changed called when a change is durable */
export function domainStorage(connection: Connection, changed: () => void): Storage['domains'] {
  const { domains, names } = connection;
  return {
    async list() {
      return (await domains.find().sort({ _id: 1 }).toArray()).map(recordOf);
    },
    async put(domain) {
      const record = { ...domain, aliases: [...new Set(domain.aliases)] };
      if (record.aliases.includes(record.name))
        throw new Refusal('CANNOT', `${record.name} cannot be an alias of itself.`);
      await claimNames(connection, record);
      await domains.replaceOne({ _id: record.name }, record, { upsert: true });
      await names.deleteMany({ domain: record.name, _id: { $nin: namesOf(record) } });
      await raiseVersion(connection);
      changed();
    },
    async remove(name) {
      const { deletedCount } = await domains.deleteOne({ _id: name });
      await names.deleteMany({ domain: name });
      await raiseVersion(connection);
      changed();
      return deletedCount > 0;
    },
  };
}

/** Other processes see by it that they have to read the domains again (feed.ts). */
async function raiseVersion({ store }: Connection): Promise<void> {
  await store.updateOne({ _id: 'domains' }, { $inc: { version: 1 } }, { upsert: true });
}

function namesOf({ name, aliases }: DomainRecord): string[] {
  return [name, ...aliases];
}

/** All or none; @throws Refusal */
async function claimNames(connection: Connection, record: DomainRecord): Promise<void> {
  const claimed: string[] = [];
  try {
    for (const name of namesOf(record)) if (await claimName(connection, name, record.name)) claimed.push(name);
  } catch (error) {
    await connection.names.deleteMany({ _id: { $in: claimed }, domain: record.name });
    throw error;
  }
}

/** Answers whether the claim is new. */
async function claimName(connection: Connection, name: string, domain: string): Promise<boolean> {
  const { names, domains } = connection;
  const claim = { domain, claimedAt: Date.now() };
  try {
    await names.insertOne({ _id: name, ...claim });
    return true;
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  }
  const holder = await names.findOne({ _id: name });
  if (!holder) return claimName(connection, name, domain);
  if (holder.domain === domain) return false;
  const other = await domains.findOne({ _id: holder.domain });
  const isLeft = !(other && namesOf(other).includes(name)) && holder.claimedAt < Date.now() - claimMs;
  if (isLeft && (await names.updateOne({ _id: name, domain: holder.domain }, { $set: claim })).matchedCount)
    return true;
  throw new Refusal('ALREADYEXISTS', `${name} already belongs to the domain ${holder.domain}.`);
}

function recordOf({ _id, ...record }: DomainDocument): DomainRecord {
  return { ...record, name: _id };
}
