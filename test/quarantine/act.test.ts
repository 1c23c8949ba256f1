// COPY and MOVE against a real store: what is committed, what is refused, what a repetition does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { act, mostCopied } from '../../src/quarantine/act.ts';
import type { DropOutcome } from '../../src/quarantine/act.ts';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import type { Refusal } from '../../src/quarantine/errors.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import type { Message, View } from '../../src/quarantine/message.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { receive } from '../../src/quarantine/receive.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

function folder(quarantine: Quarantine, mailbox: string): DropFolder & ViewFolder {
  const found = quarantine.folders.find(mailbox, 'global');
  assert.ok(found, mailbox);
  return found as unknown as DropFolder & ViewFolder;
}

interface Drag {
  as?: string;
  cause?: 'COPY' | 'MOVE';
  from?: string;
  to: string;
  uids: number[];
}

function drag(
  quarantine: Quarantine,
  { as = 'global', cause = 'MOVE', from = 'Caught', to, uids }: Drag,
): Promise<DropOutcome> {
  const scope = scopeOfLogin(as);
  return act(quarantine, { scope, cause, from: folder(quarantine, from), to: folder(quarantine, to), uids });
}

async function arrive(
  quarantine: Quarantine,
  options: { to?: string; view?: 'caught' | 'outgoing' | 'training'; header?: string } = {},
): Promise<string> {
  const { to = 'alice@example.com', view = 'caught', header = '' } = options;
  const raw = Buffer.from(`${header}Subject: ${Math.random()}\r\n\r\nbody\r\n`);
  const envelope =
    view === 'outgoing'
      ? { sender: to, recipients: ['x@remote.example', 'y@remote.example'] }
      : { sender: 's@remote.example', recipients: [to] };
  const { messages } = await receive(quarantine, { view, raw, envelope });
  assert.ok(messages[0]?.id);
  return messages[0].id;
}

async function stored(storage: Storage, id: string): Promise<Message> {
  const message = await storage.worker.get(id);
  assert.ok(message);
  return message;
}

async function uidsSeenBy(storage: Storage, login: string, view: View = 'caught'): Promise<number[]> {
  return (await openedMailbox(storage, scopeOfLogin(login), view)).uids;
}

