// One mailbox for all its sessions: what it has after a refresh, how often it asks the store, and which mailboxes are kept.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveMailbox } from '../../src/imap/live-mailbox.ts';
import { LiveMailboxes } from '../../src/imap/live-mailboxes.ts';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import type { FlaggedUids, MailboxChanges, MailboxSnapshot, ScopedStorage } from '../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';

const address = { scope: scopeOfLogin('alice@example.com'), view: 'caught' } as const;
const bobs = { scope: scopeOfLogin('bob@example.com'), view: 'caught' } as const;

function flagged(messages: Record<number, string[]>): FlaggedUids {
  const flagSets = Object.values(messages);
  const uids = Object.keys(messages).map(Number);
  return { uids: Uint32Array.from(uids), flags: Uint32Array.from(uids, (_, i) => i), flagSets };
}

/** A store whose answers the test gives, one call after the other. */
class ScriptedStore implements Pick<ScopedStorage, 'openMailbox' | 'changesSince'> {
  uidValidity = 7;
  modseq = 1;
  messages: Record<number, string[]> = { 1: [], 2: ['\\Seen'], 3: [] };
  shown: Record<number, string[]> = {};
  gone: number[] = [];
  problem: Error | null = null;
  readonly opened: string[] = [];
  /** The `since` of each question. */
  readonly asked: number[] = [];

  async openMailbox({ role }: { role: string }): Promise<MailboxSnapshot> {
    this.opened.push(role);
    const { uidValidity, modseq } = this;
    await Promise.resolve();
    if (this.problem) throw this.problem;
    return { uidValidity, uidNext: 100, modseq, ...flagged(this.messages) };
  }

  async changesSince(_scope: unknown, _view: unknown, since: number): Promise<MailboxChanges> {
    this.asked.push(since);
    const { uidValidity, modseq, shown, gone } = this;
    await Promise.resolve();
    if (this.problem) throw this.problem;
    return { uidValidity, uidNext: 100, modseq, shown: flagged(shown), gone: Uint32Array.from(gone) };
  }
}

function contents({ messages }: LiveMailbox): Record<number, string> {
  const found: Record<number, string> = {};
  for (const { leaf } of messages.runs()) leaf.uids.forEach((uid, i) => (found[uid] = leaf.flagsAt(i).text));
  return found;
}

async function open(store: ScriptedStore): Promise<LiveMailbox> {
  return new LiveMailbox(store, address, await store.openMailbox(address.scope));
}

