// What every door of the intake relies on, at the domain's own boundary.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import type { Message } from '../../src/quarantine/message.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { newMessageId, ownerFor, receive, Rejection } from '../../src/quarantine/receive.ts';
import type { IncomingMail, Received } from '../../src/quarantine/receive.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine, TestQuarantineOptions } from '../helpers/quarantine.ts';

const raw = Buffer.from(
  [
    'X-Rspamd-Action: reject',
    'X-Spam-Score: 17.3',
    'Received: from remote by filter.example.com; now',
    'Message-ID: <1@remote.example>',
    'From: Friend <friend@remote.example>',
    'To: somebody@else.example',
    'Date: Sat, 6 Jul 2002 09:15:01 +0000',
    'Subject: Win',
    '',
    'Dear friend',
    '',
  ].join('\r\n'),
);

interface Bench extends TestQuarantine {
  receive(mail: Partial<IncomingMail> & { recipients: string[]; sender?: string }): Promise<Received>;
  /** Oldest first. */
  held(): Promise<Message[]>;
}

async function bench(t: TestContext, options: TestQuarantineOptions = {}): Promise<Bench> {
  const opened = await openTestQuarantine(options);
  t.after(opened.close);
  return {
    ...opened,
    receive: ({ recipients, sender = 'friend@remote.example', ...mail }) =>
      receive(opened.quarantine, { view: 'caught', raw, envelope: { sender, recipients }, ...mail }),
    held: async () => (await opened.storage.find({ role: 'global' }, { which: 'all' })).reverse(),
  };
}

describe('incoming mail', () => {
  test('is one message for each recipient of the envelope, whatever its header says, with one content', async (t) => {
    const b = await bench(t);
    const { messages } = await b.receive({ recipients: ['Alice+x@example.net', 'bob@example.com'] });
    const held = await b.held();
    assert.deepEqual(
      messages,
      held.map(({ id, envelope }) => ({ id, recipient: envelope.recipients[0] })),
    );
    assert.deepEqual(
      held.map(({ owner, envelope }) => [owner, envelope]),
      [
        [
          { domain: 'example.com', address: 'alice@example.com' },
          { sender: 'friend@remote.example', recipients: ['Alice+x@example.net'] },
        ],
        [
          { domain: 'example.com', address: 'bob@example.com' },
          { sender: 'friend@remote.example', recipients: ['bob@example.com'] },
        ],
      ],
    );
    for (const message of held) {
      assert.equal(message.digest, createHash('sha256').update(raw).digest('hex'));
      assert.deepEqual(message.visibleTo, ['global', 'domain', 'user']);
      assert.deepEqual(
        [message.receivedAt, message.internalDate, message.heldSince, message.holding, message.sizeBytes],
        [b.clock.now(), b.clock.now(), b.clock.now(), 1, raw.length],
      );
      assert.deepEqual([message.delivery, message.report, message.marks, message.removed], [null, null, [], null]);
      assert.ok((await b.storage.content({ role: 'global' }, message.id))?.equals(raw));
    }
  });

  test('is seen by its user, its domain and global, and by nobody else', async (t) => {
    const b = await bench(t, { domains: [{ name: 'example.com' }, { name: 'other.example' }] });
    const { messages } = await b.receive({ recipients: ['alice@example.com'] });
    const ids = messages.map(({ id }) => id);
    const seen = async (...scope: Parameters<Storage['find']>): Promise<(string | null)[]> =>
      (await b.storage.find(...scope)).map(({ id }) => id);
    for (const scope of [
      { role: 'global' },
      { role: 'domain', domain: 'example.com' },
      { role: 'user', domain: 'example.com', address: 'alice@example.com' },
    ] as const)
      assert.deepEqual(await seen(scope, {}), ids);
    for (const scope of [
      { role: 'domain', domain: 'other.example' },
      { role: 'user', domain: 'example.com', address: 'bob@example.com' },
    ] as const)
      assert.deepEqual(await seen(scope, {}), []);
  });

  test('carries what the filter said about it', async (t) => {
    const b = await bench(t);
    await b.receive({ recipients: ['alice@example.com'] });
    const [message] = await b.held();
    assert.equal(message?.category, 'spam');
    assert.equal(message?.evidence?.score, 17.3);
  });

  test('has the date that an import gives it, and is kept as long as mail that arrives now', async (t) => {
    const b = await bench(t);
    await b.receive({ recipients: ['alice@example.com'], internalDate: 1000 });
    const [message] = await b.held();
    assert.deepEqual(
      [message?.internalDate, message?.receivedAt, message?.heldSince],
      [1000, b.clock.now(), b.clock.now()],
    );
  });

  test('may be empty, and the null sender stays null', async (t) => {
    const b = await bench(t);
    await b.receive({ raw: Buffer.alloc(0), sender: '', recipients: ['alice@example.com'] });
    const [message] = await b.held();
    assert.deepEqual([message?.envelope.sender, message?.sizeBytes, message?.likeness], ['', 0, '']);
  });
});