describe('moving messages into a drop', () => {
  it('Release takes them from everybody’s view and leaves a due delivery to the envelope recipient', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage, clock } = test;
    const id = await arrive(quarantine, { to: 'Alice+shop@example.net' });
    const outcome = await drag(quarantine, { as: 'alice@example.com', to: 'Release', uids: [1] });
    assert.deepEqual(outcome.uids, [1]);
    assert.equal(outcome.refused, null);
    assert.equal(outcome.text, '1 message will be delivered to its recipients.');
    for (const login of ['global', 'example.com', 'alice@example.com'])
      assert.deepEqual(await uidsSeenBy(storage, login), []);
    const message = await stored(storage, id);
    assert.deepEqual(message.delivery?.recipients, [{ address: 'Alice+shop@example.net', state: 'pending' }]);
    assert.equal(message.delivery?.orderedBy, 'alice@example.com');
    assert.equal(message.removed?.why, 'released');
    assert.deepEqual(
      (await storage.worker.due(clock.now(), 10)).map((due) => due.id),
      [id],
    );
  });

  it('Not Spam leaves a due report at every training target and no delivery', async () => {
    await using test = await openTestQuarantine({ policy: { reportTargets: ['maildir', 'rspamd'] } });
    const id = await arrive(test.quarantine);
    await drag(test.quarantine, { to: 'Not Spam', uids: [1] });
    const message = await stored(test.storage, id);
    assert.equal(message.delivery, null);
    assert.equal(message.report?.verdict, 'ham');
    assert.deepEqual(Object.keys(message.report?.targets ?? {}), ['maildir', 'rspamd']);
  });

  it('what may not go stays, what may goes, and the sentence counts both', async () => {
    await using test = await openTestQuarantine({ policy: { trustedHosts: ['filter.example'] } });
    const { quarantine, storage } = test;
    await arrive(quarantine);
    const virus = await arrive(quarantine, {
      header:
        'X-Virus: Eicar\r\nX-Amavis-Alert: INFECTED, message contains virus: Eicar\r\nReceived: from a by filter.example; Mon, 5 Jan 2026 10:00:00 +0000\r\n',
    });
    await arrive(quarantine);
    assert.equal((await stored(storage, virus)).category, 'virus');
    const outcome = await drag(quarantine, { as: 'alice@example.com', to: 'Release', uids: [1, 2, 3] });
    assert.deepEqual(outcome.uids, [1, 3]);
    assert.equal(outcome.refused?.code, 'NOPERM');
    assert.match(
      outcome.refused?.message ?? '',
      /^2 messages will be delivered to their recipients\. 1 message stays where it is\. Messages that were quarantined as virus/,
    );
    assert.deepEqual(await uidsSeenBy(storage, 'alice@example.com'), [2]);
  });

  it('is refused as a whole when nothing may go', async () => {
    await using test = await openTestQuarantine();
    await arrive(test.quarantine, { view: 'training' });
    await assert.rejects(
      drag(test.quarantine, { from: 'Training Requested', to: 'Release', uids: [1] }),
      (error: Refusal) => {
        assert.equal(error.code, 'CANNOT');
        assert.equal(
          error.message,
          'Messages in Training Requested were already delivered. Release accepts messages from Caught and Caught (Outgoing).',
        );
        return true;
      },
    );
    assert.deepEqual(await uidsSeenBy(test.storage, 'global', 'training'), [1]);
  });

  it('ignores UIDs that are gone and answers OK', async () => {
    await using test = await openTestQuarantine();
    const outcome = await drag(test.quarantine, { to: 'Release', uids: [7, 9] });
    assert.deepEqual(outcome, {
      uids: [],
      copied: null,
      text: 'These messages are no longer here, so nothing was done.',
      refused: null,
    });
  });

  it('never reaches another login’s messages', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test.quarantine, { to: 'bob@example.com' });
    const outcome = await drag(test.quarantine, { as: 'alice@example.com', to: 'Release', uids: [1] });
    assert.deepEqual(outcome.uids, []);
    assert.equal((await stored(test.storage, id)).delivery, null);
  });

  it('reaches nothing while the quarantine is switched off for the address', async () => {
    await using test = await openTestQuarantine({
      domains: [{ name: 'example.com', quarantineOff: ['alice@example.com'] }],
    });
    const id = await arrive(test.quarantine);
    const outcome = await drag(test.quarantine, { as: 'alice@example.com', to: 'Release', uids: [1] });
    assert.deepEqual(outcome.uids, []);
    assert.equal((await stored(test.storage, id)).delivery, null);
    assert.deepEqual((await drag(test.quarantine, { as: 'example.com', to: 'Release', uids: [1] })).uids, [1]);
  });

  it('outgoing mail goes to all its original recipients, and only global may release it', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test.quarantine, { view: 'outgoing' });
    await assert.rejects(
      drag(test.quarantine, { as: 'example.com', from: 'Caught (Outgoing)', to: 'Release', uids: [1] }),
      { code: 'NOPERM' },
    );
    await drag(test.quarantine, { from: 'Caught (Outgoing)', to: 'Release', uids: [1] });
    const message = await stored(test.storage, id);
    assert.deepEqual(
      message.delivery?.recipients.map(({ address }) => address),
      ['x@remote.example', 'y@remote.example'],
    );
  });

  it('gives ascending UIDs of the drop, also across commands', async () => {
    await using test = await openTestQuarantine();
    for (let i = 0; i < 3; i++) await arrive(test.quarantine);
    const first = await drag(test.quarantine, { to: 'Release', uids: [1, 2] });
    const second = await drag(test.quarantine, { to: 'Release', uids: [3] });
    assert.equal(first.copied?.uids.length, 2);
    assert.deepEqual(second.copied?.uids, [(first.copied?.uids.at(-1) ?? 0) + 1]);
    assert.equal(second.copied?.uidValidity, first.copied?.uidValidity);
  });

  it('ten thousand messages go in one order', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const recipients = Array.from({ length: 1000 }, (_, i) => `user${i}@example.com`);
    for (let i = 0; i < 10; i++) {
      await receive(quarantine, {
        view: 'caught',
        raw: Buffer.from(`Subject: ${i}\r\n\r\n`),
        envelope: { sender: '', recipients },
      });
    }
    const uids = await uidsSeenBy(storage, 'global');
    assert.equal(uids.length, 10_000);
    const outcome = await drag(quarantine, { to: 'Release & Train', uids });
    assert.equal(outcome.text, '10000 messages will be delivered to their recipients and reported as not spam.');
    assert.deepEqual(await uidsSeenBy(storage, 'global'), []);
  });
});

