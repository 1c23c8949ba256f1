// APPEND: which message appended bytes stand for, and what is done with bytes that stand for none.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { append } from '../../src/quarantine/append.ts';
import type { AppendOutcome } from '../../src/quarantine/append.ts';
import { claimDue } from '../../src/quarantine/claims.ts';
import { expunge, storeFlags } from '../../src/quarantine/flags.ts';
import type { DropFolder } from '../../src/quarantine/folder.ts';
import { cancelJob } from '../../src/quarantine/jobs.ts';
import { firstHolding } from '../../src/quarantine/message.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { insertFailureNotice } from '../../src/quarantine/failure-notice.ts';
import { deleteByOperator } from '../../src/quarantine/operator.ts';
import { removeForAll } from '../../src/quarantine/orders.ts';
import { recordDelivery } from '../../src/quarantine/outcomes.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { readMessage } from '../../src/quarantine/reading/read-message.ts';
import { receive } from '../../src/quarantine/receive.ts';
import { sweep } from '../../src/quarantine/retention.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { openTestQuarantine, testNow } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;
const mail = (subject: string, messageId = `<${subject.replaceAll(' ', '.')}@remote.example>`): Buffer =>
  Buffer.from(
    `Message-ID: ${messageId}\r\nFrom: Sender <s@remote.example>\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\nSubject: ${subject}\r\n\r\nHello.\r\n`,
  );

function appendAs(quarantine: Quarantine, login: string, mailbox: string, raw: Buffer): Promise<AppendOutcome> {
  const to = quarantine.folders.find(mailbox, 'global');
  assert.ok(to?.kind === 'drop');
  return append(quarantine, { scope: scopeOfLogin(login), to: to satisfies DropFolder, raw });
}

async function arrive(quarantine: Quarantine, raw: Buffer, ...recipients: string[]): Promise<string[]> {
  const to = recipients.length ? recipients : ['alice@example.com'];
  const { messages } = await receive(quarantine, {
    view: 'caught',
    raw,
    envelope: { sender: 's@remote.example', recipients: to },
  });
  return messages.map(({ id }) => id ?? '');
}

async function get({ storage }: TestQuarantine, id: string | undefined): Promise<Message> {
  const message = await storage.worker.get(id ?? '');
  assert.ok(message);
  return message;
}

/** Does what is due, as the worker would when the far end accepts. */
async function deliver(quarantine: Quarantine): Promise<void> {
  const claims = await claimDue(quarantine, {
    limit: 9,
    leaseMs: 1000,
    exceptDomains: [],
    isWanted: (_message, job) => job.kind === 'delivery',
  });
  for (const claim of claims) {
    const recipients = claim.message.delivery?.recipients ?? [];
    await recordDelivery(
      quarantine,
      claim,
      recipients.map(({ address }) => ({ address, outcome: 'accepted', reply: '250 ok' })),
    );
  }
}

/** All messages that only stand for appended bytes. */
async function reports({ storage }: TestQuarantine): Promise<Message[]> {
  return storage.find({ role: 'global' }, { view: 'reports', which: 'all' });
}

