// What a sending server sees, line by line, and what is in the quarantine afterwards.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { openIntake } from '../../src/intake/listener.ts';
import { createReceiveBudget } from '../../src/intake/receive-budget.ts';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { traceHeaderName, traceOf } from '../../src/quarantine/trace.ts';
import { testDomain } from '../helpers/quarantine.ts';
import { RawSmtp, stuffed } from '../helpers/raw-smtp.ts';
import { gatedInserts, openTestIntake } from './open-test-intake.ts';

const mail = 'From: Sender <sender@remote.example>\r\nSubject: Win a prize\r\n\r\nDear friend\r\n';
const from = 'MAIL FROM:<sender@remote.example>';

describe('mail over LMTP', () => {
  test('is kept as one message for each recipient, answered one by one, with one content', async (t) => {
    const { client, held, contentOf, quarantine } = await openTestIntake(t);
    const c = await client();
    assert.match(await c.command(from), /^250 2\.1\.0 /);
    assert.match(await c.command('RCPT TO:<alice@example.com>'), /^250 2\.1\.5 /);
    assert.match(await c.command('RCPT TO:<bob@example.com>'), /^250 /);
    const replies = await c.data(mail, 2);
    const messages = await held();
    assert.deepEqual(
      replies,
      messages.map(({ id }) => `250 2.0.0 Kept as ${id}`),
    );
    assert.deepEqual(
      messages.map(({ envelope, owner, view }) => ({ envelope, owner: owner.address, view })),
      ['alice@example.com', 'bob@example.com'].map((address) => ({
        envelope: { sender: 'sender@remote.example', recipients: [address] },
        owner: address,
        view: 'caught',
      })),
    );
    assert.equal(messages[0]?.digest, messages[1]?.digest);
    assert.equal((await contentOf(messages[1])).toString(), mail);
    assert.equal(messages[0]?.internalDate, quarantine.clock.now());
  });

  test('is answered with 250 only after the store has said that it is durable', async (t) => {
    const gate = gatedInserts();
    const { client, held } = await openTestIntake(t, {}, { wrapStorage: gate.wrapStorage });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    const replies = c.data(mail);
    await gate.waiting();
    // Another conversation with the same server takes place, and still no reply.
    const other = await client();
    assert.match(await other.command('NOOP'), /^250 /);
    assert.equal(c.unread, '');
    assert.equal((await held()).length, 0);
    gate.open();
    assert.match((await replies).join(), /^250 2\.0\.0 Kept as /);
    assert.equal((await held()).length, 1);
  });

  test('has a reply for each RCPT, also for the same recipient twice, who gets one message', async (t) => {
    const { client, held } = await openTestIntake(t);
    const c = await client();
    await c.pipeline(
      from,
      'RCPT TO:<alice@example.com>',
      'RCPT TO:<bob@example.com>',
      'RCPT TO:<alice@EXAMPLE.com>',
      'RCPT TO:<alice@example.com>',
    );
    const replies = await c.data(mail, 4);
    const [alice, bob] = await held();
    assert.deepEqual(
      replies,
      [alice, bob, alice, alice].map((message) => `250 2.0.0 Kept as ${message?.id}`),
    );
    assert.equal((await held()).length, 2);
    assert.match(await c.command('NOOP'), /^250 /);
  });

  test('keeps different spellings, sub-addresses and alias domains apart, and one person sees them all', async (t) => {
    const { client, held } = await openTestIntake(t);
    const c = await client();
    const addresses = ['alice@example.com', 'Alice@example.com', 'alice+x@example.com', 'alice@example.net'];
    await c.pipeline(from, ...addresses.map((address) => `RCPT TO:<${address}>`));
    assert.equal((await c.data(mail, 4)).length, 4);
    const messages = await held();
    assert.deepEqual(
      messages.map(({ envelope }) => envelope.recipients),
      addresses.map((address) => [address]),
    );
    assert.deepEqual([...new Set(messages.map(({ owner }) => owner.address))], ['alice@example.com']);
  });

  test('is kept for the recipients that are known when others are refused', async (t) => {
    const { client, held, logged } = await openTestIntake(t);
    const c = await client();
    const replies = await c.pipeline(from, 'RCPT TO:<x@elsewhere.example>', 'RCPT TO:<alice@example.com>');
    assert.match(replies[1] ?? '', /^550 5\.1\.2 /);
    assert.equal((await c.data(mail)).length, 1);
    assert.equal((await held()).length, 1);
    const refusal = logged.find(({ text }) => text === 'refused mail');
    assert.deepEqual([refusal?.level, refusal?.fields.recipient], ['info', 'x@elsewhere.example']);
  });

  test('whose domain is removed while it is on its way is refused for that recipient alone', async (t) => {
    const domains = [{ name: 'example.com' }, { name: 'example.org' }];
    const { client, held, storage, quarantine } = await openTestIntake(t, {}, { domains });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.org>', 'RCPT TO:<alice@example.com>');
    assert.match(await c.command('DATA'), /^354 /);
    await storage.domains.remove('example.org');
    await quarantine.domains.refresh();
    c.write(`${mail}.\r\n`);
    assert.match(await c.reply(), /^550 5\.1\.2 /);
    assert.match(await c.reply(), /^250 /);
    assert.deepEqual(
      (await held()).map(({ owner }) => owner.domain),
      ['example.com'],
    );
  });

  test('speaks LMTP only, and several messages go over one connection', async (t) => {
    const { client, held, intake } = await openTestIntake(t);
    const stranger = await RawSmtp.connect(intake.port);
    assert.equal(stranger.greeting, '220 quarantine.example.test LMTP');
    assert.match(await stranger.command('EHLO x'), /^500 /);
    assert.match(await stranger.command(from), /^503 /);
    await stranger.quit();
    const c = await client();
    for (let i = 0; i < 3; i++) {
      await c.pipeline(from, 'RCPT TO:<alice@example.com>');
      assert.match((await c.data(`X-Number: ${i}\r\n${mail}`)).join(), /^250 /);
    }
    assert.equal((await held()).length, 3);
  });
});

