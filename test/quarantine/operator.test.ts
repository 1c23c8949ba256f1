// What an administrator does to single messages from the command line: each order, each refusal, and what is left behind.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Delivery } from '../../src/quarantine/job.ts';
import type { Message } from '../../src/quarantine/message.ts';
import {
  deleteByOperator,
  releaseByOperator,
  reportByOperator,
  restoreMessage,
} from '../../src/quarantine/operator.ts';
import { comeBack } from '../../src/quarantine/orders.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { traceOf } from '../../src/quarantine/trace.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { insertMessage, ownerOf } from '../helpers/messages.ts';
import type { MessageOverrides } from '../helpers/messages.ts';
import { openTestQuarantine, testNow } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const once = { again: false };
const again = { again: true };

async function arrive({ storage }: TestQuarantine, overrides: MessageOverrides = {}): Promise<string> {
  return (await insertMessage(storage, overrides)).id;
}

async function change({ storage }: TestQuarantine, id: string, to: (message: Message) => Message): Promise<void> {
  const before = await storage.worker.get(id);
  assert.ok(before);
  await storage.commit([{ before, after: to(before) }]);
}

/** As the worker leaves it; `states` of the recipients in order. */
function ended(state: Delivery['state'], ...states: Delivery['recipients'][number]['state'][]) {
  return (message: Message): Message => ({
    ...message,
    delivery: message.delivery && {
      ...message.delivery,
      state,
      recipients: message.delivery.recipients.map((recipient, i) => ({ ...recipient, state: states[i] ?? 'pending' })),
    },
  });
}

const two = { envelope: { sender: 's@remote.example', recipients: ['x@remote.example', 'y@remote.example'] } };

function statesOf(message: Message): string[] | undefined {
  return message.delivery?.recipients.map(({ state }) => state);
}

describe('releasing a message', () => {
  it('orders its delivery and leaves it in its view, marked', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test, { category: 'virus' });
    const message = await releaseByOperator(test.quarantine, id, once);
    assert.equal(message.delivery?.orderedBy, 'cli');
    assert.deepEqual(message.delivery.recipients, [{ address: 'alice@example.com', state: 'pending' }]);
    assert.deepEqual(message.marks, ['$Released']);
    assert.deepEqual(message.visibleTo, ['global', 'domain', 'user']);
  });

  it('repeated, adds nothing', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test);
    const first = await releaseByOperator(test.quarantine, id, once);
    assert.deepEqual(await releaseByOperator(test.quarantine, id, once), first);
    assert.deepEqual(await releaseByOperator(test.quarantine, id, again), first, 'it goes to all of them as it is');
    await change(test, id, ended('done', 'accepted'));
    assert.equal((await releaseByOperator(test.quarantine, id, once)).delivery?.state, 'done');
  });

  it('that came back goes to those who have not accepted; with --again to all, told apart by its trace', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const id = await arrive(test, two);
    await releaseByOperator(quarantine, id, once);
    await change(test, id, (message) => comeBack(ended('failed', 'accepted', 'refused')(message), testNow));
    const second = await releaseByOperator(quarantine, id, once);
    assert.deepEqual(statesOf(second), ['accepted', 'pending']);
    await assert.rejects(releaseByOperator(quarantine, id, again), { code: 'CANNOT', message: /jobs cancel/ });
    await change(test, id, ended('done', 'accepted', 'accepted'));
    const third = await releaseByOperator(quarantine, id, again);
    assert.deepEqual(statesOf(third), ['pending', 'pending']);
    await change(test, id, ended('done', 'accepted', 'accepted'));
    const fourth = await releaseByOperator(quarantine, id, again);
    assert.deepEqual(
      [second, third, fourth].map((message) => traceOf(message, 'h')),
      [`${id}.2 by h`, `${id}.2.1 by h`, `${id}.2.2 by h`],
    );
  });

  it('that all recipients have accepted is refused in a later holding, unless --again', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test);
    await releaseByOperator(test.quarantine, id, once);
    await change(test, id, (message) => comeBack(ended('cancelled', 'accepted')(message), testNow));
    await assert.rejects(releaseByOperator(test.quarantine, id, once), { code: 'CANNOT', message: /--again/ });
    assert.deepEqual(statesOf(await releaseByOperator(test.quarantine, id, again)), ['pending']);
  });

  it('that was delivered by the filter needs --again', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test, { view: 'training' });
    await assert.rejects(releaseByOperator(test.quarantine, id, once), {
      code: 'CANNOT',
      message: /already delivered/,
    });
    assert.equal((await releaseByOperator(test.quarantine, id, again)).delivery?.state, 'due');
  });

  it('is refused for what is removed, what is no mail and what is not there', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const removed = await arrive(test);
    await deleteByOperator(quarantine, removed);
    const notice = await arrive(test, { view: 'notices', owner: ownerOf('alice@example.com') });
    const report = await arrive(test, { view: 'reports' });
    for (const option of [once, again]) {
      await assert.rejects(releaseByOperator(quarantine, removed, option), { code: 'CANNOT', message: /Restore it/ });
      await assert.rejects(releaseByOperator(quarantine, notice, option), { code: 'CANNOT', message: /notice/ });
      await assert.rejects(releaseByOperator(quarantine, report, option), { code: 'CANNOT' });
      await assert.rejects(releaseByOperator(quarantine, 'nothing', option), { code: 'NONEXISTENT' });
    }
  });
});

