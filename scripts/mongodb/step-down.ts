// Has the primary of a replica set make room for another one, as a restart for maintenance does. Called by replica-set.test.ts.
import { setTimeout as wait } from 'node:timers/promises';
import { MongoNetworkError } from 'mongodb';
import type { Document, MongoClient } from 'mongodb';

/** For how long it may not be elected again: in a set of one member nobody can write meanwhile. Less than the driver waits for a primary. */
const awaySecs = 10;

/** Whether the client talks to a replica set itself (not to mongos), and may ask for this. */
export async function canStepDown(client: MongoClient): Promise<boolean> {
  const { setName } = await hello(client);
  return typeof setName === 'string';
}

/** Resolves when there is a primary that was elected after this was called. */
export async function stepDown(client: MongoClient): Promise<void> {
  const before = await electionOf(client);
  try {
    await client
      .db('admin')
      .command({ replSetStepDown: awaySecs, secondaryCatchUpPeriodSecs: awaySecs / 2, force: true });
  } catch (error) {
    // Its connections end with its office.
    if (!(error instanceof MongoNetworkError)) throw error;
  }
  while ((await electionOf(client).catch(() => before)) === before) await wait(100);
}

async function electionOf(client: MongoClient): Promise<string> {
  return String((await hello(client)).electionId);
}

/** What the primary says about itself; waits for one. */
function hello(client: MongoClient): Promise<Document> {
  return client.db('admin').command({ hello: 1 });
}
