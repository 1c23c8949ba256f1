// Readers of the model test: sessions that follow a mailbox's changes at their own pace, now on this process, now on that one, and look at it
// in every other way as well. Every answer is checked at once (sight.ts).
import assert from 'node:assert/strict';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import type { MailboxState, Storage } from '../../../src/quarantine/ports.ts';
import { loginKey } from '../../../src/storage/shown.ts';
import { changesSince, openedMailbox } from '../../helpers/mailbox.ts';
import type { SeededRandom } from '../../helpers/seeded-random.ts';
import { Killed } from './schedule.ts';
import { nameOf } from './sight.ts';
import type { ModelMailbox } from './sight.ts';
import type { World } from './world.ts';

export interface Session {
  mailbox: ModelMailbox;
  /** Null: it has to begin anew. */
  state: MailboxState | null;
  /** What it believes to be in the mailbox; flags are null until it was told. */
  messages: Map<number, readonly string[] | null>;
  /** At the last rest: how often the mailbox was to gain mail until then, and its state. */
  rest: { gains: number; state: MailboxState } | null;
}

export function openSession(mailbox: ModelMailbox): Session {
  return { mailbox, state: null, messages: new Map(), rest: null };
}

const all = [{ from: 1, to: 4_294_967_295 }];

/** One of the things that a session does, on any process; a process that dies or a lost request is no reason to give up. */
export async function readSomething(world: World, session: Session, random: SeededRandom): Promise<void> {
  const what = random.pick([catchUp, catchUp, catchUp, look, look, count, fetch, drop]);
  await tolerating(world, session, what, random);
}

async function tolerating(
  world: World,
  session: Session,
  what: (world: World, session: Session, random: SeededRandom) => Promise<void>,
  random: SeededRandom,
): Promise<void> {
  try {
    await what(world, session, random);
  } catch (error) {
    if (!(error instanceof Killed || (error instanceof TemporaryError && world.schedule.wasHarmed))) throw error;
  }
}

function read<Answer>(
  { call, knowledge }: World,
  { mailbox }: Session,
  what: string,
  work: (storage: Storage) => Promise<Answer>,
): Promise<{ askedAt: number; answer: Answer }> {
  return call(`${what} ${nameOf(mailbox)}`, async (storage) => {
    const askedAt = knowledge.now();
    return { askedAt, answer: await work(storage) };
  });
}

/** SELECT by somebody else. */
async function look(world: World, session: Session): Promise<void> {
  const { scope, view } = session.mailbox;
  const { askedAt, answer } = await read(world, session, 'open', (storage) => openedMailbox(storage, scope, view));
  world.tell(session.mailbox, answer, `UIDs ${answer.uids.join()}`);
  world.sight.saw(session.mailbox, askedAt, answer, answer.uids);
  if (answer.firstUnseenUid !== null) assert.ok(answer.uids.includes(answer.firstUnseenUid));
}

/** What the session believes is everything that is there, as of the modseq that it was told. */
async function catchUp(world: World, session: Session): Promise<void> {
  const { mailbox } = session;
  const { scope, view } = mailbox;
  const { state } = session;
  if (!state) return begin(world, session);
  const { askedAt, answer } = await read(world, session, `changes since ${state.modseq}`, (storage) =>
    changesSince(storage, scope, view, state.modseq),
  );
  const { shown, gone, ...now } = answer;
  world.tell(mailbox, now, `shown ${shown.map(({ uid }) => uid).join()}, gone ${gone.join()}`);
  if (now.uidValidity !== state.uidValidity) {
    world.sight.saw(mailbox, askedAt, now, null);
    return begin(world, session);
  }
  for (const { uid } of shown)
    assert.ok(
      session.messages.has(uid) || uid >= state.uidNext,
      `${nameOf(mailbox)}: the session is told of UID ${uid} although its UIDNEXT was ${state.uidNext}`,
    );
  for (const { uid } of shown) assert.ok(uid < now.uidNext, `${nameOf(mailbox)}: UID ${uid}, UIDNEXT ${now.uidNext}`);
  for (const uid of gone) session.messages.delete(uid);
  for (const { uid, flags } of shown) session.messages.set(uid, flags);
  session.state = now;
  // While messages are numbered anew a session may be told of some only under the next UIDVALIDITY.
  world.sight.saw(mailbox, askedAt, now, world.renumbers ? null : session.messages.keys());
}

async function begin(world: World, session: Session): Promise<void> {
  const { mailbox } = session;
  session.state = null;
  const { askedAt, answer } = await read(world, session, 'begin', (storage) =>
    openedMailbox(storage, mailbox.scope, mailbox.view),
  );
  const { uids, uidNext, uidValidity, modseq } = answer;
  world.tell(mailbox, answer, `UIDs ${uids.join()}`);
  world.sight.saw(mailbox, askedAt, answer, uids);
  session.state = { uidNext, uidValidity, modseq };
  session.messages = new Map(uids.map((uid) => [uid, null]));
}

