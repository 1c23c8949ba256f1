// What the model test knows of the messages of a store: what was written and answered, and of what nobody can say whether it was. Every
// read is compared with it. Knows nothing of drivers.
import { effectOf } from '../../../src/quarantine/message.ts';
import type { Message } from '../../../src/quarantine/message.ts';
import { rolesIn, sequencesOf, loginOf } from '../../../src/storage/shown.ts';

interface Known {
  /** As it was stored last; null once it is forgotten. */
  message: Message | null;
  /** -1: nobody was told yet that it is stored. */
  revision: number;
  /** Revision that a change was based on whose outcome is unknown; it may have happened unless a later one is known. */
  doubtful: number;
  /** Changes under way. */
  writes: number;
  /** When a change began or ended last. */
  touchedAt: number;
}

/** A write under way. */
export interface Write {
  changes: { before: Message | null; after: Message }[];
}

export interface Knowledge {
  /** Moments are numbered. */
  now(): number;
  begin(changes: Write['changes']): Write;
  /** All of it is stored: `revisions` as they were answered. */
  done(write: Write): void;
  /** Nothing of it is stored. */
  refused(write: Write): void;
  /** Nobody knows what of it is stored. */
  doubted(write: Write): void;
  /** Read while nobody writes and nothing is left to be done. */
  learn(id: string, message: Message | null): void;
  ids(): string[];
  revisionOf(id: string): number;
  /** Null where the truth is not known: somebody has been changing it since `since`. */
  truth(id: string, since: number): { message: Message | null } | null;
  /** How often a mailbox was to gain mail. */
  gains(login: string, view: string): number;
}

export function createKnowledge(): Knowledge {
  const known = new Map<string, Known>();
  const gained = new Map<string, number>();
  let clock = 0;

  function touch(id: string, writes: number): Known {
    const before = known.get(id) ?? { message: null, revision: -1, doubtful: -2, writes: 0, touchedAt: 0 };
    before.writes += writes;
    before.touchedAt = ++clock;
    known.set(id, before);
    return before;
  }

  function countGains({ before, after }: Write['changes'][number]): void {
    for (const key of sequencesOf(after.owner)) {
      const shownBefore = before ? rolesIn(key, before) : [];
      const shown = rolesIn(key, after);
      const arrives =
        !before || effectOf(before, after) === 'arrives' || shown.some((role) => !shownBefore.includes(role));
      if (!arrives) continue;
      for (const role of shown) {
        const mailbox = `${loginOf(role, after)} ${after.view}`;
        gained.set(mailbox, (gained.get(mailbox) ?? 0) + 1);
      }
    }
  }

  return {
    now: () => ++clock,
    begin(changes) {
      for (const change of changes) {
        countGains(change);
        touch(change.after.id, 1);
      }
      return { changes };
    },
    done({ changes }) {
      for (const { before, after } of changes) {
        const entry = touch(after.id, -1);
        const revision = revisionOf(before) + 1;
        if (revision <= entry.revision) continue;
        // A change that mailboxes show nothing of does not bring an earlier one into them either.
        const isSilent = before !== null && effectOf(before, after) === 'silent';
        if (isSilent && entry.revision <= entry.doubtful) entry.doubtful = Math.max(entry.doubtful, revision);
        entry.revision = revision;
        entry.message = { ...after, revision };
      }
    },
    refused({ changes }) {
      for (const { after } of changes) touch(after.id, -1);
    },
    doubted({ changes }) {
      for (const { before, after } of changes) {
        const entry = touch(after.id, -1);
        entry.doubtful = Math.max(entry.doubtful, revisionOf(before));
      }
    },
    learn(id, message) {
      const entry = touch(id, 0);
      entry.message = message;
      entry.revision = message?.revision ?? entry.revision;
      entry.doubtful = -2;
    },
    ids: () => [...known.keys()],
    revisionOf: (id) => known.get(id)?.revision ?? -1,
    truth(id, since) {
      const entry = known.get(id);
      if (!entry || entry.writes || entry.touchedAt > since || entry.revision <= entry.doubtful) return null;
      return { message: entry.message };
    },
    gains: (login, view) => gained.get(`${login} ${view}`) ?? 0,
  };
}

function revisionOf(message: Message | null): number {
  return message?.revision ?? -1;
}
