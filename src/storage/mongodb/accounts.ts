// Login names and their password hashes.
import type { AccountRecord, Storage } from '../../quarantine/ports.ts';
import type { Connection } from './connection.ts';
import type { AccountDocument } from './schema.ts';

export function accountStorage({ accounts }: Connection): Storage['accounts'] {
  return {
    async get(name) {
      const account = await accounts.findOne({ _id: name });
      return account && recordOf(account);
    },
    async list() {
      return (await accounts.find().sort({ _id: 1 }).toArray()).map(recordOf);
    },
    async put(account) {
      await accounts.replaceOne({ _id: account.name }, { ...account }, { upsert: true });
    },
    async markGreeted({ name, createdAt }, at) {
      return (await accounts.updateOne({ _id: name, createdAt }, { $set: { greetedAt: at } })).matchedCount > 0;
    },
    async remove(name) {
      return (await accounts.deleteOne({ _id: name })).deletedCount > 0;
    },
  };
}

function recordOf({ name, passwordHash, createdAt, greetedAt }: AccountDocument): AccountRecord {
  return { name, passwordHash, createdAt, ...(greetedAt === undefined ? {} : { greetedAt }) };
}