describe('moving more messages than one write should take', () => {
  const raw = Buffer.from('Subject: To many\r\n\r\n');
  const recipients = Array.from({ length: 1500 }, (_, i) => `user${i}@example.com`);

  it('goes in pieces, with one answer for all; a COPY is one write', async () => {
    const commits: number[] = [];
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        commit(changes, drop) {
          commits.push(changes.length);
          return storage.commit(changes, drop);
        },
      }),
    });
    const { quarantine, storage } = test;
    await receive(quarantine, { view: 'caught', raw, envelope: { sender: '', recipients } });
    const uids = await uidsSeenBy(storage, 'global');
    await drag(quarantine, { cause: 'COPY', to: 'Not Spam', uids });
    assert.deepEqual(commits, [1500]);
    const outcome = await drag(quarantine, { to: 'Release', uids });
    assert.deepEqual(commits, [1500, 1000, 500]);
    assert.deepEqual(outcome.uids, uids);
    assert.equal(outcome.copied?.uids.length, 1500);
    assert.equal(new Set(outcome.copied?.uids).size, 1500);
    assert.equal(outcome.text, '1500 messages will be delivered to their recipients.');
  });

  it('leaves what has gone and what has not, when the store fails in between', async () => {
    let commits = 0;
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        commit: (changes, drop) =>
          ++commits === 2 ? Promise.reject(new TemporaryError('no room')) : storage.commit(changes, drop),
      }),
    });
    const { quarantine, storage } = test;
    await receive(quarantine, { view: 'caught', raw, envelope: { sender: '', recipients } });
    const uids = await uidsSeenBy(storage, 'global');
    await assert.rejects(drag(quarantine, { to: 'Release', uids }), TemporaryError);
    assert.deepEqual(await uidsSeenBy(storage, 'global'), uids.slice(1000));
    assert.equal((await storage.worker.withJobs({ ended: false, limit: Infinity })).length, 1000);
    assert.equal(
      (await drag(quarantine, { to: 'Release', uids })).text,
      '500 messages will be delivered to their recipients.',
    );
  });
});

