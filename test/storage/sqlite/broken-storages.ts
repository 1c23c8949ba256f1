// Storages that break a promise on purpose, each by changing the answers of a sound one. The model test must find each of them, or it proves
// nothing. Called by model.test.ts.
import type { Storage } from '../../../src/quarantine/ports.ts';

export type Break = (storage: Storage) => Storage;

export const brokenStorages: Record<string, Break> = {
  'shows a message later than one that came after it': (storage) => {
    // What arrived last is held back for a few answers, as a number that is taken before its message is committed.
    const heldBack = new Map<number, number>();
    const isVisible = (uid: number): boolean => {
      const answers = (heldBack.get(uid) ?? 0) + 1;
      heldBack.set(uid, answers);
      return uid % 4 !== 0 || answers > 4;
    };
    return changed(storage, {
      async openMailbox(scope, view) {
        const answer = await storage.openMailbox(scope, view);
        const uids = answer.uids.filter(isVisible);
        return { ...answer, uids, flags: new Uint32Array(uids.length), flagSets: [[]] };
      },
    });
  },

  'answers before it has written': (storage) =>
    changed(storage, {
      async insert(arrival, now) {
        setTimeout(() => void storage.insert(arrival, now).catch(() => undefined), 20);
        return arrival.messages.map((message) => ({ stored: { ...message, revision: 0 } }));
      },
    }),

  'does not tell that a message left under its former UID': (storage) =>
    changed(storage, {
      async changesSince(scope, view, since) {
        const answer = await storage.changesSince(scope, view, since);
        return answer.shown.uids.length ? { ...answer, gone: new Uint32Array() } : answer;
      },
    }),

  'counts mail of other mailboxes into UIDNEXT': (storage) =>
    changed(storage, {
      async openMailbox(scope, view) {
        const answer = await storage.openMailbox(scope, view);
        return { ...answer, uidNext: Math.max(answer.uidNext, answer.modseq) };
      },
    }),

  'hands out drop UIDs of its own': (storage) => {
    let last = 0;
    return changed(storage, {
      async commit(changes, drop) {
        const answer = await storage.commit(changes, drop);
        if (drop) last += drop.count;
        return answer.drop && drop ? { ...answer, drop: { ...answer.drop, firstUid: 1 + (last % 5) } } : answer;
      },
    });
  },
};

function changed(storage: Storage, methods: Partial<Storage>): Storage {
  const get = (target: Storage, name: keyof Storage): unknown => methods[name] ?? target[name];
  return new Proxy(storage, { get: get as (target: Storage, name: string | symbol) => unknown });
}