describe('mail over SMTP', () => {
  test('has one reply, and is one message for each recipient', async (t) => {
    const { client, held } = await openTestIntake(t, { protocol: 'smtp', view: 'training' });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'RCPT TO:<bob@example.com>');
    const [reply] = await c.data(mail);
    const messages = await held();
    assert.equal(reply, `250 2.0.0 Kept as ${messages.map(({ id }) => id).join(', ')}`);
    assert.deepEqual(
      messages.map(({ view, owner }) => [view, owner.address]),
      [
        ['training', 'alice@example.com'],
        ['training', 'bob@example.com'],
      ],
    );
    assert.match(await c.command('NOOP'), /^250 /, 'nothing more was answered');
  });

  test('also takes HELO, as an old client says it', async (t) => {
    const { intake, held } = await openTestIntake(t, { protocol: 'smtp' });
    const c = await RawSmtp.greet(intake.port, 'HELO old.example');
    assert.equal(c.greeting, '220 quarantine.example.test ESMTP');
    await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    assert.match((await c.data(mail)).join(), /^250 /);
    assert.equal((await held()).length, 1);
    await c.quit();
  });

  test('is kept for nobody when a recipient went away meanwhile: the one reply has to be true for all', async (t) => {
    const domains = [{ name: 'example.com' }, { name: 'example.org' }];
    const { client, held, storage, quarantine } = await openTestIntake(t, { protocol: 'smtp' }, { domains });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.org>', 'RCPT TO:<alice@example.com>');
    await c.command('DATA');
    await storage.domains.remove('example.org');
    await quarantine.domains.refresh();
    c.write(`${mail}.\r\n`);
    assert.match(await c.reply(), /^451 4\.3\.0 /);
    assert.equal((await held()).length, 0);
  });

  test('with many recipients is answered in a line that is not too long', async (t) => {
    const { client } = await openTestIntake(t, { protocol: 'smtp' });
    const c = await client();
    await c.pipeline(from, ...Array.from({ length: 50 }, (_, i) => `RCPT TO:<u${i}@example.com>`));
    const [reply = ''] = await c.data(mail);
    assert.match(reply, /^250 2\.0\.0 Kept as [0-9a-f, ]+ and 45 more$/);
    assert.ok(reply.length < 510);
  });
});

