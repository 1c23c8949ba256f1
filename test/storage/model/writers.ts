// Writers of the model test: mail arrives, messages change, leave and come back, several at once, and drop folders hand out UIDs. What was
// written, refused or lost is remembered (knowledge.ts).
import assert from 'node:assert/strict';
import { StaleError, TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Message } from '../../../src/quarantine/message.ts';
import type { Arrival, Change, DropUids, Storage } from '../../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../../src/quarantine/scope.ts';
import { arrivedAt, newMessage, ownerOf } from '../../helpers/messages.ts';
import type { SeededRandom } from '../../helpers/seeded-random.ts';
import { randomChange } from '../contract/feed.ts';
import type { Write } from './knowledge.ts';
import { Killed } from './schedule.ts';
import type { World } from './world.ts';

const owners = ['alice@example.com', 'alice@example.com', 'bob@example.com', 'example.com', 'global'];
const dropScopes = ['global', 'example.com', 'alice@example.com'].map(scopeOfLogin);

export async function writeSomething(world: World, random: SeededRandom): Promise<void> {
  const { messages } = world;
  const repeated = world.lostArrivals.length && random.between(0, 1) ? world.lostArrivals.shift() : undefined;
  if (repeated) return arrive(world, repeated);
  if (messages.length < 3 || (messages.length < world.mostMessages && random.between(0, 3) === 0))
    return arrive(world, newArrival(world, random));
  if (random.between(0, 9) === 0) return forget(world, random);
  return change(world, random);
}

function newArrival({ content, newId }: World, random: SeededRandom): Arrival {
  const messages = Array.from({ length: random.pick([1, 1, 2]) }, () =>
    newMessage({
      id: newId(),
      content,
      owner: ownerOf(random.pick(owners)),
      view: random.pick(['caught', 'caught', 'outgoing'] as const),
    }),
  );
  return { content, messages, skipKnown: false };
}

async function arrive(world: World, arrival: Arrival): Promise<void> {
  const after = arrival.messages.map((message): Message => ({ ...message, revision: 0 }));
  const changes = after.map((each) => ({ before: null, after: each }));
  const answer = await write(world, `insert ${namesOf(after)}`, changes, (storage) =>
    storage.insert(arrival, arrivedAt),
  );
  for (const { id } of after) if (!world.messages.includes(id)) world.messages.push(id);
  if (answer === 'doubtful') world.lostArrivals.push(arrival);
}

async function change(world: World, random: SeededRandom): Promise<void> {
  const changes: Change[] = [];
  for (const id of new Set(Array.from({ length: random.pick([1, 1, 2, 3]) }, () => random.pick(world.messages)))) {
    const before = await readMessage(world, id);
    if (before) changes.push({ before, after: randomChange(random)(before) });
  }
  const drop = random.between(0, 2)
    ? undefined
    : { scope: random.pick(dropScopes), mailbox: 'Spam', count: random.between(1, 3) };
  if (!changes.length && !drop) return;
  const what = `commit ${changes.map(({ before, after }) => `${nameOf(before)} ${described(before, after)}`).join(', ')}`;
  await write(world, drop ? `${what} and ${drop.count} drop UIDs` : what, changes, (storage) =>
    commit(world, storage, changes, drop),
  );
}

async function commit(world: World, storage: Storage, changes: Change[], drop: DropUids | undefined): Promise<void> {
  const askedAt = world.knowledge.now();
  const answer = await storage.commit(changes, drop);
  assert.deepEqual(
    answer.messages.map(({ id, revision }) => [id, revision]),
    changes.map(({ before }) => [before.id, before.revision + 1]),
  );
  if (!drop) return;
  assert.ok(answer.drop, 'a commit that takes drop UIDs names them');
  world.drops.took(drop, askedAt, answer.drop);
}

async function forget(world: World, random: SeededRandom): Promise<void> {
  const before = await readMessage(world, random.pick(world.messages));
  if (!before || before.visibleTo.length) return;
  const after = { ...before, contentReleased: true };
  const changes = [{ before, after }];
  const answer = await write(world, `bury ${nameOf(before)}`, changes, (storage) => storage.commit(changes));
  if (answer !== 'written') return;
  // Nobody sees the message any more, whatever becomes of this.
  const buried = { ...after, revision: before.revision + 1 };
  await write(world, `forget ${nameOf(before)}`, [], (storage) => storage.worker.forget([buried]));
}

async function readMessage({ call, knowledge }: World, id: string): Promise<Message | null> {
  try {
    return await call(`get ${id.slice(-4)}`, async (storage) => {
      const revision = knowledge.revisionOf(id);
      const message = await storage.worker.get(id);
      if (message) assert.ok(message.revision >= revision, `${id}: revision ${message.revision} after ${revision}`);
      return message;
    });
  } catch (error) {
    if (isForgiven(error)) return null;
    throw error;
  }
}

/** Runs a write and remembers how it ended. */
async function write(
  { call, knowledge, schedule }: World,
  what: string,
  changes: Write['changes'],
  work: (storage: Storage) => Promise<unknown>,
): Promise<'written' | 'refused' | 'doubtful'> {
  let begun: Write | null = null;
  try {
    await call(what, (storage) => {
      begun = knowledge.begin(changes);
      return work(storage);
    });
    if (begun) knowledge.done(begun);
    schedule.note(`done: ${what}`);
    return 'written';
  } catch (error) {
    if (!isForgiven(error)) throw error;
    const isRefused = error instanceof StaleError && changes.length === 1;
    schedule.note(`${error.name} (${error.message}): ${what}`);
    // Not begun: its process died before.
    if (!begun) return 'refused';
    if (isRefused) knowledge.refused(begun);
    else knowledge.doubted(begun);
    return isRefused ? 'refused' : 'doubtful';
  }
}

function isForgiven(error: unknown): error is Error {
  return error instanceof StaleError || error instanceof TemporaryError || error instanceof Killed;
}

function nameOf({ id, revision }: Message): string {
  return `${id.slice(-4)}@${revision}`;
}

function namesOf(messages: readonly Message[]): string {
  return messages
    .map(({ id, view, owner }) => `${id.slice(-4)} ${view} ${owner.address || owner.domain || 'global'}`)
    .join(', ');
}

function described(before: Message, after: Message): string {
  const parts: string[] = [];
  if (after.holding !== before.holding) parts.push('back');
  if (String(after.visibleTo) !== String(before.visibleTo)) parts.push(`shown to [${after.visibleTo.join()}]`);
  if (JSON.stringify(after.flags) !== JSON.stringify(before.flags)) parts.push('flags');
  if (String(after.marks) !== String(before.marks)) parts.push('marks');
  return parts.join(' ') || 'silent';
}