describe('appending to Release', () => {
  it('releases the held message with the same bytes, like a COPY', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    const outcome = await appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one'));
    assert.equal(outcome.text, '1 message will be delivered to its recipients.');
    const message = await get(test, id);
    assert.equal(message.delivery?.cause, 'APPEND');
    assert.deepEqual(message.visibleTo.toSorted(), ['domain', 'global', 'user']);
    assert.deepEqual(message.marks, ['$Released']);
  });

  it('knows the message under the lines that Thunderbird adds', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    const raw = Buffer.concat([
      Buffer.from(`X-Mozilla-Status: 0001\r\nX-Mozilla-Keys:${' '.repeat(80)}\r\n`),
      mail('one'),
    ]);
    await appendAs(test.quarantine, 'alice@example.com', 'Release', raw);
    assert.equal((await get(test, id)).delivery?.state, 'due');
  });

  it('finds a message that the client wrote anew by Message-ID, From, Date and Subject; the stored bytes stay', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    const rewritten = Buffer.concat([mail('one'), Buffer.from('A footer of the mail program.\r\n')]);
    await appendAs(test.quarantine, 'alice@example.com', 'Release', rewritten);
    const message = await get(test, id);
    assert.equal(message.delivery?.state, 'due');
    assert.deepEqual(await test.storage.worker.contentOf(message.id), mail('one'));
  });

  it('does not find it by Message-ID alone', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one', '<same@remote.example>'));
    await assert.rejects(
      appendAs(test.quarantine, 'alice@example.com', 'Release', mail('another subject', '<same@remote.example>')),
      {
        code: 'CANNOT',
        message:
          'This message is not in the quarantine, so it cannot be released. Release accepts messages from Caught and Caught (Outgoing).',
      },
    );
    assert.equal((await get(test, id)).delivery, null);
  });

  it('is refused for mail from elsewhere: nobody can send mail through us', async () => {
    await using test = await openTestQuarantine();
    await assert.rejects(appendAs(test.quarantine, 'global', 'Release & Train', mail('foreign')), { code: 'CANNOT' });
    assert.deepEqual(await reports(test), []);
  });

  it('is refused for another login’s message', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'), 'bob@example.com');
    await assert.rejects(appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one')), { code: 'CANNOT' });
    assert.equal((await get(test, id)).delivery, null);
  });

  it('is refused when the message is held for several owners, and accepted for a login that sees one of them', async () => {
    await using test = await openTestQuarantine();
    const ids = await arrive(test.quarantine, mail('one'), 'alice@example.com', 'bob@example.com');
    await assert.rejects(
      appendAs(test.quarantine, 'example.com', 'Release', mail('one')),
      /several messages that this one may be/,
    );
    await appendAs(test.quarantine, 'bob@example.com', 'Release', mail('one'));
    assert.equal((await get(test, ids[0])).delivery, null);
    assert.equal((await get(test, ids[1])).delivery?.state, 'due');
    // Again, as the domain: one of the two was not released, so whose copy is meant is still not clear.
    await assert.rejects(
      appendAs(test.quarantine, 'example.com', 'Release', mail('one')),
      /several messages that this one may be/,
    );
  });

  it('is refused when the same recipient has it twice, and nothing is said of other recipients', async () => {
    await using test = await openTestQuarantine();
    const ids = [...(await arrive(test.quarantine, mail('one'))), ...(await arrive(test.quarantine, mail('one')))];
    await assert.rejects(
      appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one')),
      /^Refusal: The quarantine knows several messages that this one may be, so it is not clear which is meant\. Drag it from/,
    );
    for (const id of ids) assert.equal((await get(test, id)).delivery, null);
  });

  it('by a domain for one recipient, repeated late, does not release another recipient’s copy', async () => {
    await using test = await openTestQuarantine();
    const [alices, bobs] = await arrive(test.quarantine, mail('one'), 'alice@example.com', 'bob@example.com');
    await appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one'));
    await deleteByOperator(test.quarantine, alices ?? '');
    // One copy is left in view, but it is not the one that was meant.
    await assert.rejects(
      appendAs(test.quarantine, 'example.com', 'Release', mail('one')),
      /several messages that this one may be/,
    );
    assert.equal((await get(test, bobs)).delivery, null);
  });

  it('repeated, adds nothing, also when the message has left its view meanwhile', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    await appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one'));
    const ordered = (await get(test, id)).delivery;
    assert.match(
      (await appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one'))).text,
      /so nothing more is done\.$/,
    );
    await storeFlags(test.quarantine, {
      scope: scopeOfLogin('global'),
      view: 'caught',
      uids: [1],
      action: 'add',
      flags: ['\\Deleted'],
    });
    await expunge(test.quarantine, { scope: scopeOfLogin('global'), view: 'caught', uids: [1] });
    const outcome = await appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one'));
    assert.match(outcome.text, /so nothing more is done\.$/);
    assert.deepEqual((await get(test, id)).delivery, ordered);
  });

  it('of a message that was deleted says so', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    await deleteByOperator(test.quarantine, id ?? '');
    await assert.rejects(
      appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one')),
      /no longer in the quarantine/,
    );
  });

  it('of a message that was reported as spam does not say that it was deleted or has expired', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    const before = await get(test, id);
    await test.storage.commit([{ before, after: removeForAll(before, 'reported', 'alice@example.com', testNow) }]);
    await assert.rejects(
      appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one')),
      /: it was reported, was deleted or has expired\./,
    );
  });

  it('written anew, of a message whose content is gone, is refused by a folder that would also report it', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, clock } = test;
    const [id] = await arrive(quarantine, mail('one'));
    await appendAs(quarantine, 'alice@example.com', 'Release', mail('one'));
    await deliver(quarantine);
    await deleteByOperator(quarantine, id ?? '');
    clock.advance(3 * dayMs);
    await sweep(quarantine);
    const rewritten = Buffer.concat([mail('one'), Buffer.from('A footer of the mail program.\r\n')]);
    await assert.rejects(appendAs(quarantine, 'alice@example.com', 'Release & Train', rewritten), { code: 'CANNOT' });
    assert.equal((await get(test, id)).report, null);
    const again = await appendAs(quarantine, 'alice@example.com', 'Release', rewritten);
    assert.match(again.text, /released before/);
  });

  it('finds the held message however often others reported the same bytes', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage, clock } = test;
    const [id] = await arrive(quarantine, mail('one'));
    const held = await get(test, id);
    const report = {
      ...held,
      ...firstHolding('reports', { domain: 'example.com', address: 'bob@example.com' }, clock.now()),
      removed: { at: clock.now(), why: 'reported' as const, by: 'bob@example.com' },
    };
    const content = { digest: held.digest, bytes: mail('one'), reading: readMessage(mail('one')) };
    const messages = Array.from({ length: 120 }, (_, i) => ({ ...report, id: `report${i}` }));
    await storage.insert({ content, messages, skipKnown: false }, clock.now());
    const outcome = await appendAs(quarantine, 'example.com', 'Release', mail('one'));
    assert.equal(outcome.text, '1 message will be delivered to its recipients.');
  });

  it('keeps to the rights of the login', async () => {
    await using test = await openTestQuarantine({ policy: { releaseRights: { spam: ['global'] } } });
    await arrive(test.quarantine, mail('one'));
    await assert.rejects(appendAs(test.quarantine, 'alice@example.com', 'Release', mail('one')), { code: 'NOPERM' });
  });
});