describe('outgoing mail', () => {
  test('is one message with all its recipients, owned by the sender', async (t) => {
    const { client, held } = await openTestIntake(t, { view: 'outgoing' });
    const c = await client();
    await c.pipeline('MAIL FROM:<Bob+X@example.NET>', 'RCPT TO:<x@a.example>', 'RCPT TO:<y@[192.0.2.1]>');
    const replies = await c.data(mail, 2);
    const [message, ...more] = await held();
    assert.deepEqual(more, []);
    assert.deepEqual(replies, [`250 2.0.0 Kept as ${message?.id}`, `250 2.0.0 Kept as ${message?.id}`]);
    assert.deepEqual(message?.envelope, {
      sender: 'Bob+X@example.NET',
      recipients: ['x@a.example', 'y@[192.0.2.1]'],
    });
    assert.deepEqual(message?.owner, { domain: 'example.com', address: 'bob@example.com' });
    assert.deepEqual(message?.visibleTo, ['global', 'domain']);
  });

  test('of a domain that is not ours is refused at RCPT, where the refusal gets into the log of the sender', async (t) => {
    const { client } = await openTestIntake(t, { view: 'outgoing' });
    const c = await client();
    const replies = await c.pipeline('MAIL FROM:<x@elsewhere.example>', 'RCPT TO:<y@a.example>', 'DATA', 'RSET');
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 9)),
      ['250 2.1.0', '550 5.1.8', '503 5.5.1', '250 2.0.0'],
    );
    assert.match((await c.pipeline('MAIL FROM:<root>', 'RCPT TO:<y@a.example>'))[1] ?? '', /^550 5\.1\.8 /);
  });

  test('without a sender is kept for global alone', async (t) => {
    const { client, held, storage } = await openTestIntake(t, { view: 'outgoing' });
    const c = await client();
    await c.pipeline('MAIL FROM:<>', 'RCPT TO:<y@a.example>');
    await c.data(mail);
    const [message] = await held();
    assert.deepEqual(message?.envelope.sender, '');
    assert.deepEqual(message?.owner, { domain: '', address: '' });
    assert.deepEqual(message?.visibleTo, ['global']);
    assert.deepEqual(await storage.find({ role: 'domain', domain: 'example.com' }, {}), []);
  });
});

describe('the envelope is kept exactly as it was sent', () => {
  test('the null sender stays empty', async (t) => {
    const { client, held } = await openTestIntake(t);
    const c = await client();
    await c.pipeline('MAIL FROM:<> SIZE=100', 'RCPT TO:<alice@example.com>');
    await c.data(mail);
    assert.equal((await held())[0]?.envelope.sender, '');
  });

  test('letter case, quotes, apostrophes, Unicode and A-labels', async (t) => {
    const domains = [{ name: 'example.com' }, { name: 'xn--bcher-kva.example' }];
    const { client, held } = await openTestIntake(t, {}, { domains });
    const c = await client();
    const recipients: [written: string, owner: string][] = [
      ['Alice.B+News@EXAMPLE.com', 'alice.b@example.com'],
      ['"Alice B"@example.com', '"alice b"@example.com'],
      ['"a@b"@example.com', '"a@b"@example.com'],
      ["O'Neill@example.com", "o'neill@example.com"],
      ['Jürgen@BÜCHER.example', 'jürgen@xn--bcher-kva.example'],
      ['J@XN--BCHER-KVA.example', 'j@xn--bcher-kva.example'],
      ['j@bücher.example', 'j@xn--bcher-kva.example'],
    ];
    assert.match(await c.command(Buffer.from('MAIL FROM:<"É v"@Zürich.example> SMTPUTF8 BODY=8BITMIME')), /^250 /);
    for (const [written] of recipients) assert.match(await c.command(Buffer.from(`RCPT TO:<${written}>`)), /^250 /);
    // The two spellings of one domain name one mailbox each with their own local part, "J" and "j".
    assert.equal((await c.data(mail, recipients.length)).length, recipients.length);
    assert.deepEqual(
      (await held()).map(({ envelope, owner }) => [envelope.sender, envelope.recipients[0], owner.address]),
      recipients.map(([written, owner]) => ['"É v"@Zürich.example', written, owner]),
    );
  });
});