describe('outgoing mail', () => {
  test('is one message with all its recipients, which its sender and its domain own', async (t) => {
    const b = await bench(t);
    const recipients = ['x@a.example', 'y@b.example'];
    const { messages } = await b.receive({ view: 'outgoing', sender: 'Bob@example.net', recipients });
    const [message, ...more] = await b.held();
    assert.deepEqual(more, []);
    assert.deepEqual(messages, [{ id: message?.id, recipient: 'x@a.example' }]);
    assert.deepEqual(message?.envelope, { sender: 'Bob@example.net', recipients });
    assert.deepEqual(message?.owner, { domain: 'example.com', address: 'bob@example.com' });
    assert.deepEqual(message?.visibleTo, ['global', 'domain']);
  });

  test('with the null sender is for global alone', async (t) => {
    const b = await bench(t);
    await b.receive({ view: 'outgoing', sender: '', recipients: ['x@a.example'] });
    const [message] = await b.held();
    assert.deepEqual([message?.owner, message?.visibleTo], [{ domain: '', address: '' }, ['global']]);
  });
});

describe('mail that is known already', () => {
  test('is stored again unless told otherwise; then it is known by bytes, owner, folder and recipient', async (t) => {
    const b = await bench(t);
    const recipients = ['alice@example.com'];
    await b.receive({ recipients });
    await b.receive({ recipients });
    assert.equal((await b.held()).length, 2);
    const known = await b.receive({ recipients, skipKnown: true });
    assert.deepEqual(known.messages, [{ recipient: 'alice@example.com', id: null }]);
    const mixed = await b.receive({ recipients: ['alice@example.com', 'alice+x@example.com'], skipKnown: true });
    assert.deepEqual(
      mixed.messages.map(({ id }) => id !== null),
      [false, true],
    );
    for (const other of [
      { view: 'training' as const, recipients },
      { recipients, raw: Buffer.concat([raw, Buffer.from('.')]) },
      { recipients: ['bob@example.com'] },
    ])
      assert.notEqual((await b.receive({ ...other, skipKnown: true })).messages[0]?.id, null);
  });
});

describe('mail that we do not keep', () => {
  const limits = { domains: [{ name: 'example.com', recipients: ['alice'] }], policy: { maxMessageBytes: raw.length } };
  const trace = Buffer.concat([Buffer.from('X-Lazaretto-Release: 1.1 by quarantine.example.test\r\n'), raw]);
  const rows: [reason: string, mail: Parameters<Bench['receive']>[0], policy?: { maxMessageBytes: number }][] = [
    ['unknown-domain', { recipients: ['x@elsewhere.example'] }],
    ['unknown-domain', { recipients: ['alice@example.com', 'x@elsewhere.example'] }],
    ['unknown-recipient', { recipients: ['bob@example.com'] }],
    ['malformed-address', { recipients: ['alice'] }],
    ['malformed-address', { recipients: ['al\r\nice@example.com'] }],
    ['unknown-sender-domain', { view: 'outgoing', sender: 'x@elsewhere.example', recipients: ['y@a.example'] }],
    ['unknown-sender-domain', { view: 'outgoing', sender: 'root', recipients: ['y@a.example'] }],
    ['no-recipients', { recipients: [] }],
    ['too-large', { recipients: ['alice@example.com'], raw: Buffer.concat([raw, Buffer.from('x')]) }],
    ['loop', { recipients: ['alice@example.com'], raw: trace }, { maxMessageBytes: 10_000 }],
  ];
  test('is rejected whole, with the reason', async (t) => {
    const b = await bench(t, limits);
    for (const [reason, mail, policy] of rows) {
      Object.assign(b.quarantine.policy, policy ?? limits.policy);
      await assert.rejects(b.receive(mail), (error) => error instanceof Rejection && error.reason === reason, reason);
    }
    assert.deepEqual(await b.held(), []);
    await b.receive({ recipients: ['alice@example.com'] });
    assert.equal((await b.held()).length, 1);
  });

  test('is told before it is sent', async (t) => {
    const { quarantine } = await bench(t, limits);
    assert.deepEqual(ownerFor(quarantine, 'caught', '', 'Alice+x@example.com').address, 'alice@example.com');
    assert.throws(() => ownerFor(quarantine, 'training', '', 'bob@example.com'), { reason: 'unknown-recipient' });
  });
});

test('a store in trouble passes its error on', async (t) => {
  const trouble = new TemporaryError('full');
  const b = await bench(t, { wrapStorage: (storage) => ({ ...storage, insert: () => Promise.reject(trouble) }) });
  await assert.rejects(b.receive({ recipients: ['alice@example.com'] }), trouble);
});

test('ids sort by arrival, are safe in names and headers, and never repeat', () => {
  const ids = [0, 1, 1_700_000_000_000, 1_700_000_000_001, 253_402_300_799_999].map(newMessageId);
  assert.deepEqual(ids.toSorted(), ids);
  for (const id of ids) assert.match(id, /^[0-9a-f]{30}$/);
  assert.equal(new Set(Array.from({ length: 1000 }, () => newMessageId(5))).size, 1000);
});
