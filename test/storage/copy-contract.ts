// What `store copy` promises, whichever drivers it goes between: the copy is the same store, number for number, wherever it was cut short
// meanwhile. A test file calls `copyContract` with two places to put a store in.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blankDomain } from '../../src/quarantine/domains.ts';
import { PermanentError } from '../../src/quarantine/errors.ts';
import { orderDelivery, orderReport } from '../../src/quarantine/orders.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { copyStore } from '../../src/storage/copy-store.ts';
import type { MovableReader, MovableStore, MovableUse, MovableWriter } from '../../src/storage/movable.ts';
import { verifyStore } from '../../src/storage/verify-store.ts';
import { changesSince, openedMailbox } from '../helpers/mailbox.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../helpers/messages.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';
import { back, buried, change, removed } from './contract/changes.ts';
import { randomChange } from './contract/feed.ts';
import { alice, bob, carol, exampleCom, exampleOrg, global } from './contract/store.ts';

/** Where a store is, or will be. */
export interface Place {
  /** A storage on it; closed by the caller. */
  storage(): Promise<Storage>;
  movable(use: MovableUse): Promise<MovableStore>;
  /** Removes the store. */
  cleanup(): Promise<void>;
}

export type OpenPlace = () => Promise<Place>;

const scopes = [global, exampleCom, exampleOrg, alice, bob, carol];
const views = ['caught', 'outgoing', 'training', 'notices'] as const;
const drops = ['Release', 'Spam'];
const owners = ['alice@example.com', 'bob@example.com', 'carol@example.org', 'example.com', 'global'].map(ownerOf);

export function copyContract(name: string, openFrom: OpenPlace, openTo: OpenPlace): void {
  const between = (run: (from: Place, to: Place) => Promise<void>) => async () => {
    const [from, to] = [await openFrom(), await openTo()];
    try {
      await run(from, to);
    } finally {
      await Promise.all([from.cleanup(), to.cleanup()]);
    }
  };

  describe(`${name}: a copy`, () => {
    for (const seed of [1, 2]) {
      test(
        `shows every login the same, goes on with the same numbers, and has no faults (seed ${seed})`,
        between(async (from, to) => {
          const ids = await using(from, (storage) => fill(storage, seededRandom(seed)));
          const before = await using(from, (storage) => everythingSeen(storage, ids));
          const report = await copy(from, to);
          assert.equal(report.messages, ids.length);
          assert.deepEqual(await using(to, (storage) => everythingSeen(storage, ids)), before);
          assert.deepEqual(
            await using(from, (storage) => everythingSeen(storage, ids)),
            before,
            'the source is as it was',
          );
          assert.deepEqual(await faultsOf(to), []);
          const next = [await using(from, goOn), await using(to, goOn)].map(withoutModseq);
          assert.deepEqual(next[1], next[0]);
        }),
      );
    }

    test(
      'of an empty store is an empty store under the same UIDVALIDITY; a restored one stays restored',
      between(async (from, to) => {
        const before = await using(from, async (storage) => {
          await storage.upkeep.markRestored();
          return everythingSeen(storage, []);
        });
        assert.equal((await copy(from, to)).messages, 0);
        assert.deepEqual(await using(to, (storage) => everythingSeen(storage, [])), before);
        assert.equal(await using(to, (storage) => storage.upkeep.isRestored()), true);
      }),
    );

    test(
      'that was cut short at any point is refused as a store, and the next one finishes it',
      between(async (from) => {
        const ids = await using(from, (storage) => fill(storage, seededRandom(7), 8));
        const before = await using(from, (storage) => everythingSeen(storage, ids));
        const cuts = new Set<string>();
        for (let nth = 1; ; nth++) {
          const to = await openTo();
          try {
            const cut = await cutShort(from, to, nth);
            if (cut === null) break;
            cuts.add(cut);
            await assert.rejects(to.storage(), refused(/unfinished copy/), cut);
            await assert.rejects(to.movable('verify'), refused(/unfinished copy/));
            const { resumed } = await copy(from, to);
            assert.equal(resumed, nth > 2, cut);
            assert.deepEqual(await using(to, (storage) => everythingSeen(storage, ids)), before, cut);
            assert.deepEqual(await faultsOf(to), []);
          } finally {
            await to.cleanup();
          }
        }
        for (const step of ['begin', 'putContents', 'putMessages', 'putRecords', 'putNumbers'])
          assert.ok(cuts.has(`after ${step}`), `after ${step}`);
        for (const step of ['putContents', 'putMessages', 'putRecords', 'putNumbers', 'finish'])
          assert.ok(cuts.has(`before ${step}`), `before ${step}`);
      }),
    );

    test(
      'goes into an empty store only, and on with a copy of the same source only',
      between(async (from, to) => {
        await using(from, (storage) => insertMessage(storage));
        await cutShort(from, to, 1);
        await using(from, (storage) => insertMessage(storage));
        await assert.rejects(copy(from, to), refused(/unfinished copy of another store, or the source was used/));
        const full = await openTo();
        try {
          await using(full, (storage) => storage.accounts.put({ name: 'global', passwordHash: 'x', createdAt: 1 }));
          await assert.rejects(copy(from, full), refused(/not empty/));
          assert.equal((await using(full, (storage) => storage.accounts.list())).length, 1);
        } finally {
          await full.cleanup();
        }
      }),
    );

    for (const part of ['contents', 'messages', 'numbers'] as const) {
      test(
        `is not finished when its ${part} are not those of the source`,
        between(async (from, to) => {
          await using(from, (storage) => insertMessage(storage));
          const [source, target] = [await from.movable('source'), await to.movable('target')];
          try {
            const spoiled = { ...target, target: spoiling(target.target, part) };
            await assert.rejects(copyStore(source, spoiled), refused(new RegExp(`: ${part} differ .*begin anew`, 's')));
          } finally {
            await Promise.all([source.close(), target.close()]);
          }
          await assert.rejects(to.storage(), refused(/unfinished copy/));
        }),
      );
    }

    test(
      'is not finished when the source was changed meanwhile',
      between(async (from, to) => {
        await using(from, (storage) => insertMessage(storage));
        const [source, target] = [await from.movable('source'), await to.movable('target')];
        let asked = 0;
        const changing = new Proxy(source.source, {
          get: (reader, name: keyof MovableReader) =>
            name === 'numbers'
              ? async () => ({ ...(await reader.numbers()), firstUidValidity: ++asked })
              : reader[name].bind(reader),
        });
        try {
          await assert.rejects(copyStore({ source: changing }, target), refused(/changed while it was copied/));
          assert.equal(asked, 2);
        } finally {
          await Promise.all([source.close(), target.close()]);
        }
        await assert.rejects(to.storage(), refused(/unfinished copy/));
      }),
    );
  });
}