describe('what is refused', () => {
  test('has the code that tells the sending server what to do', async (t) => {
    const domains = [{ name: 'example.com', recipients: ['alice'] }];
    const { client, held } = await openTestIntake(t, {}, { domains });
    const c = await client();
    await c.command(from);
    const rows: [command: string, reply: RegExp][] = [
      ['RCPT TO:<alice@elsewhere.example>', /^550 5\.1\.2 /],
      ['RCPT TO:<bob@example.com>', /^550 5\.1\.1 /],
      ['RCPT TO:<alice@example.com@example.com>', /^553 5\.1\.3 /],
      ['RCPT TO:<alice>', /^553 5\.1\.3 /],
      ['RCPT TO:<>', /^553 5\.1\.3 /],
      ['RCPT TO:alice@example.com', /^553 5\.1\.3 /],
      ['RCPT TO:<al\xfcice@example.com>', /^553 5\.1\.3 /],
      ['MAIL FROM:<second@remote.example>', /^503 5\.5\.1 /],
      ['RSET', /^250 2\.0\.0 /],
      ['RCPT TO:<alice@example.com>', /^503 5\.5\.1 /],
      ['MAIL FROM:<a b@remote.example>', /^553 5\.1\.7 /],
      ['MAIL FROM:<a@remote.example> SIZE=x', /^501 5\.5\.4 /],
      ['MAIL FROM:<a@remote.example> BODY=BINARYMIME', /^501 5\.5\.4 /],
      ['MAIL FROM:<a@remote.example> SIZE=1 SIZE=2', /^501 5\.5\.4 /],
      ['DATA', /^503 5\.5\.1 /],
      ['BDAT 5 LAST', /^500 5\.5\.2 /],
      ['MAIL FROM:<a@remote.example>', /^250 2\.1\.0 /],
      ['RCPT TO:<Alice+x@example.com>', /^250 2\.1\.5 /],
    ];
    for (const [command, reply] of rows) assert.match(await c.command(command), reply, command);
    assert.match((await c.data(mail)).join(), /^250 /);
    assert.equal((await held()).length, 1);
  });

  test('too large: at MAIL by its announced size, else after the final dot, and the connection goes on', async (t) => {
    const { client, held, contentOf } = await openTestIntake(t, {}, { policy: { maxMessageBytes: 1000 } });
    const c = await client();
    assert.match(await c.command(`${from} SIZE=1001`), /^552 5\.3\.4 /);
    assert.match(await c.command(`${from} SIZE=1000`), /^250 /);
    await c.pipeline('RCPT TO:<alice@example.com>', 'RCPT TO:<bob@example.com>');
    const large = await c.data(mail.padEnd(999, 'x') + '\r\n', 2);
    assert.deepEqual(
      large.map((reply) => reply.slice(0, 9)),
      ['552 5.3.4', '552 5.3.4'],
    );
    assert.equal((await held()).length, 0);
    await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    const exact = mail.padEnd(998, 'x') + '\r\n';
    assert.match((await c.data(exact)).join(), /^250 /);
    assert.equal((await contentOf((await held())[0])).toString(), exact);
  });

  test('a message that this quarantine released before comes back: a mail loop', async (t) => {
    const { client, held } = await openTestIntake(t);
    const trace = (host: string): string => `${traceHeaderName}: ${traceOf({ id: '0192a3', holding: 1 }, host)}\r\n`;
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    assert.match((await c.data(trace('quarantine.example.test') + mail)).join(), /^554 5\.4\.6 /);
    assert.equal((await held()).length, 0);
    await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    assert.match((await c.data(trace('other.example') + mail)).join(), /^250 /, "another organisation's release");
  });

  test('more than 1,000 recipients, with a code that has the client send the rest again', async (t) => {
    const { client, held } = await openTestIntake(t);
    const c = await client();
    const replies = await c.pipeline(from, ...Array.from({ length: 1001 }, (_, i) => `RCPT TO:<u${i}@example.com>`));
    assert.equal(replies.filter((reply) => reply.startsWith('250 2.1.5')).length, 1000);
    assert.match(replies[1001] ?? '', /^452 4\.5\.3 /);
    const answers = await c.data(mail, 1000);
    assert.ok(answers.every((answer) => answer.startsWith('250 ')));
    assert.equal((await held()).length, 1000);
  });
});

