// The notice that a release failed: whose INBOX it is in, what it says, and that a repetition adds nothing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import german from '../../src/languages/de.ts';
import type { Delivery } from '../../src/quarantine/job.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { insertFailureNotice } from '../../src/quarantine/failure-notice.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { insertMessage, newContent, ownerOf } from '../helpers/messages.ts';
import type { MessageOverrides } from '../helpers/messages.ts';
import { openTestQuarantine, testNow } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const reply = '550 5.1.1 <alice@example.com>: no such user here';

interface Failure extends MessageOverrides {
  by?: string;
  recipients?: Delivery['recipients'];
}

async function fail(test: TestQuarantine, { by = 'alice@example.com', recipients, ...failed }: Failure = {}) {
  const stored = await insertMessage(test.storage, failed);
  const message: Message = {
    ...stored,
    delivery: {
      holding: stored.holding,
      orderedAt: testNow,
      orderedBy: by,
      cause: 'MOVE',
      state: 'failed',
      recipients: recipients ?? [{ address: 'alice@example.com', state: 'refused', reply }],
      attempts: 1,
      nextAttemptAt: testNow,
      lastDelayMs: 0,
      lease: null,
    },
  };
  await insertFailureNotice(test.quarantine, message, testNow);
  return message;
}

async function noticesOf({ storage }: TestQuarantine, login: string): Promise<string[]> {
  const scope = scopeOfLogin(login);
  const { uids } = await openedMailbox(storage, scope, 'notices');
  const shown = await storage.messagesByUid(scope, 'notices', uids);
  return Promise.all(shown.map(async ({ message }) => String(await storage.content(scope, message.id))));
}

async function whoIsTold(test: TestQuarantine): Promise<string[]> {
  const told: string[] = [];
  for (const login of ['global', 'example.com', 'alice@example.com', 'bob@example.com'])
    for (const _ of await noticesOf(test, login)) told.push(login);
  return told;
}

describe('the notice of a failed release', () => {
  for (const by of ['global', 'example.com', 'alice@example.com']) {
    it(`is for the login that gave the order and nobody else: ${by}`, async () => {
      await using test = await openTestQuarantine();
      await fail(test, { by });
      assert.deepEqual(await whoIsTold(test), [by]);
    });
  }

  it('is for the owner when the order came from the command line', async () => {
    await using test = await openTestQuarantine();
    await fail(test, { by: 'cli' });
    assert.deepEqual(await whoIsTold(test), ['alice@example.com']);
  });

  it('of outgoing mail is for the domain then, whose login sees the message, or for global', async () => {
    await using test = await openTestQuarantine();
    await fail(test, { by: 'cli', view: 'outgoing' });
    assert.deepEqual(await whoIsTold(test), ['example.com']);
    await fail(test, { by: 'cli', view: 'outgoing', owner: ownerOf('global') });
    assert.deepEqual(await whoIsTold(test), ['global', 'example.com']);
  });

  it('is there once, however often it is written, and once for each holding', async () => {
    await using test = await openTestQuarantine();
    const message = await fail(test);
    await insertFailureNotice(test.quarantine, message, testNow + 60_000);
    assert.equal((await noticesOf(test, 'alice@example.com')).length, 1);
    await insertFailureNotice(test.quarantine, { ...message, holding: 2 }, testNow);
    assert.equal((await noticesOf(test, 'alice@example.com')).length, 2);
  });

  it('holds the far end’s words on a line of their own, and says who has got the message', async () => {
    await using test = await openTestQuarantine();
    const content = newContent('Subject: An order\r\n\r\n');
    const { id } = await fail(test, {
      content,
      recipients: [
        { address: 'x@remote.example', state: 'accepted', reply: '250 ok' },
        { address: 'y@remote.example', state: 'refused', reply },
        { address: 'z@remote.example', state: 'refused' },
      ],
    });
    const [notice = ''] = await noticesOf(test, 'alice@example.com');
    const lines = notice.split('\r\n');
    assert.ok(lines.includes('Subject: Release failed: An order'));
    assert.ok(lines.includes('Date: Mon, 05 Jan 2026 10:00:00 +0000'));
    assert.ok(lines.includes('The release of "An order" failed.'));
    assert.ok(lines.includes('From: s@remote.example') || lines.includes('From: sender@remote.example'));
    assert.ok(lines.includes(`    ${reply}`));
    assert.ok(lines.includes('It could not be delivered to z@remote.example. The other server said nothing.'));
    assert.ok(lines.includes('It was delivered to x@remote.example.'));
    assert.ok(lines.includes(`Message ${id}`));
    assert.match(notice, /Content-Transfer-Encoding: 8bit/);
  });

  it('can be made to say nothing else: subject, sender and words of strangers stay on their lines', async () => {
    await using test = await openTestQuarantine();
    const content = newContent('Subject: =?utf-8?Q?a=0D=0ABcc:_victim@remote.example=0D=0A=0D=0Abody?=\r\n\r\n');
    await fail(test, {
      content,
      envelope: { sender: 'a\r\nX-Evil: 1@remote.example', recipients: ['alice@example.com'] },
      recipients: [{ address: 'alice@example.com', state: 'refused', reply: '550 no\r\nX-Evil: 2' }],
    });
    const [notice = ''] = await noticesOf(test, 'alice@example.com');
    assert.doesNotMatch(notice, /^(Bcc|X-Evil)/im);
    assert.equal(notice.indexOf('\r\n\r\n'), notice.search(/\r\n\r\nThe release of/));
  });

  it('shows a subject of any script, in encoded words of whole characters', async () => {
    await using test = await openTestQuarantine();
    const subject = 'Счёт на оплату 請求書 🚀'.repeat(3);
    await fail(test, { content: newContent(`Subject: ${subject}\r\n\r\n`) });
    const scope = scopeOfLogin('alice@example.com');
    const [notice] = await test.storage.find(scope, { view: 'notices' });
    const [reading] = await test.storage.readings(scope, [notice?.id ?? '']);
    assert.equal(reading?.summary.subject, `Release failed: ${subject}`);
    const [text = ''] = await noticesOf(test, 'alice@example.com');
    for (const line of text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n')) assert.ok(line.length <= 78, line);
    assert.ok(text.includes(`The release of "${subject}" failed.`));
  });

  it('is written in the language of the settings', async () => {
    await using test = await openTestQuarantine({ sentences: german });
    await fail(test, { content: newContent('Subject: Grüße\r\n\r\n') });
    const [notice = ''] = await noticesOf(test, 'alice@example.com');
    assert.match(notice, /^Content-Language: de\r$/m);
    assert.match(notice, /^Die Freigabe von „Grüße“ ist fehlgeschlagen\.\r$/m);
    assert.ok(notice.includes(`    ${reply}\r\n`));
    const scope = scopeOfLogin('alice@example.com');
    const [message] = await test.storage.find(scope, { view: 'notices' });
    const [reading] = await test.storage.readings(scope, [message?.id ?? '']);
    assert.equal(reading?.summary.subject, 'Freigabe fehlgeschlagen: Grüße');
    assert.equal(reading.summary.from, 'Quarantäne <quarantine@quarantine.example.test>');
  });

  it('says what it knows of a bounce without a subject', async () => {
    await using test = await openTestQuarantine();
    const envelope = { sender: '', recipients: ['alice@example.com'] };
    await fail(test, { content: newContent('\r\nbody\r\n'), envelope });
    const [notice = ''] = await noticesOf(test, 'alice@example.com');
    assert.match(notice, /^Subject: Release failed: \(no subject\)\r$/m);
    assert.match(notice, /^From: <> \(a bounce\)\r$/m);
  });
});