function refused(text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.match(error.message, text);
    return true;
  };
}

async function using<T>(place: Place, work: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await place.storage();
  try {
    return await work(storage);
  } finally {
    await storage.close();
  }
}

async function copy(from: Place, to: Place): ReturnType<typeof copyStore> {
  const source = await from.movable('source');
  try {
    const target = await to.movable('target');
    try {
      return await copyStore(source, target, { itemsPerBatch: 7 });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

export async function faultsOf(place: Place): Promise<string[]> {
  const store = await place.movable('verify');
  try {
    const faults: string[] = [];
    const { messages } = await verifyStore(store.source, {
      onFault: ({ what, id, fault }) => faults.push(`${what} ${id}: ${fault}`),
    });
    assert.ok(messages > 0, 'there was something to verify');
    return faults;
  } finally {
    await store.close();
  }
}

/**
 * A copy whose process dies at its nth chance: after each write, and before each but the first. Answers where, null when it came to its end
 * without.
 */
async function cutShort(from: Place, to: Place, nth: number): Promise<string | null> {
  const [source, target] = [await from.movable('source'), await to.movable('target')];
  const death = new Error('killed');
  let chances = 0;
  let cut: string | null = null;
  const chance = (where: string): void => {
    if (++chances !== nth) return;
    cut = where;
    throw death;
  };
  const dying = new Proxy(target.target, {
    get: (writer, name: keyof MovableWriter) => async (argument: never) => {
      if (name !== 'begin') chance(`before ${name}`);
      const result: unknown = await writer[name](argument);
      // After the last write of all there is nothing to finish.
      if (name !== 'finish') chance(`after ${name}`);
      return result;
    },
  });
  try {
    await copyStore(source, { ...target, target: dying }, { itemsPerBatch: 8 });
  } catch (error) {
    if (error !== death) throw error;
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
  return cut;
}

function spoiling(writer: MovableWriter, part: 'contents' | 'messages' | 'numbers'): MovableWriter {
  return {
    begin: (origin) => writer.begin(origin),
    putContents: (contents) =>
      writer.putContents(
        contents.map((each) => ({ ...each, lastUsedAt: each.lastUsedAt + Number(part === 'contents') })),
      ),
    putMessages: (messages) =>
      writer.putMessages(
        messages.map((each) => ({ ...each, searched: part === 'messages' ? 'something else' : each.searched })),
      ),
    putRecords: (records) => writer.putRecords(records),
    putNumbers: (numbers) =>
      writer.putNumbers({ ...numbers, firstUidValidity: numbers.firstUidValidity + Number(part === 'numbers') }),
    finish: () => writer.finish(),
  };
}

/** Random mail with everything that may happen to it. */
async function fill(storage: Storage, random: SeededRandom, steps = 60): Promise<string[]> {
  await storage.domains.put({ ...blankDomain('example.com', 'smtp://127.0.0.1:9'), aliases: ['example.net'] });
  await storage.domains.put(blankDomain('example.org', 'mx'));
  await storage.accounts.put({ name: 'global', passwordHash: '$argon2id$…', createdAt: 5 });
  const ids: string[] = [];
  for (let step = 0; step < steps; step++) {
    const large = random.between(0, 9) === 0;
    const content = large
      ? newContent(`Subject: large ${step}\r\n\r\n${'0123456789abcdef\r\n'.repeat(40_000)}`)
      : newContent();
    const messages = Array.from({ length: random.between(1, 2) }, () =>
      newMessage({ content, owner: random.pick(owners), view: random.pick(views) }),
    );
    await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
    ids.push(...messages.map(({ id }) => id));
    for (let i = 0; i < 3; i++) await change(storage, random.pick(ids), somethingElse(random));
    const drop = { scope: random.pick(scopes), mailbox: random.pick(drops), count: random.between(1, 5) };
    await storage.commit([], drop);
  }
  const tombstone = await insertMessage(storage);
  await change(storage, tombstone.id, removed());
  await change(storage, tombstone.id, buried);
  return [...ids, tombstone.id];
}

function somethingElse(random: SeededRandom): ReturnType<typeof randomChange> {
  const origin = { by: 'global', cause: 'MOVE' as const, now: arrivedAt + random.between(0, 1000) };
  return random.pick([
    randomChange(random),
    randomChange(random),
    (message) => orderDelivery(message, origin),
    (message) => orderReport(message, 'ham', ['one', 'two'], origin),
    (message) => ({
      ...message,
      delivery: message.delivery && { ...message.delivery, state: 'done', endedAt: 0.5, lease: null },
    }),
    (message) => ({
      ...message,
      delivery: message.delivery && { ...message.delivery, parkedAt: 7, lease: { token: 't', until: arrivedAt + 1 } },
    }),
  ]);
}

/** Whatever a login, a worker or an administrator can ask for. */
async function everythingSeen(storage: Storage, ids: readonly string[]): Promise<object> {
  const { worker } = storage;
  const mailboxes = scopes.flatMap((scope) =>
    views.map(async (view) => {
      const snapshot = await openedMailbox(storage, scope, view);
      const since = [0, Math.floor(snapshot.modseq / 2), snapshot.modseq];
      return {
        snapshot,
        status: await storage.mailboxStatus(scope, view),
        listed: await storage.list(scope, view, [{ from: 1, to: 4_294_967_295 }]),
        changes: await Promise.all(since.map((modseq) => changesSince(storage, scope, view, modseq))),
        found: (await storage.find(scope, { which: 'all', limit: 1000 })).map(({ id }) => id),
      };
    }),
  );
  const { diskBytes: _disk, ...stats } = await storage.upkeep.stats();
  return {
    mailboxes: await Promise.all(mailboxes),
    drops: await Promise.all(scopes.flatMap((scope) => drops.map((drop) => storage.dropStatus(scope, drop)))),
    messages: await Promise.all(ids.map((id) => worker.get(id))),
    contents: await Promise.all(ids.map(async (id) => (await worker.contentOf(id))?.toString('latin1'))),
    readings: await storage.readings(global, ids),
    searched: (await storage.find(global, { text: 'message', which: 'all', limit: 1000 })).map(({ id }) => id),
    jobs: await Promise.all([true, false].map((ended) => worker.withJobs({ ended, limit: 1000 }))),
    due: (await worker.due(Number.MAX_SAFE_INTEGER, 1000)).map(({ id }) => id).sort(),
    nextDueAt: await worker.nextDueAt(),
    leased: (await worker.leased(arrivedAt, 1000)).map(({ id }) => id).sort(),
    ended: await Promise.all(
      [true, false].map(async (tombstones) =>
        (await worker.endedBefore({ before: Number.MAX_SAFE_INTEGER, tombstones, limit: 1000 }))
          .map(({ id }) => id)
          .sort(),
      ),
    ),
    domains: await storage.domains.list(),
    accounts: await storage.accounts.list(),
    isRestored: await storage.upkeep.isRestored(),
    stats,
  };
}

/** The same on two stores: arrivals, one of them in a domain that had none, a return, a drop. */
/** How many modseqs a change takes, and so what changed since one, is a driver's own affair; no mail program sees them. */
function withoutModseq(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) => (key === 'modseq' || key === 'changes' ? undefined : each)),
  );
}

async function goOn(storage: Storage): Promise<object> {
  const content = newContent('Subject: after the copy\r\n\r\nText.\r\n');
  const arrivals = ['alice@example.com', 'carol@example.org', 'dave@example.info'].map((login, i) =>
    newMessage({ content, owner: ownerOf(login), id: `zzz${i}` }),
  );
  await storage.insert({ content, messages: arrivals, skipKnown: false }, arrivedAt);
  await change(storage, 'zzz0', removed());
  await change(storage, 'zzz0', back());
  const { drop } = await storage.commit([], { scope: alice, mailbox: 'Release', count: 2 });
  return { drop, seen: await everythingSeen(storage, ['zzz0', 'zzz1', 'zzz2']) };
}