describe('when the store is in trouble', () => {
  for (const protocol of ['lmtp', 'smtp'] as const) {
    test(`${protocol}: every recipient is told to come again, nothing is kept, and the next message goes in`, async (t) => {
      const gate = gatedInserts();
      let isBroken = true;
      const { client, held, logged } = await openTestIntake(
        t,
        { protocol },
        {
          wrapStorage: (storage) => {
            const gated = gate.wrapStorage(storage);
            return { ...storage, insert: (...given) => (isBroken ? gated : storage).insert(...given) };
          },
        },
      );
      gate.fail(new TemporaryError('The quarantine is busy just now.', { cause: new Error('/srv/q.db is locked') }));
      const c = await client();
      await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'RCPT TO:<bob@example.com>');
      const replies = await c.data(mail, protocol === 'lmtp' ? 2 : 1);
      assert.deepEqual([...new Set(replies)], ['451 4.3.0 The quarantine is busy just now.']);
      assert.equal((await held()).length, 0);
      const told = logged.filter(({ level }) => level !== 'info');
      assert.deepEqual(
        told.map(({ level, text }) => [level, text]),
        [['warn', 'deferred mail']],
      );
      isBroken = false;
      await c.pipeline(from, 'RCPT TO:<alice@example.com>');
      assert.match((await c.data(mail)).join(), /^250 /);
    });
  }

  test('an error of ours is deferred too, says nothing about us and is logged once with its stack', async (t) => {
    const gate = gatedInserts();
    gate.fail(new TypeError('undefined is not a mailbox at /srv/lazaretto/secret.ts'));
    const { client, logged } = await openTestIntake(t, {}, { wrapStorage: gate.wrapStorage });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'RCPT TO:<bob@example.com>');
    assert.deepEqual(
      await c.data(mail, 2),
      Array(2).fill('451 4.3.0 Something went wrong here; please try again later.'),
    );
    const errors = logged.filter(({ level }) => level === 'error');
    assert.equal(errors.length, 1);
    assert.ok(errors[0]?.fields.err instanceof TypeError);
  });
});

