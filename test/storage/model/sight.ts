// What mailboxes have shown so far, whoever asked whichever process, and the promises that every further answer has to keep: nothing appears
// below what was seen, nothing falls, no UID is two messages, and what is known to be stored is there. A broken one throws. Part of the
// model test; knows nothing of drivers.
import assert from 'node:assert/strict';
import type { View } from '../../../src/quarantine/message.ts';
import type { MailboxState } from '../../../src/quarantine/ports.ts';
import { loginName, sequenceKey } from '../../../src/quarantine/scope.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { loginKey, shownRoles } from '../../../src/storage/shown.ts';
import type { Knowledge } from './knowledge.ts';

export interface ModelMailbox {
  scope: Scope;
  view: View;
}

export const nameOf = ({ scope, view }: ModelMailbox): string => `${view} of ${loginName(scope)}`;

/** An answer and when it was asked for and given. */
interface Seen extends MailboxState {
  mailbox: ModelMailbox;
  askedAt: number;
  answeredAt: number;
  /** Everything that the mailbox held then; null when the answer does not say. */
  uids: ReadonlySet<number> | null;
}

/** What has to be compared with messages whose UIDs are only learnt later. */
interface Later {
  seen: Seen & { uids: ReadonlySet<number> };
  shown: string[];
  notShown: string[];
}

export interface Sight {
  /** Checks the answer of a read that began at `askedAt`. `uids`: all that are in the mailbox. */
  saw(mailbox: ModelMailbox, askedAt: number, state: MailboxState, uids: Iterable<number> | null): void;
  /** Checks that UIDs of a part of a mailbox did not appear below what was seen. */
  sawSome(mailbox: ModelMailbox, askedAt: number, uidValidity: number, uids: readonly number[]): void;
  /** Which messages stand behind UIDs. */
  learnt(mailbox: ModelMailbox, uidValidity: number, messages: readonly { uid: number; id: string }[]): void;
  /** Ids of messages that are certainly shown, and certainly not, to whoever asked at `askedAt` and has the answer now. */
  certain(mailbox: ModelMailbox, askedAt: number): { shown: string[]; notShown: string[] };
  /** At the end, when the UIDs of what is left are known. */
  compareAll(): void;
}

export function createSight(knowledge: Knowledge): Sight {
  const answers: Seen[] = [];
  const later: Later[] = [];
  const ids = new Map<string, Map<number, string>>();
  const idsOf = ({ scope }: ModelMailbox, uidValidity: number, view: View): Map<number, string> => {
    const key = `${sequenceKey(scope)} ${uidValidity} ${view}`;
    const known = ids.get(key) ?? new Map<number, string>();
    ids.set(key, known);
    return known;
  };

  function earlier(mailbox: ModelMailbox, askedAt: number): Seen[] {
    const key = sequenceKey(mailbox.scope);
    return answers.filter((seen) => seen.answeredAt < askedAt && sequenceKey(seen.mailbox.scope) === key);
  }

  function checkUids(mailbox: ModelMailbox, askedAt: number, uidValidity: number, uids: Iterable<number>): void {
    const name = nameOf(mailbox);
    let last = 0;
    for (const uid of uids) {
      assert.ok(uid > last, `${name}: UIDs ascend, each is there once: ${uid} after ${last}`);
      last = uid;
      for (const seen of earlier(mailbox, askedAt)) {
        if (nameOf(seen.mailbox) !== name || seen.uidValidity !== uidValidity || !seen.uids) continue;
        assert.ok(
          uid >= seen.uidNext || seen.uids.has(uid),
          `${name}: UID ${uid} appeared although UIDNEXT had been ${seen.uidNext} without it`,
        );
      }
    }
  }

  return {
    saw(mailbox, askedAt, state, list) {
      const name = nameOf(mailbox);
      const uids = list && new Set([...list].sort((a, b) => a - b));
      for (const seen of earlier(mailbox, askedAt)) {
        assert.ok(state.modseq >= seen.modseq, `${name}: modseq fell from ${seen.modseq} to ${state.modseq}`);
        assert.ok(state.uidValidity >= seen.uidValidity, `${name}: UIDVALIDITY fell`);
        if (nameOf(seen.mailbox) === name && seen.uidValidity === state.uidValidity)
          assert.ok(state.uidNext >= seen.uidNext, `${name}: UIDNEXT fell from ${seen.uidNext} to ${state.uidNext}`);
      }
      if (uids) {
        checkUids(mailbox, askedAt, state.uidValidity, uids);
        const highest = Math.max(0, ...uids);
        assert.ok(highest < state.uidNext, `${name}: shows UID ${highest}, and UIDNEXT is ${state.uidNext}`);
      }
      const seen = { ...state, mailbox, askedAt, answeredAt: knowledge.now(), uids };
      answers.push(seen);
      if (uids) later.push({ seen: { ...seen, uids }, ...this.certain(mailbox, askedAt) });
    },
    sawSome: checkUids,
    learnt(mailbox, uidValidity, messages) {
      const known = idsOf(mailbox, uidValidity, mailbox.view);
      for (const { uid, id } of messages) {
        assert.equal(known.get(uid) ?? id, id, `${nameOf(mailbox)}: UID ${uid} was another message`);
        known.set(uid, id);
      }
    },
    certain({ scope, view }, askedAt) {
      const shown: string[] = [];
      const notShown: string[] = [];
      for (const id of knowledge.ids()) {
        const truth = knowledge.truth(id, askedAt);
        if (!truth) continue;
        const { message } = truth;
        const isShown =
          message?.view === view && shownRoles(message).includes(scope.role) && isOf(scope, message.owner);
        (isShown ? shown : notShown).push(id);
      }
      return { shown, notShown };
    },
    compareAll() {
      for (const { seen, shown, notShown } of later) {
        const name = `${nameOf(seen.mailbox)}, asked at ${seen.askedAt}`;
        const known = idsOf(seen.mailbox, seen.uidValidity, seen.mailbox.view);
        const found = [...seen.uids].flatMap((uid) => known.get(uid) ?? []);
        const there = new Set(found);
        assert.equal(there.size, found.length, `${name}: a message is there under two UIDs: ${found.join()}`);
        for (const id of notShown) assert.ok(!there.has(id), `${name}: shows ${id}, which had left`);
        const missing = shown.filter((id) => !there.has(id));
        const unknown = seen.uids.size - found.length;
        assert.ok(missing.length <= unknown, `${name}: does not show ${missing.join()}, and that was stored before`);
      }
    },
  };
}

function isOf(scope: Scope, owner: { domain: string; address: string }): boolean {
  if (scope.role === 'global') return true;
  return loginKey(scope) === (scope.role === 'domain' ? owner.domain : owner.address);
}