/** STATUS. */
async function count(world: World, session: Session): Promise<void> {
  const { mailbox } = session;
  const { askedAt, answer } = await read(world, session, 'status', (storage) =>
    storage.mailboxStatus(mailbox.scope, mailbox.view),
  );
  world.tell(mailbox, answer, `${answer.messages} messages`);
  world.sight.saw(mailbox, askedAt, answer, null);
  if (world.renumbers) return;
  const { shown } = world.sight.certain(mailbox, askedAt);
  assert.ok(answer.messages >= shown.length, `${nameOf(mailbox)}: ${answer.messages} messages, not ${shown.join()}`);
}

/** FETCH of everything. */
async function fetch(world: World, session: Session, random: SeededRandom): Promise<void> {
  const { mailbox } = session;
  const { scope, view } = mailbox;
  // The answer does not say to which UIDVALIDITY its UIDs belong.
  if (world.renumbers) return look(world, session);
  const uidValidity = session.state?.uidValidity;
  if (uidValidity === undefined) return begin(world, session);
  const { askedAt, answer } = await read(world, session, 'list', async (storage) => {
    if (random.between(0, 1)) return storage.list(scope, view, all);
    const found = await storage.messagesByUid(scope, view, [...session.messages.keys()]);
    return found.map(({ uid, message }) => ({ uid, id: message.id }));
  });
  world.sight.sawSome(
    mailbox,
    askedAt,
    uidValidity,
    answer.map(({ uid }) => uid),
  );
  world.sight.learnt(mailbox, uidValidity, answer);
  const { notShown } = world.sight.certain(mailbox, askedAt);
  const found = new Set(answer.map(({ id }) => id));
  for (const id of notShown) assert.ok(!found.has(id), `${nameOf(mailbox)}: lists ${id}, which had left`);
}

async function drop(world: World, session: Session): Promise<void> {
  const { scope } = session.mailbox;
  const { askedAt, answer } = await read(world, session, 'drop status', (storage) => storage.dropStatus(scope, 'Spam'));
  world.drops.sawStatus(scope, askedAt, answer);
}

/**
 * Nobody writes, and nothing is left to be done: the session catches up, and then it believes what the mailbox holds, which is what the
 * messages say.
 */
export async function rest(world: World, session: Session): Promise<void> {
  const { mailbox } = session;
  const { scope, view } = mailbox;
  const name = nameOf(mailbox);
  await catchUp(world, session);
  const { answer: opened } = await read(world, session, 'open', (storage) => openedMailbox(storage, scope, view));
  const { answer: listed } = await read(world, session, 'list', (storage) => storage.list(scope, view, all));
  const { answer: status } = await read(world, session, 'status', (storage) => storage.mailboxStatus(scope, view));
  const { uids, messages, firstUnseenUid, ...state } = opened;
  world.tell(mailbox, state, `at rest UIDs ${uids.join()}`);
  world.sight.learnt(mailbox, state.uidValidity, listed);
  assert.deepEqual(state, session.state, `${name}: the state that the session was told is the one of the mailbox`);
  assert.deepEqual(sorted(session.messages.keys()), uids, `${name}: what the session believes is what is there`);
  const flags = new Map(listed.map((message) => [message.uid, message.flags]));
  assert.deepEqual([...flags.keys()], uids, `${name}: what is listed is what is there`);
  assert.deepEqual(new Map(messages.map((message) => [message.uid, message.flags])), flags, `${name}: with its flags`);
  for (const [uid, known] of session.messages)
    if (known) assert.deepEqual(known, flags.get(uid), `${name}: UID ${uid}`);
  const unseen = listed.filter((message) => !message.flags.includes('\\Seen'));
  assert.equal(firstUnseenUid, unseen[0]?.uid ?? null, name);
  assert.deepEqual(status, { ...state, messages: uids.length, unseen: unseen.length }, `${name}: STATUS`);
  const { shown } = world.sight.certain(mailbox, world.knowledge.now());
  assert.deepEqual(sorted(listed.map(({ id }) => id)), sorted(shown), `${name}: shows what its messages say`);
  checkUidNext(world, session, state);
}

/** UIDNEXT may move only when the mailbox gained mail. */
function checkUidNext({ knowledge, schedule }: World, session: Session, state: MailboxState): void {
  const { mailbox, rest: before } = session;
  const gains = knowledge.gains(loginKey(mailbox.scope), mailbox.view);
  if (before && before.gains === gains && before.state.uidValidity === state.uidValidity && !schedule.wasHarmed)
    assert.equal(state.uidNext, before.state.uidNext, `${nameOf(mailbox)}: UIDNEXT moved although no mail came`);
  session.rest = { gains, state };
}

function sorted<Item extends number | string>(items: Iterable<Item>): Item[] {
  return [...items].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
