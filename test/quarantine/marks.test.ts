// The flags that tell a message's story in the mail program: when each of $Released, $Reported and $ReleaseFailed comes and goes, as the
// login that sees the message finds it in its list.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { act } from '../../src/quarantine/act.ts';
import { claimDue } from '../../src/quarantine/claims.ts';
import type { Claim } from '../../src/quarantine/claims.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import { cancelJob } from '../../src/quarantine/jobs.ts';
import { restoreMessage } from '../../src/quarantine/operator.ts';
import { recordDelivery, recordReport } from '../../src/quarantine/outcomes.ts';
import type { RecipientOutcome } from '../../src/quarantine/target.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const alice = scopeOfLogin('alice@example.com');

/** One caught message of alice's, and what can happen to it. */
async function openScene(reportTargets = ['maildir']) {
  const test = await openTestQuarantine({ policy: { reportTargets } });
  const { id } = await insertMessage(test.storage);
  const { quarantine, storage } = test;
  const folder = (mailbox: string) => quarantine.folders.find(mailbox, 'user') as DropFolder & ViewFolder;
  const claims = (): Promise<Claim[]> =>
    claimDue(quarantine, { limit: 9, leaseMs: 10_000, exceptDomains: [], isWanted: () => true });
  return {
    [Symbol.asyncDispose]: () => test.close(),
    quarantine,
    claims,
    flags: () => flagsIn(test),
    cancel: () => cancelJob(quarantine, id, 'cli'),
    restore: () => restoreMessage(quarantine, id),
    async drop(mailbox: string, cause: 'COPY' | 'MOVE' = 'COPY') {
      const { uids } = await openedMailbox(storage, alice, 'caught');
      await act(quarantine, { scope: alice, cause, from: folder('Caught'), to: folder(mailbox), uids });
    },
    async deliver(outcome: RecipientOutcome['outcome']) {
      const [claim] = await claims();
      assert.equal(claim?.job.kind, 'delivery');
      await recordDelivery(quarantine, claim, [{ address: 'alice@example.com', outcome, reply: 'so be it' }]);
    },
  };
}

async function flagsIn({ storage }: TestQuarantine): Promise<string[]> {
  const listed = await storage.list(alice, 'caught', [{ from: 1, to: 99 }]);
  assert.equal(listed.length, 1, 'the message is shown');
  return listed[0]?.flags.toSorted() ?? [];
}

describe('$Released', () => {
  it('comes with the order to deliver and stays when the message was delivered', async () => {
    await using scene = await openScene();
    assert.deepEqual(await scene.flags(), []);
    await scene.drop('Release');
    assert.deepEqual(await scene.flags(), ['$Released']);
    await scene.deliver('accepted');
    assert.deepEqual(await scene.flags(), ['$Released']);
  });

  it('goes when the delivery is cancelled', async () => {
    await using scene = await openScene();
    await scene.drop('Release');
    await scene.cancel();
    assert.deepEqual(await scene.flags(), []);
  });

  it('is there after all when the far end took the message while the delivery was cancelled', async () => {
    await using scene = await openScene();
    await scene.drop('Release');
    const [claim] = await scene.claims();
    assert.ok(claim);
    await scene.cancel();
    const accepted = { address: 'alice@example.com', outcome: 'accepted', reply: '250 taken' } as const;
    await recordDelivery(scene.quarantine, claim, [accepted]);
    assert.deepEqual(await scene.flags(), ['$Released']);
  });

  it('is there when a delivered message is restored: it need not be released once more', async () => {
    await using scene = await openScene();
    await scene.drop('Release', 'MOVE');
    await scene.deliver('accepted');
    await scene.restore();
    assert.deepEqual(await scene.flags(), ['$Released']);
  });
});

describe('$ReleaseFailed', () => {
  it('comes with the message that could not be delivered, in the place of $Released, and goes with the next order', async () => {
    await using scene = await openScene();
    await scene.drop('Release', 'MOVE');
    await scene.deliver('permanent');
    assert.deepEqual(await scene.flags(), ['$ReleaseFailed']);
    await scene.drop('Release');
    assert.deepEqual(await scene.flags(), ['$Released']);
  });

  it('does not come as long as the delivery is tried again', async () => {
    await using scene = await openScene();
    await scene.drop('Release');
    await scene.deliver('temporary');
    assert.deepEqual(await scene.flags(), ['$Released']);
  });
});

describe('$Reported', () => {
  it('comes with the report and stays when the message comes back', async () => {
    await using scene = await openScene();
    await scene.drop('Release & Train', 'MOVE');
    await scene.deliver('permanent');
    assert.deepEqual(await scene.flags(), ['$ReleaseFailed', '$Reported']);
  });

  it('does not come where nothing is reported, because the filter knows it', async () => {
    await using scene = await openScene();
    await scene.drop('Spam');
    assert.deepEqual(await scene.flags(), []);
  });

  it('goes when the report is cancelled, and comes with the next one', async () => {
    await using scene = await openScene();
    await scene.drop('Not Spam');
    assert.deepEqual(await scene.flags(), ['$Reported']);
    await scene.cancel();
    assert.deepEqual(await scene.flags(), []);
    await scene.drop('Not Spam');
    assert.deepEqual(await scene.flags(), ['$Reported']);
  });

  it('goes together with $Released when both are cancelled', async () => {
    await using scene = await openScene();
    await scene.drop('Release & Train', 'MOVE');
    await scene.cancel();
    assert.deepEqual(await scene.flags(), []);
  });

  it('stays when only some of the filters were still to be told', async () => {
    await using scene = await openScene(['rspamd', 'maildir']);
    await scene.drop('Not Spam');
    const [claim] = await scene.claims();
    assert.ok(claim);
    await recordReport(scene.quarantine, claim, { outcome: 'done', reply: 'learned' });
    await scene.cancel();
    assert.deepEqual(await scene.flags(), ['$Reported']);
  });
});