describe('appending to Spam and Not Spam', () => {
  it('reports mail from elsewhere as it was appended, and acts on no held message', async () => {
    await using test = await openTestQuarantine();
    const raw = Buffer.concat([Buffer.from('X-Mozilla-Keys: \r\n'), mail('from my inbox')]);
    const outcome = await appendAs(test.quarantine, 'alice@example.com', 'Spam', raw);
    assert.equal(outcome.text, '1 message will be reported as spam.');
    const [report] = await reports(test);
    assert.equal(report?.report?.verdict, 'spam');
    assert.deepEqual(report?.owner, { domain: 'example.com', address: 'alice@example.com' });
    assert.deepEqual(await test.storage.worker.contentOf(report?.id ?? ''), mail('from my inbox'));
  });

  it('is shown in no mailbox', async () => {
    await using test = await openTestQuarantine();
    await appendAs(test.quarantine, 'alice@example.com', 'Spam', mail('from my inbox'));
    for (const view of ['caught', 'outgoing', 'training', 'notices'] as const) {
      for (const login of ['global', 'example.com', 'alice@example.com']) {
        assert.deepEqual((await openedMailbox(test.storage, scopeOfLogin(login), view)).uids, []);
      }
    }
  });

  it('twice the same verdict is one report; the opposite supersedes it', async () => {
    await using test = await openTestQuarantine();
    await appendAs(test.quarantine, 'example.com', 'Spam', mail('one'));
    assert.match(
      (await appendAs(test.quarantine, 'example.com', 'Spam', mail('one'))).text,
      /so nothing is reported\.$/,
    );
    assert.equal((await reports(test)).length, 1);
    await appendAs(test.quarantine, 'example.com', 'Not Spam', mail('one'));
    const found = await reports(test);
    assert.equal(found.length, 1);
    assert.equal(found[0]?.report?.verdict, 'ham');
  });

  it('to both folders at the same moment leaves the verdict of one of them, and says so to nobody wrongly', async () => {
    const both = Promise.withResolvers<void>();
    let inserts = 0;
    await using test = await openTestQuarantine({
      wrapStorage: (storage) => ({
        ...storage,
        async insert(arrival, now) {
          if (++inserts === 2) both.resolve();
          await both.promise;
          return storage.insert(arrival, now);
        },
      }),
    });
    const { quarantine } = test;
    const outcomes = await Promise.all([
      appendAs(quarantine, 'alice@example.com', 'Spam', mail('one')),
      appendAs(quarantine, 'alice@example.com', 'Not Spam', mail('one')),
    ]);
    assert.deepEqual(
      outcomes.map(({ text }) => text),
      ['1 message will be reported as spam.', '1 message will be reported as not spam.'],
    );
    const [report, ...others] = await reports(test);
    assert.deepEqual(others, []);
    // Whichever came first was stored at revision 0; the other one superseded it.
    assert.equal(report?.revision, 1);
  });

  it('again after the report was cancelled is a new order', async () => {
    await using test = await openTestQuarantine();
    await appendAs(test.quarantine, 'alice@example.com', 'Spam', mail('one'));
    const [report] = await reports(test);
    await cancelJob(test.quarantine, report?.id ?? '', 'cli');
    const again = await appendAs(test.quarantine, 'alice@example.com', 'Spam', mail('one'));
    assert.equal(again.text, '1 message will be reported as spam.');
    assert.equal((await get(test, report?.id)).report?.targets.maildir?.state, 'due');
  });

  it('reports the held message when the bytes are the same', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    await appendAs(test.quarantine, 'alice@example.com', 'Not Spam', mail('one'));
    assert.equal((await get(test, id)).report?.verdict, 'ham');
    assert.deepEqual(await reports(test), []);
  });

  it('does not take a message written anew for the held one', async () => {
    await using test = await openTestQuarantine();
    const [id] = await arrive(test.quarantine, mail('one'));
    await appendAs(test.quarantine, 'alice@example.com', 'Not Spam', Buffer.concat([mail('one'), Buffer.from('x')]));
    assert.equal((await get(test, id)).report, null);
    assert.equal((await reports(test)).length, 1);
  });

  it('reports for many users by one domain login, without touching what several of them hold', async () => {
    await using test = await openTestQuarantine();
    const ids = await arrive(test.quarantine, mail('one'), 'alice@example.com', 'bob@example.com');
    await appendAs(test.quarantine, 'example.com', 'Not Spam', mail('one'));
    for (const id of ids) assert.equal((await get(test, id)).report, null);
    assert.equal((await reports(test)).length, 1);
  });

  it('remembers the verdict of a message whose content is long gone, and can still report the opposite', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage, clock } = test;
    const [id] = await arrive(quarantine, mail('one'));
    await deleteByOperator(quarantine, id ?? '');
    clock.advance(3 * dayMs);
    await sweep(quarantine);
    clock.advance(dayMs);
    await sweep(quarantine);
    assert.equal(await storage.worker.contentOf(id ?? ''), null);
    await appendAs(quarantine, 'alice@example.com', 'Not Spam', mail('one'));
    const message = await get(test, id);
    assert.equal(message.report?.verdict, 'ham');
    assert.equal(message.contentReleased, false);
    assert.deepEqual(await storage.worker.contentOf(id ?? ''), mail('one'));
  });
});

