// What every storage driver has to keep: the exact meaning of the sentences in src/quarantine/ports.ts. Knows no driver; a driver's test
// file calls `storageContract` with a way to open an empty store.
import { describe } from 'node:test';
import { arrivalContract } from './contract/arrival.ts';
import { commitContract } from './contract/commit.ts';
import { concurrencyContract } from './contract/concurrency.ts';
import { contentContract } from './contract/content.ts';
import { feedContract } from './contract/feed.ts';
import { findContract } from './contract/find.ts';
import { flagContract } from './contract/flags.ts';
import { jobContract } from './contract/jobs.ts';
import { packedContract } from './contract/packed.ts';
import { recordContract } from './contract/records.ts';
import { scopeContract } from './contract/scopes.ts';
import { searchContract } from './contract/search.ts';
import type { OpenStore } from './contract/store.ts';
import { uidContract } from './contract/uids.ts';
import { upkeepContract } from './contract/upkeep.ts';
import { watchContract } from './contract/watch.ts';

export function storageContract(name: string, open: OpenStore): void {
  describe(`${name}: what arrives`, () => arrivalContract(open));
  describe(`${name}: what changes`, () => commitContract(open));
  describe(`${name}: UIDs`, () => uidContract(open));
  describe(`${name}: flags`, () => flagContract(open));
  describe(`${name}: the change feed`, () => feedContract(open));
  describe(`${name}: who sees what`, () => scopeContract(open));
  describe(`${name}: lists with prepared values`, () => packedContract(open));
  describe(`${name}: search`, () => findContract(open));
  describe(`${name}: search of a mailbox`, () => searchContract(open));
  describe(`${name}: workers and sweeps`, () => jobContract(open));
  describe(`${name}: contents and their purge`, () => contentContract(open));
  describe(`${name}: domains and accounts`, () => recordContract(open));
  describe(`${name}: listeners`, () => watchContract(open));
  describe(`${name}: its upkeep`, () => upkeepContract(open));
  describe(`${name}: several at once`, () => concurrencyContract(open));
}