describe('the bytes of a message', () => {
  const messages: [name: string, bytes: string][] = [
    ['nothing at all', ''],
    ['one empty line', '\r\n'],
    ['no header', '\r\nbody\r\n'],
    ['no empty line', 'Subject: x\r\n'],
    ['NUL bytes', 'Subject: a\0b\r\n\r\n\0\0\r\n'],
    ['raw 8-bit', 'Subject: Gr\xfc\xdfe\r\n\r\n\x80\xff\xfe\r\n'],
    ['bare CR', 'Subject: x\r\n\r\na\rb\r\r\nc\r\r\r\n'],
    ['bare LF', 'Subject: x\n\na\nb\n\n\r\n'],
    ['dots', '.\r\n..\r\n...x\r\n\r\n.\r\n. \r\na.b\r\n'],
    ['dots after bare line ends', 'a\n.b\n..c\n.\n..\n\r.\r..\r\n'],
    ['a line of 1 MB', `Subject: x\r\n\r\n${'y'.repeat(1_000_000)}\r\n`],
    ['a header line of 2 MB', `Subject: ${'y'.repeat(2_000_000)}\r\n\r\nb\r\n`],
    ['1 MB of bare CRs', `\r\n${'\r'.repeat(1_000_000)}\r\n`],
    ['100,000 dots to be taken away', '.\r\n'.repeat(100_000)],
  ];
  test('are kept as they were, whatever they are', async (t) => {
    const { client, held, contentOf } = await openTestIntake(t);
    const c = await client();
    for (const [name, bytes] of messages) {
      await c.pipeline(from, 'RCPT TO:<alice@example.com>');
      assert.match((await c.data(bytes)).join(), /^250 /, name);
      const kept = await contentOf((await held()).at(-1));
      assert.ok(kept.equals(Buffer.from(bytes, 'latin1')), name);
    }
    assert.equal((await held()).length, messages.length);
  });

  test('end with CRLF, dot, CRLF and with nothing else', async (t) => {
    const { client, held } = await openTestIntake(t);
    const c = await client();
    // SMTP smuggling: a server that ended the message at one of these would run what follows as commands of the client.
    const ends = ['\n.\n', '\n.\r\n', '\r.\r', '\r.\r\n', '\r\n.\n', '\r\n.\r', '\n.\r', '\r\n\0.\r\n', '\r\n.\0\r\n'];
    for (const end of ends) {
      await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'DATA');
      const smuggled = 'MAIL FROM:<evil@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nsmuggled\r\n';
      c.write(`Subject: x\r\n\r\nfirst${end}${smuggled}.\r\n`);
      assert.match(await c.reply(), /^250 2\.0\.0 Kept as /);
      assert.match(await c.command('NOOP'), /^250 2\.0\.0 OK/, `${JSON.stringify(end)} had one reply`);
    }
    const messages = await held();
    assert.equal(messages.length, ends.length);
    assert.deepEqual([...new Set(messages.flatMap(({ envelope }) => envelope.recipients))], ['alice@example.com']);
  });

  test('commands pipelined after the final dot are run in turn', async (t) => {
    const { client, held } = await openTestIntake(t);
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'DATA');
    c.write(`${mail}.\r\n${from}\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n`);
    const replies = [await c.reply(), await c.reply(), await c.reply(), await c.reply()];
    assert.deepEqual(
      replies.map((reply) => reply.slice(0, 3)),
      ['250', '250', '250', '354'],
    );
    c.write('.\r\n');
    assert.match(await c.reply(), /^250 /);
    assert.equal((await held()).length, 2);
  });
});