describe('what cannot be appended', () => {
  it('a notice of the quarantine: it is no mail, and the filter must not learn it', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    const [id] = await arrive(quarantine, mail('one'));
    await appendAs(quarantine, 'alice@example.com', 'Release', mail('one'));
    await insertFailureNotice(quarantine, await get(test, id), testNow);
    const scope = scopeOfLogin('alice@example.com');
    const [notice] = await storage.find(scope, { view: 'notices' });
    const bytes = await storage.content(scope, notice?.id ?? '');
    for (const mailbox of ['Spam', 'Not Spam', 'Release'])
      await assert.rejects(appendAs(quarantine, 'alice@example.com', mailbox, bytes ?? Buffer.alloc(0)), {
        code: 'CANNOT',
      });
    assert.deepEqual(await reports(test), []);
  });

  it('an empty message, one that is too large, and anything to Trash', async () => {
    await using test = await openTestQuarantine({ policy: { maxMessageBytes: 2_000_000 } });
    const { quarantine } = test;
    await assert.rejects(appendAs(quarantine, 'global', 'Spam', Buffer.from('X-Mozilla-Keys: a\r\n')), {
      code: 'CANNOT',
    });
    await assert.rejects(appendAs(quarantine, 'global', 'Spam', Buffer.alloc(2_000_001)), {
      code: 'TOOBIG',
      message: 'This message is too large: messages of up to 2 MB are accepted.',
    });
    await assert.rejects(appendAs(quarantine, 'global', 'Trash', mail('one')), { code: 'CANNOT' });
    assert.deepEqual(await reports(test), []);
  });
});