describe('copying messages into a drop', () => {
  it('leaves them in their view, marked for every login that sees them', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    await arrive(quarantine);
    await drag(quarantine, { as: 'alice@example.com', cause: 'COPY', to: 'Release & Train', uids: [1] });
    for (const login of ['global', 'example.com', 'alice@example.com']) {
      const [listed] = await storage.list(scopeOfLogin(login), 'caught', [{ from: 1, to: 9 }]);
      assert.deepEqual(listed?.flags.toSorted(), ['$Released', '$Reported'], login);
    }
  });

  it('is all or nothing', async () => {
    await using test = await openTestQuarantine({ policy: { releaseRights: { spam: ['user'], policy: [] } } });
    const { quarantine, storage } = test;
    const ids = [await arrive(quarantine), await arrive(quarantine)];
    const second = await stored(storage, ids[1] ?? '');
    await storage.commit([{ before: second, after: { ...second, category: 'policy' } }]);
    await assert.rejects(
      drag(quarantine, { as: 'alice@example.com', cause: 'COPY', to: 'Release', uids: [1, 2] }),
      (error: Refusal) => {
        assert.match(error.message, /^Nothing was done, because 1 of the 2 messages cannot be accepted\./);
        return true;
      },
    );
    for (const id of ids) assert.equal((await stored(storage, id)).delivery, null);
  });

  it('repeated, adds nothing and is answered OK; a MOVE afterwards still removes', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const id = await arrive(quarantine);
    await drag(quarantine, { cause: 'COPY', to: 'Release', uids: [1] });
    const ordered = (await stored(storage, id)).delivery;
    const again = await drag(quarantine, { cause: 'COPY', to: 'Release', uids: [1] });
    assert.deepEqual(again.uids, [1]);
    assert.equal(again.text, '1 message had been released before, so nothing more is done.');
    await drag(quarantine, { to: 'Release', uids: [1] });
    const message = await stored(storage, id);
    assert.deepEqual(message.delivery, ordered);
    assert.deepEqual(message.visibleTo, []);
  });

  it('of two logins at the same moment, both are answered OK and one delivery is due', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const id = await arrive(quarantine);
    const logins = ['global', 'example.com', 'alice@example.com'];
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        drag(quarantine, { as: logins[i % 3], cause: i % 2 ? 'MOVE' : 'COPY', to: 'Release', uids: [1] }),
      ),
    );
    assert.ok(outcomes.some(({ text }) => text === '1 message will be delivered to its recipients.'));
    assert.equal(outcomes.filter(({ text }) => text === '1 message will be delivered to its recipients.').length, 1);
    const message = await stored(storage, id);
    assert.equal(message.delivery?.recipients.length, 1);
    assert.equal(message.holding, 1);
  });

  it('into Spam from Caught needs no report, unless ham was reported before', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const id = await arrive(quarantine);
    const nothing = await drag(quarantine, { cause: 'COPY', to: 'Spam', uids: [1] });
    assert.equal(nothing.text, '1 message was known to be spam already, so nothing is reported.');
    assert.equal((await stored(storage, id)).report, null);
    await drag(quarantine, { cause: 'COPY', to: 'Not Spam', uids: [1] });
    await drag(quarantine, { cause: 'COPY', to: 'Spam', uids: [1] });
    assert.equal((await stored(storage, id)).report?.verdict, 'spam');
  });
});

describe('deleting with the Trash folder', () => {
  it('hides the message from the login’s own role and trains nothing', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const id = await arrive(quarantine);
    const outcome = await drag(quarantine, { as: 'alice@example.com', to: 'Trash', uids: [1] });
    assert.equal(outcome.text, '1 message was deleted.');
    assert.deepEqual(await uidsSeenBy(storage, 'alice@example.com'), []);
    assert.deepEqual(await uidsSeenBy(storage, 'example.com'), [1]);
    assert.deepEqual(await uidsSeenBy(storage, 'global'), [1]);
    const message = await stored(storage, id);
    assert.equal(message.report, null);
    assert.equal(message.delivery, null);
    await drag(quarantine, { as: 'global', to: 'Trash', uids: [1] });
    assert.equal((await stored(storage, id)).removed?.why, 'deleted');
  });
});

it('a copy of more messages than memory is sure to hold is refused before any is read, and a move of as many is not', async () => {
  let asked = 0;
  await using test = await openTestQuarantine({
    wrapStorage: (storage) => ({
      ...storage,
      messagesByUid(...question) {
        asked++;
        return storage.messagesByUid(...question);
      },
    }),
  });
  const { quarantine, storage } = test;
  await arrive(quarantine);
  const uids = Array.from({ length: mostCopied + 1 }, (_, i) => i + 1);
  await assert.rejects(drag(quarantine, { cause: 'COPY', to: 'Spam', uids }), { name: 'Refusal', code: 'LIMIT' });
  assert.equal(asked, 0);
  assert.equal((await drag(quarantine, { cause: 'MOVE', to: 'Spam', uids })).uids.length, 1);
  assert.deepEqual(await uidsSeenBy(storage, 'global'), []);
});
