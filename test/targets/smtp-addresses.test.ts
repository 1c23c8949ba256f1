// Envelope addresses: sent exactly as received, or not at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptTo, brief, newFarEnd, newTarget, outcomesWith } from './delivery.ts';

test('addresses go out exactly as they are', async (t) => {
  const recipients = [
    '"john doe"@Example.COM',
    "o'neill+tag@example.com",
    '"a@b"@example.com',
    '"back\\\\slash \\"quote\\""@example.com',
    'user@[192.0.2.1]',
    'jürgen@example.com',
    'user@bücher.example',
    'Ελλάδα@παράδειγμα.example',
    'UPPER@EXAMPLE.COM.',
    'local',
  ];
  const { outcomes, farEnd } = await outcomesWith(t, {}, { recipients, sender: '"Null Sender"@Bücher.Example' });
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    recipients.map(() => 'accepted'),
  );
  const received = await farEnd.nextReceived();
  assert.match(received.mailLine, /^MAIL FROM:<"Null Sender"@Bücher\.Example> SMTPUTF8 SIZE=\d+$/);
  assert.deepEqual(
    received.rcptLines,
    recipients.map((address) => `RCPT TO:<${address}>`),
  );
});

test('SMTPUTF8 is asked for only where an address needs it', async (t) => {
  const utf8Body = Buffer.from('Subject: grün\r\n\r\ngrün\r\n');
  const plain = await outcomesWith(t, {}, { content: utf8Body });
  assert.match(plain.farEnd.received[0]?.mailLine ?? '', /^MAIL FROM:<sender@example\.net> BODY=8BITMIME SIZE=\d+$/);
});

test('an address beyond ASCII is refused for good by a far end without SMTPUTF8, the others are delivered', async (t) => {
  const farEnd = { extensions: ['8BITMIME'] };
  const recipients = ['jürgen@example.com', 'bob@example.com'];
  const mixed = await outcomesWith(t, {}, { farEnd, recipients });
  assert.deepEqual(brief(mixed.outcomes), [
    'permanent the server takes no addresses beyond ASCII (it offers no SMTPUTF8)',
    'accepted 250 2.0.0 accepted',
  ]);
  assert.deepEqual(mixed.farEnd.received[0]?.rcptLines, ['RCPT TO:<bob@example.com>']);
  const fromBeyond = await outcomesWith(t, {}, { farEnd, sender: 'jürgen@example.net' });
  assert.equal(fromBeyond.outcomes[0]?.outcome, 'permanent');
  assert.equal(fromBeyond.farEnd.received.length, 0);
});

test('an address that could become another command is refused for good before anything is connected', async (t) => {
  const bad = [
    'bob@example.com>\r\nRCPT TO:<eve@example.com',
    'bob@example.com\nDATA',
    'bob@example.com\r',
    'bob@example.com> SIZE=1',
    '<bob@example.com',
    'bob\u0000@example.com',
    ' bob@example.com',
    'bob@example.com ',
    'bob\ud800@example.com',
    '',
  ];
  const farEnd = await newFarEnd(t);
  const target = newTarget(t);
  const outcomes = await target.deliver(attemptTo(farEnd.url, { recipients: bad }));
  assert.deepEqual(
    outcomes.map(({ address, outcome }) => [address, outcome]),
    bad.map((address) => [address, 'permanent']),
  );
  for (const sender of bad.slice(0, -1)) {
    const [outcome] = await target.deliver(attemptTo(farEnd.url, { sender }));
    assert.equal(outcome?.outcome, 'permanent', JSON.stringify(sender));
  }
  assert.equal(farEnd.sessions.length, 0);

  const mixed = await target.deliver(
    attemptTo(farEnd.url, { recipients: ['a@example.com\r\nRSET', 'bob@example.com'] }),
  );
  assert.deepEqual(
    mixed.map(({ outcome }) => outcome),
    ['permanent', 'accepted'],
  );
  assert.deepEqual(farEnd.received[0]?.rcptLines, ['RCPT TO:<bob@example.com>']);
});

test('no recipients, no connection, no outcome', async (t) => {
  const farEnd = await newFarEnd(t);
  assert.deepEqual(await newTarget(t).deliver(attemptTo(farEnd.url, { recipients: [] })), []);
  assert.equal(farEnd.sessions.length, 0);
});

test('a delivery target that cannot be read is temporary, because its owner will put it right', async (t) => {
  const [outcome] = await newTarget(t).deliver(attemptTo('http://example.com'));
  assert.equal(outcome?.outcome, 'temporary');
  assert.match(outcome?.reply ?? '', /no protocol to deliver over/);
});

test('a trace that would be a second header is our own bug: reported, and temporary', async (t) => {
  const farEnd = await newFarEnd(t);
  const errors: unknown[] = [];
  const target = newTarget(t, { onUnexpectedError: (error) => errors.push(error) });
  const [outcome] = await target.deliver(attemptTo(farEnd.url, { trace: 'x\r\nBcc: eve@example.com' }));
  assert.equal(outcome?.outcome, 'temporary');
  assert.match(String(errors[0]), /trace is not one line/);
  assert.equal(farEnd.sessions.length, 0);
});
