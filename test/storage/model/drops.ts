// Remembers which UIDs drop folders handed out: none twice, and later ones above earlier ones. Part of the model test.
import assert from 'node:assert/strict';
import type { DropUids, MailboxState } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { loginKey } from '../../../src/storage/shown.ts';
import type { Knowledge } from './knowledge.ts';

interface Taken {
  uidValidity: number;
  from: number;
  to: number;
  answeredAt: number;
}

export interface Drops {
  took(drop: DropUids, askedAt: number, answer: { uidValidity: number; firstUid: number }): void;
  sawStatus(scope: Scope, askedAt: number, status: MailboxState): void;
}

export function createDrops(knowledge: Knowledge): Drops {
  const taken = new Map<string, Taken[]>();
  const of = (scope: Scope): Taken[] => {
    const all = taken.get(loginKey(scope)) ?? [];
    taken.set(loginKey(scope), all);
    return all;
  };
  const isBefore = (a: { uidValidity: number; uid: number }, b: { uidValidity: number; uid: number }): boolean =>
    a.uidValidity === b.uidValidity ? a.uid < b.uid : a.uidValidity < b.uidValidity;
  return {
    took({ scope, count }, askedAt, { uidValidity, firstUid }) {
      const now = { uidValidity, from: firstUid, to: firstUid + count - 1, answeredAt: knowledge.now() };
      for (const each of of(scope)) {
        const overlaps = each.uidValidity === uidValidity && each.from <= now.to && now.from <= each.to;
        assert.ok(!overlaps, `drop UIDs ${now.from}:${now.to} were handed out before, as ${each.from}:${each.to}`);
        if (each.answeredAt < askedAt)
          assert.ok(isBefore({ ...each, uid: each.to }, { uidValidity, uid: firstUid }), 'drop UIDs ascend');
      }
      of(scope).push(now);
    },
    sawStatus(scope, askedAt, { uidValidity, uidNext }) {
      for (const each of of(scope))
        if (each.answeredAt < askedAt)
          assert.ok(isBefore({ ...each, uid: each.to }, { uidValidity, uid: uidNext }), "a drop folder's UIDNEXT");
    },
  };
}