describe('a live mailbox', () => {
  it('follows what came, went and changed, and keeps former versions as they were', async () => {
    const store = new ScriptedStore();
    const live = await open(store);
    const before = live.messages;
    Object.assign(store, { modseq: 5, shown: { 1: ['\\Flagged'], 8: [], 9: ['work'] }, gone: [2, 4] });
    await live.refresh();
    assert.deepEqual(contents(live), { 1: '(\\Flagged)', 3: '()', 8: '()', 9: '(work)' });
    assert.equal(before.length, 3);
    assert.deepEqual(live.newsSince(before).split('\r\n'), [
      '* 2 EXPUNGE',
      '* 4 EXISTS',
      '* 1 FETCH (UID 1 FLAGS (\\Flagged))',
      '',
    ]);
    assert.equal(live.newsSince(live.messages), '');
    await live.refresh();
    assert.deepEqual(store.asked, [1, 5]);
  });

  it('shows nothing below what somebody may have seen', async () => {
    const store = new ScriptedStore();
    const live = await open(store);
    Object.assign(store, { modseq: 2, gone: [3] });
    await live.refresh();
    Object.assign(store, { modseq: 3, shown: { 3: [], 4: [] }, gone: [] });
    await live.refresh();
    assert.deepEqual(Object.keys(contents(live)), ['1', '2', '4']);
  });

  it('asks the store once for all who ask at the same moment, and again for who comes while it reads', async () => {
    const store = new ScriptedStore();
    const live = await open(store);
    const together = Array.from({ length: 50 }, () => live.refresh());
    await Promise.all(together);
    assert.equal(store.asked.length, 1);
    const first = live.refresh();
    while (store.asked.length < 2) await Promise.resolve();
    // What is committed now may be missing from the answer that is on its way.
    Object.assign(store, { modseq: 2, shown: { 4: [] } });
    const late = Array.from({ length: 50 }, () => live.refresh());
    await first;
    await Promise.all(late);
    assert.equal(store.asked.length, 3);
    assert.equal(live.messages.lastUid, 4);
  });

  it('tells everybody who asked that the store is away, and goes on afterwards', async () => {
    const store = new ScriptedStore();
    const live = await open(store);
    store.problem = new TemporaryError('away');
    const outcomes = await Promise.allSettled([live.refresh(), live.refresh()]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    store.problem = null;
    Object.assign(store, { modseq: 2, shown: { 4: [] } });
    await live.refresh();
    assert.equal(live.messages.lastUid, 4);
  });

  it('that was numbered anew stays as it was', async () => {
    const store = new ScriptedStore();
    const live = await open(store);
    Object.assign(store, { uidValidity: 8, modseq: 9, shown: { 1: ['other'] } });
    await live.refresh();
    await live.refresh();
    assert.ok(live.isRenumbered);
    assert.deepEqual(contents(live), { 1: '()', 2: '(\\Seen)', 3: '()' });
    assert.equal(store.asked.length, 1);
  });
});

describe('the live mailboxes', () => {
  it('are read once for all sessions, and are up to date for each that comes', async () => {
    const store = new ScriptedStore();
    const mailboxes = new LiveMailboxes(store);
    const [first, second] = await Promise.all([mailboxes.enter(address), mailboxes.enter(address)]);
    assert.equal(first, second);
    Object.assign(store, { modseq: 2, shown: { 4: [] } });
    const third = await mailboxes.enter(address);
    assert.equal(third, first);
    assert.equal(third.messages.lastUid, 4);
    assert.notEqual(await mailboxes.enter(bobs), first);
    assert.deepEqual(store.opened, ['user', 'user']);
    assert.deepEqual(store.asked, [1, 1], 'who opened it knows that it is up to date');
  });

  it('are kept for a while when nobody has them open', async () => {
    const store = new ScriptedStore();
    let now = 0;
    const mailboxes = new LiveMailboxes(store, () => now);
    const first = await mailboxes.enter(address);
    mailboxes.leave(address, first);
    now += 4 * 60_000;
    Object.assign(store, { modseq: 2, shown: { 4: [] } });
    const again = await mailboxes.enter(address);
    assert.equal(again, first);
    assert.equal(again.messages.lastUid, 4);
    mailboxes.leave(address, again);
    now += 6 * 60_000;
    assert.notEqual(await mailboxes.enter(address), first);
  });

  it('are kept as long as they are few and small', async () => {
    const store = new ScriptedStore();
    const mailboxes = new LiveMailboxes(store, () => 0);
    const users = Array.from({ length: 1002 }, (_, i) => ({ ...address, scope: scopeOfLogin(`u${i}@example.com`) }));
    for (const user of users) mailboxes.leave(user, await mailboxes.enter(user));
    for (const user of users.slice(1).reverse()) await mailboxes.enter(user);
    assert.equal(store.opened.length, 1003, 'two were not kept, and one of them was wanted again');
    const large = Uint32Array.from({ length: 1_500_000 }, (_, i) => i + 1);
    store.openMailbox = ({ role }) => {
      store.opened.push(role);
      const flags = new Uint32Array(large.length);
      return Promise.resolve({ uidValidity: 7, uidNext: 2_000_000, modseq: 1, uids: large, flags, flagSets: [[]] });
    };
    const [one, two] = [scopeOfLogin('example.com'), scopeOfLogin('global')].map((scope) => ({ ...address, scope }));
    assert.ok(one && two);
    for (const login of [one, two, two, one]) mailboxes.leave(login, await mailboxes.enter(login));
    assert.deepEqual(store.opened.slice(1003), ['domain', 'global', 'domain']);
  });

  it('that change while they are being left make no room disappear for others', async () => {
    const store = new ScriptedStore();
    const mailboxes = new LiveMailboxes(store, () => 0);
    const uids = Uint32Array.from({ length: 1_500_000 }, (_, i) => i + 1);
    store.openMailbox = ({ role }) => {
      store.opened.push(role);
      const flags = new Uint32Array(uids.length);
      return Promise.resolve({ uidValidity: 7, uidNext: 2_000_000, modseq: 1, uids, flags, flagSets: [[]] });
    };
    const live = await mailboxes.enter(address);
    Object.assign(store, { modseq: 2, gone: uids });
    // A connection that is lost during IDLE leaves the mailbox with a refresh under way.
    const refreshed = live.refresh();
    mailboxes.leave(address, live);
    await refreshed;
    mailboxes.leave(address, await mailboxes.enter(address));
    Object.assign(store, { modseq: 1, gone: [] });
    for (let i = 0; i < 2; i++) mailboxes.leave(bobs, await mailboxes.enter(bobs));
    assert.equal(store.opened.length, 2, 'there is room for one large mailbox');
  });

  it('that were numbered anew are opened anew, for who comes and not for who is there', async () => {
    const store = new ScriptedStore();
    const mailboxes = new LiveMailboxes(store);
    const old = await mailboxes.enter(address);
    Object.assign(store, { uidValidity: 8, messages: { 1: [] } });
    const [fresh, other] = await Promise.all([mailboxes.enter(address), mailboxes.enter(address)]);
    assert.ok(old.isRenumbered);
    assert.equal(fresh.state.uidValidity, 8);
    assert.equal(fresh, other);
    mailboxes.leave(address, old);
    mailboxes.leave(address, fresh);
    assert.equal(await mailboxes.enter(address), fresh, 'the old one took nobody along');
  });

  it('that can not be opened are tried again', async () => {
    const store = new ScriptedStore();
    const mailboxes = new LiveMailboxes(store);
    store.problem = new TemporaryError('away');
    const failed = await Promise.allSettled([mailboxes.enter(address), mailboxes.enter(address)]);
    assert.ok(failed.every(({ status }) => status === 'rejected'));
    store.problem = null;
    const live = await mailboxes.enter(address);
    store.problem = new TemporaryError('away');
    await assert.rejects(mailboxes.enter(address), TemporaryError);
    store.problem = null;
    mailboxes.leave(address, live);
    assert.equal(await mailboxes.enter(address), live);
  });
});
