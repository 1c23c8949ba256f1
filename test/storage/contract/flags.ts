// Contract: the flags of mailboxes as SELECT wants them and as sessions follow them, also of many messages with many combinations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mark, Message } from '../../../src/quarantine/message.ts';
import type { Change, PackedQuery, Storage } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { changesSince, listed, openedMailbox } from '../../helpers/mailbox.ts';
import type { FlaggedUid } from '../../helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { flagged, hiddenFrom, removed } from './changes.ts';
import { alice, bob, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

export function flagContract(open: OpenStore): void {
  test(
    'a mailbox is opened with the flags of each of its messages, as that login sees them',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const flagsOf = (i: number) => ({
        global: i % 7 ? [] : ['\\Flagged'],
        domain: [],
        user: [...(i % 3 ? [] : ['\\Seen']), ...(i % 4 ? [] : [`work${i % 8}`])],
      });
      const marksOf = (i: number): Mark[] => (i % 10 ? [] : ['$Released']);
      const numbers = Array.from({ length: 100 }, (_, i) => i);
      for (const i of numbers) {
        const given = { content, flags: flagsOf(i), marks: marksOf(i) };
        await insertMessage(storage, { ...given, owner: ownerOf(i % 5 ? 'alice@example.com' : 'bob@example.com') });
      }
      for (const scope of [global, exampleCom, alice, bob]) {
        const { messages } = await openedMailbox(storage, scope, 'caught');
        const shown = numbers.filter((i) => scope.role !== 'user' || (i % 5 === 0) === (scope === bob));
        assert.deepEqual(
          messages,
          shown.map((i) => ({ uid: i + 1, flags: [...flagsOf(i)[scope.role], ...marksOf(i)] })),
        );
        const { flags, flagSets } = await storage.openMailbox(scope, 'caught');
        assert.equal(flags.length, messages.length);
        assert.equal(new Set(flagSets.map((set) => set.join())).size, flagSets.length, 'each combination once');
      }
    }),
  );

  test(
    'thousands of messages with many combinations of flags are opened, listed and followed with the flags of each',
    withStore(open, async ({ storage }) => {
      const random = seededRandom(1);
      const sets = Array.from({ length: 70 }, (_, i) => flagSet(i));
      // In the order of their UIDs, which are the same in all three mailboxes.
      const messages = await arrive(storage, 3000, () => ({
        global: random.pick(sets),
        domain: random.between(0, 50) ? [] : random.pick(sets),
        user: random.pick(sets),
      }));
      const before = await mailboxes(storage);
      for (const { scope, opened, packed } of before) {
        assert.deepEqual(opened.messages, shownTo(scope, messages));
        assert.deepEqual(packed, opened.messages);
      }
      assert.equal(new Set(before[0]?.opened.messages.map(({ flags }) => flags.join())).size, sets.length);

      const changes = messages.flatMap((message, i): Change[] => {
        const next = [
          flagged('user', ...flagSet(60 + (i % 40))),
          flagged('user'),
          flagged('global', '\\Answered'),
          (one: Message): Message => ({ ...one, marks: ['$Released'] }),
          hiddenFrom('user'),
          removed(),
        ][i % 60];
        return next ? [{ before: message, after: next(message) }] : [];
      });
      for (const { id, ...rest } of (await storage.commit(changes)).messages)
        messages[messages.findIndex((message) => message.id === id)] = { id, ...rest };
      messages.push(...(await arrive(storage, 50, (i) => ({ global: [], domain: [], user: flagSet(i) }))));

      const after = await mailboxes(storage);
      for (const [i, { scope, opened, packed }] of after.entries()) {
        assert.deepEqual(opened.messages, shownTo(scope, messages));
        assert.deepEqual(packed, opened.messages);
        assert.deepEqual(await followed(storage, scope, before[i]?.opened), opened.messages);
      }
    }),
  );
}

/** Of each number another one; none for 0. */
function flagSet(number: number): string[] {
  const flags = [...(number % 2 ? ['\\Seen'] : []), `k${number}`, ...(number % 3 ? [] : ['\\Flagged'])];
  return number ? flags : [];
}

/** Mail for alice, many messages at once. */
async function arrive(storage: Storage, count: number, flagsOf: (i: number) => Message['flags']): Promise<Message[]> {
  const content = newContent();
  const stored: Message[] = [];
  while (stored.length < count) {
    const messages = Array.from({ length: Math.min(500, count - stored.length) }, (_, i) =>
      newMessage({ content, flags: flagsOf(stored.length + i) }),
    );
    for (const outcome of await storage.insert({ content, messages, skipKnown: false }, arrivedAt))
      if ('stored' in outcome) stored.push(outcome.stored);
  }
  return stored;
}

function shownTo({ role }: Scope, messages: readonly Message[]): FlaggedUid[] {
  return messages.flatMap(({ flags, marks, visibleTo, removed: left }, i) =>
    !left && visibleTo.includes(role) ? [{ uid: i + 1, flags: [...flags[role], ...marks] }] : [],
  );
}

type Opened = Awaited<ReturnType<typeof openedMailbox>>;

async function mailboxes(storage: Storage): Promise<{ scope: Scope; opened: Opened; packed: FlaggedUid[] }[]> {
  return Promise.all(
    [alice, exampleCom, global].map(async (scope) => ({
      scope,
      opened: await openedMailbox(storage, scope, 'caught'),
      packed: await packedFlags(storage, scope),
    })),
  );
}

/** As lists of messages tell them, page by page. */
async function packedFlags(storage: Storage, scope: Scope): Promise<FlaggedUid[]> {
  const query: PackedQuery = { values: [], also: ['flags'], limit: 1000 };
  const found: FlaggedUid[] = [];
  for (let from = 1, isMore = true; isMore;) {
    const page = listed(await storage.listPacked(scope, 'caught', [{ from, to: 4_294_967_295 }], query));
    found.push(...page);
    from = (page.at(-1)?.uid ?? 0) + 1;
    isMore = page.length === query.limit;
  }
  return found;
}

/** What a session that opened the mailbox then makes of the change feed. */
async function followed(storage: Storage, scope: Scope, opened: Opened | undefined): Promise<FlaggedUid[]> {
  const { shown, gone } = await changesSince(storage, scope, 'caught', opened?.modseq ?? 0);
  const flags = new Map(opened?.messages.map((message) => [message.uid, message.flags]));
  for (const uid of gone) flags.delete(uid);
  for (const message of shown) flags.set(message.uid, message.flags);
  return [...flags].map(([uid, now]) => ({ uid, flags: now }));
}
