// Writers and readers that are busy on one store through several processes until they are told to stop, and what they have been answered. A
// write is answered, or told to be tried again; anything else is a failure. Called by replica-set.test.ts.
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { StaleError, TemporaryError } from '../../src/quarantine/errors.ts';
import type { Message } from '../../src/quarantine/message.ts';
import type { DropUids, Storage } from '../../src/quarantine/ports.ts';
import type { Scope } from '../../src/quarantine/scope.ts';
import { openedMailbox } from '../../test/helpers/mailbox.ts';
import { arrivedAt, newContent, newMessage, ownerOf } from '../../test/helpers/messages.ts';
import { alice, exampleCom, global } from '../../test/storage/contract/store.ts';

/** Three messages that one commit puts into a category. */
export interface Group {
  category: string;
  ids: string[];
  /** First of the three UIDs of the drop folder; null: the commit was not answered. */
  firstUid: number | null;
}

export interface Load {
  /** Ids of messages whose arrival was answered. */
  stored: Set<string>;
  groups: Group[];
  /** How often somebody was told to try again later. */
  temporary: number;
  /** Resolves when so many more writes were answered. */
  more(writes: number): Promise<void>;
  /** Resolves when all have stopped; rejects with what one of them should not have seen. */
  stop(): Promise<void>;
}

const drop: DropUids = { scope: alice, mailbox: 'Release', count: 3 };

export function startLoad(storages: readonly Storage[]): Load {
  const load = { stored: new Set<string>(), groups: [] as Group[], temporary: 0 };
  let answered = 0;
  let isOver = false;
  let failure: Error | undefined;
  const goOn = (): boolean => !isOver && !failure;

  /** Undefined: to be tried again later. */
  async function attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TemporaryError || error instanceof StaleError)) throw error;
      load.temporary++;
      return undefined;
    }
  }

  async function store(storage: Storage): Promise<Message | undefined> {
    const content = newContent();
    const message = newMessage({ content, owner: ownerOf('alice@example.com') });
    const outcomes = await attempt(() => storage.insert({ content, messages: [message], skipKnown: false }, arrivedAt));
    const [outcome] = outcomes ?? [];
    if (!outcome || !('stored' in outcome)) return undefined;
    load.stored.add(message.id);
    answered++;
    return outcome.stored;
  }

  async function write(storage: Storage, name: string): Promise<void> {
    for (let i = 0; goOn(); i++) {
      const stored = [await store(storage), await store(storage), await store(storage)];
      const messages = stored.filter((message) => message !== undefined);
      if (messages.length < 3) continue;
      const category = `${name} ${i}`;
      const changes = messages.map((before) => ({ before, after: { ...before, category } }));
      const result = await attempt(() => storage.commit(changes, drop));
      if (result) answered++;
      load.groups.push({ category, ids: messages.map(({ id }) => id), firstUid: result?.drop?.firstUid ?? null });
    }
  }

  async function read(storage: Storage, scope: Scope): Promise<void> {
    let known = new Set<number>();
    let highest = 0;
    let modseq = 0;
    for (let last = false; !last;) {
      last = !goOn();
      const snapshot = await attempt(() => openedMailbox(storage, scope, 'caught'));
      if (!snapshot) continue;
      assert.ok(snapshot.modseq >= modseq, `modseq fell from ${modseq} to ${snapshot.modseq}`);
      for (const uid of snapshot.uids)
        if (!known.has(uid)) assert.ok(uid > highest, `${uid} appeared below ${highest}`);
      for (const uid of known) assert.ok(snapshot.uids.includes(uid), `${uid} was seen and is not there any more`);
      known = new Set(snapshot.uids);
      highest = Math.max(highest, snapshot.uidNext - 1);
      modseq = snapshot.modseq;
    }
  }

  const busy = storages.flatMap((storage, i) => [
    write(storage, `first of ${i}`),
    write(storage, `second of ${i}`),
    ...[global, exampleCom, alice].map((scope) => read(storage, scope)),
  ]);
  const ended = Promise.all(
    busy.map((work) =>
      work.catch((error: unknown) => {
        failure ??= error instanceof Error ? error : new Error(String(error));
      }),
    ),
  );
  return Object.assign(load, {
    async more(writes: number) {
      for (const until = answered + writes; answered < until && goOn();) await wait(20);
      if (failure) throw failure;
    },
    async stop() {
      isOver = true;
      await ended;
      if (failure) throw failure;
    },
  });
}