describe('a client cannot harm the listener', () => {
  test('by going away in the middle: nothing is kept, memory is given back, others are served', async (t) => {
    const budget = createReceiveBudget(10_000);
    const { client, held, logged } = await openTestIntake(t, { budget });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'DATA');
    c.write(mail);
    while (budget.freeBytes === 10_000) await new Promise((resolve) => setImmediate(resolve));
    c.destroy();
    while (budget.freeBytes < 10_000) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await held()).length, 0);
    assert.equal(logged.filter(({ text }) => /went away/.test(text)).length, 1);
    const other = await client();
    await other.pipeline(from, 'RCPT TO:<alice@example.com>');
    assert.match((await other.data(mail)).join(), /^250 /);
    assert.equal(budget.freeBytes, 10_000);
  });

  test('by sending more than fits beside what others are sending: it is deferred, the others are not', async (t) => {
    const gate = gatedInserts();
    const budget = createReceiveBudget(1000);
    const { client, held } = await openTestIntake(t, { budget }, { wrapStorage: gate.wrapStorage });
    const [first, second, third] = await Promise.all([client(), client(), client()]);
    for (const c of [first, second, third]) await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    const kept = first.data(mail.padEnd(898, 'x') + '\r\n');
    await gate.waiting();
    assert.equal(budget.freeBytes, 100);
    // Begun while there was room, and then there was none.
    assert.match((await second.data(mail.padEnd(898, 'x') + '\r\n')).join(), /^452 4\.3\.1 /);
    assert.equal(budget.freeBytes, 100);
    await second.pipeline(`${from} SIZE=101`, 'RCPT TO:<alice@example.com>');
    assert.match(await second.command('DATA'), /^452 4\.3\.1 /, 'announced, and refused before it was sent');
    assert.ok(budget.take(100));
    assert.match((await third.data(mail)).join(), /^452 4\.3\.1 /, 'refused before it was sent');
    gate.open();
    assert.match((await kept).join(), /^250 /);
    budget.give(100);
    assert.equal(budget.freeBytes, 1000);
    assert.match((await third.data(mail)).join(), /^250 /, 'the same transaction, tried again');
    assert.equal((await held()).length, 2);
  });

  test('by a message far above the limit: it is never held in memory', async (t) => {
    const budget = createReceiveBudget(1_000_000);
    const { client } = await openTestIntake(t, { budget }, { policy: { maxMessageBytes: 1000 } });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'DATA');
    const piece = Buffer.alloc(1_000_000, 'x');
    for (let i = 0; i < 20; i++) {
      if (!c.socket.write(piece)) await once(c.socket, 'drain');
      assert.ok(budget.freeBytes >= 1_000_000 - 2 * 65_536);
    }
    c.write('\r\n.\r\n');
    assert.match(await c.reply(), /^552 5\.3\.4 /);
    assert.equal(budget.freeBytes, 1_000_000);
  });

  test('by talking nonsense, without end or in another protocol', async (t) => {
    const { client, intake } = await openTestIntake(t);
    const nonsense = [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      `${'x'.repeat(5000)}`,
      `RCPT TO:<${'a'.repeat(5000)}@example.com>\r\n`,
      'x\r\n'.repeat(100),
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\r\n\0\0\r\n'.repeat(20),
      '\r\n'.repeat(100),
      'LHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA',
    ];
    for (const text of nonsense) {
      const c = await RawSmtp.connect(intake.port);
      c.write(text);
      c.socket.end();
      await c.closed();
    }
    assert.match(await (await client()).command('NOOP'), /^250 /);
  });

  test('from a network that is not allowed: it is told so at once', async (t) => {
    const { intake, logged } = await openTestIntake(t, { allow: ['10.0.0.0/8'] });
    const c = await RawSmtp.connect(intake.port);
    assert.match(c.greeting, /^554 5\.7\.1 /);
    await c.closed();
    assert.equal(logged[0]?.fields.client, '127.0.0.1');
  });

  test('by opening too many connections: the next is told to come later, and may when one has gone', async (t) => {
    const { intake, client } = await openTestIntake(t, { maxClients: 2 });
    const [first] = [await client(), await client()];
    const third = await RawSmtp.connect(intake.port);
    assert.match(third.greeting, /^421 4\.3\.2 /);
    await third.closed();
    await first.quit();
    assert.match((await client()).greeting, /^220 /);
  });

  test('commands that have no place here are answered and do nothing', async (t) => {
    const { client } = await openTestIntake(t, { protocol: 'smtp' });
    const c = await client();
    const rows: [command: string, reply: RegExp][] = [
      ['VRFY alice', /^252 /],
      ['EXPN staff', /^502 5\.5\.1 /],
      ['HELP', /^214 /],
      ['NOOP', /^250 /],
      ['AUTH PLAIN AGEAYg==', /^50\d 5\./],
      ['XCLIENT ADDR=192.0.2.1', /^50\d 5\./],
      ['XFORWARD ADDR=192.0.2.1', /^50\d 5\./],
      ['STARTTLS', /^50\d 5\./],
      ['WIZ please', /^50\d 5\./],
    ];
    for (const [command, reply] of rows) assert.match(await c.command(command), reply, command);
    assert.equal(
      await c.command('EHLO again'),
      [
        '250-quarantine.example.test',
        '250-PIPELINING',
        '250-8BITMIME',
        '250-SMTPUTF8',
        '250-ENHANCEDSTATUSCODES',
        `250 SIZE ${50 * 1024 * 1024}`,
      ].join('\n'),
    );
  });
});

describe('opening a listener', () => {
  test('fails when the port is taken, or when a network is none', async (t) => {
    const { quarantine } = await openTestIntake(t);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const options = { protocol: 'lmtp', address: '127.0.0.1', port, view: 'caught', hostname: 'q.example' } as const;
    await assert.rejects(openIntake(options, quarantine), { code: 'EADDRINUSE' });
    await assert.rejects(openIntake({ ...options, port: 0, allow: ['10/8'] }, quarantine), /"10\/8" is no network/);
    taken.close();
  });
});