describe('reporting a message', () => {
  it('is due at every target, also when the filter classed it so itself, and once', async () => {
    await using test = await openTestQuarantine({ policy: { reportTargets: ['a', 'b'] } });
    const id = await arrive(test);
    const first = await reportByOperator(test.quarantine, id, 'spam');
    assert.deepEqual(Object.keys(first.report?.targets ?? {}), ['a', 'b']);
    assert.deepEqual(first.marks, ['$Reported']);
    assert.deepEqual(await reportByOperator(test.quarantine, id, 'spam'), first);
    assert.equal((await reportByOperator(test.quarantine, id, 'ham')).report?.verdict, 'ham');
  });

  it('works as long as its content is there, held or not', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const id = await arrive(test);
    await deleteByOperator(quarantine, id);
    assert.equal((await reportByOperator(quarantine, id, 'ham')).report?.verdict, 'ham');
    await change(test, id, (message) => ({ ...message, contentReleased: true }));
    assert.equal((await reportByOperator(quarantine, id, 'ham')).report?.verdict, 'ham', 'nothing more to do');
    await assert.rejects(reportByOperator(quarantine, id, 'spam'), { code: 'CANNOT' });
    const notice = await arrive(test, { view: 'notices', owner: ownerOf('alice@example.com') });
    await assert.rejects(reportByOperator(quarantine, notice, 'spam'), { code: 'CANNOT' });
  });
});

describe('deleting and restoring a message', () => {
  it('takes it from everybody and brings it back to everybody, under new UIDs', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const id = await arrive(test);
    const deleted = await deleteByOperator(quarantine, id);
    assert.deepEqual(deleted.removed, { at: testNow, why: 'deleted', by: 'cli' });
    assert.deepEqual(await deleteByOperator(quarantine, id), deleted);
    test.clock.advance(1000);
    const back = await restoreMessage(quarantine, id);
    assert.equal(back.removed, null);
    assert.equal(back.heldSince, testNow + 1000, 'its retention starts again');
    for (const login of ['global', 'example.com', 'alice@example.com'])
      assert.deepEqual((await openedMailbox(storage, scopeOfLogin(login), 'caught')).uids, [2], login);
  });

  it('restores what only its user has deleted', async () => {
    await using test = await openTestQuarantine();
    const id = await arrive(test, { visibleTo: ['global', 'domain'] });
    assert.deepEqual((await restoreMessage(test.quarantine, id)).visibleTo, ['global', 'domain', 'user']);
  });

  it('keeps what was delivered apart: a new release goes only to those who have not accepted', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const id = await arrive(test, two);
    await releaseByOperator(quarantine, id, once);
    await change(test, id, ended('failed', 'accepted', 'refused'));
    await deleteByOperator(quarantine, id);
    assert.deepEqual((await restoreMessage(quarantine, id)).marks, []);
    assert.deepEqual(statesOf(await releaseByOperator(quarantine, id, once)), ['accepted', 'pending']);
  });

  it('is refused for what never left, while a delivery is due, and when the content is gone', async () => {
    await using test = await openTestQuarantine();
    const { quarantine } = test;
    const id = await arrive(test);
    await assert.rejects(restoreMessage(quarantine, id), { code: 'CANNOT', message: /nothing to restore/ });
    await releaseByOperator(quarantine, id, once);
    await deleteByOperator(quarantine, id);
    await assert.rejects(restoreMessage(quarantine, id), { code: 'CANNOT', message: /jobs cancel/ });
    await change(test, id, (message) => ({ ...ended('done', 'accepted')(message), contentReleased: true }));
    await assert.rejects(restoreMessage(quarantine, id), { code: 'CANNOT', message: /undo period/ });
    await assert.rejects(restoreMessage(quarantine, await arrive(test, { view: 'reports', visibleTo: [] })), {
      code: 'CANNOT',
    });
    await assert.rejects(restoreMessage(quarantine, 'nothing'), { code: 'NONEXISTENT' });
  });
});