describe('closing a listener', () => {
  test('lets a message that is arriving be stored and answered, and tells everybody else to come later', async (t) => {
    const gate = gatedInserts();
    const { client, held, intake } = await openTestIntake(t, {}, { wrapStorage: gate.wrapStorage });
    const [busy, sending, idle] = await Promise.all([client(), client(), client()]);
    for (const c of [busy, sending]) await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    const stored = busy.data(mail);
    await gate.waiting();
    assert.match(await sending.command('DATA'), /^354 /);
    sending.write('Subject: half');
    const closed = intake.close();
    assert.match(await idle.reply(), /^421 4\.3\.2 /);
    await idle.closed();
    await assert.rejects(RawSmtp.connect(intake.port), { code: 'ECONNREFUSED' });
    gate.open();
    assert.match((await stored).join(), /^250 /);
    assert.match(await busy.reply(), /^421 4\.3\.2 /);
    await busy.closed();
    sending.write(' and whole\r\n\r\n.\r\n');
    assert.match(await sending.reply(), /^250 /);
    assert.match(await sending.reply(), /^421 /);
    await closed;
    await intake.close();
    assert.equal((await held()).length, 2);
  });

  test('lets a transaction that has begun come to its end, and no other one begin', async (t) => {
    const { client, held, intake } = await openTestIntake(t);
    const [sending, greedy, undecided] = await Promise.all([client(), client(), client()]);
    for (const c of [sending, greedy, undecided]) await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    const closed = intake.close();
    assert.match((await sending.data(mail)).join(), /^250 /);
    assert.match(await sending.reply(), /^421 4\.3\.2 /);
    await sending.closed();
    assert.match(await greedy.command('DATA'), /^354 /);
    // The next transaction comes in the same packet as the end of this one.
    greedy.write(Buffer.concat([stuffed(mail), Buffer.from(`${from}\r\nRCPT TO:<alice@example.com>\r\n`)]));
    assert.match(await greedy.reply(), /^250 /);
    assert.match(await greedy.reply(), /^421 4\.3\.2 /);
    await greedy.closed();
    assert.match(await undecided.command('RSET'), /^250 /);
    assert.match(await undecided.reply(), /^421 4\.3\.2 /);
    await closed;
    for (const c of [greedy, undecided]) assert.equal(c.unread, '', 'it is told once');
    assert.equal((await held()).length, 2);
  });

  test('waits for a message whose client has gone away, so that the store may be closed after it', async (t) => {
    const gate = gatedInserts();
    const { client, held, intake } = await openTestIntake(t, {}, { wrapStorage: gate.wrapStorage });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'DATA');
    c.write(`${mail}.\r\n`);
    await gate.waiting();
    c.destroy();
    let isClosed = false;
    const closed = intake.close().then(() => (isClosed = true));
    await held();
    assert.equal(isClosed, false);
    gate.open();
    await closed;
    assert.equal((await held()).length, 1);
  });

  test('does not wait for ever for a client that sends no more', async (t) => {
    const { client, intake, held } = await openTestIntake(t, { closeGraceMs: 20 });
    const c = await client();
    await c.pipeline(from, 'RCPT TO:<alice@example.com>', 'DATA');
    c.write('Subject: never ending');
    await intake.close();
    assert.match(await c.reply(), /^421 4\.3\.2 /);
    await c.closed();
    assert.equal((await held()).length, 0);
  });
});

test('a domain that another process adds is known as soon as the directory was refreshed', async (t) => {
  const { client, storage, quarantine } = await openTestIntake(t);
  const c = await client();
  await c.command(from);
  assert.match(await c.command('RCPT TO:<x@new.example>'), /^550 5\.1\.2 /);
  await storage.domains.put(testDomain({ name: 'new.example' }));
  await quarantine.domains.refresh();
  assert.match(await c.command('RCPT TO:<x@new.example>'), /^250 /);
});
