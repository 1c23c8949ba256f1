// What mail programs see besides drags: folders, flags per kind of login, what other sessions are told, expiry, restore, switches.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import german from '../../src/languages/de.ts';
import { act } from '../../src/quarantine/act.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import { restoreMessage } from '../../src/quarantine/operator.ts';
import { sweep } from '../../src/quarantine/retention.ts';
import { RawImap } from '../helpers/raw-imap.ts';
import { password, sampleMail, startTestServer } from '../helpers/server.ts';
import { testDomain } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;
const options = { timeout: 30_000 };

describe('the folders', () => {
  const common = ['INBOX', 'Caught', 'Training Requested', 'Release', 'Release &- Train', 'Not Spam', 'Spam'];

  it('are listed alike by LIST, LSUB and LIST (SUBSCRIBED), and a user has no outgoing one', options, async () => {
    await using server = await startTestServer({ folders: { trash: false } });
    for (const [login, names] of [
      ['alice@example.com', common],
      ['example.com', [...common, 'Caught (Outgoing)']],
      ['global', [...common, 'Caught (Outgoing)']],
    ] as const) {
      const client = await server.imap(login);
      for (const command of [
        'LIST "" "*"',
        'LSUB "" "*"',
        'LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)',
        'XLIST "" "%"',
      ]) {
        const { untagged, status } = await client.command(command);
        assert.equal(status, 'OK');
        const listed = untagged.map((line) => /"([^"]*)"$/.exec(line)?.[1] ?? line);
        assert.deepEqual(listed.toSorted(), names.toSorted(), `${login} ${command}`);
        assert.doesNotMatch(untagged.join(), /\\Noselect|\\Junk/i);
      }
    }
  });

  it(
    'are fixed: CREATE, RENAME and DELETE are refused without TRYCREATE, SUBSCRIBE is always OK',
    options,
    async () => {
      await using server = await startTestServer();
      const client = await server.imap();
      const codes: [string, string, string][] = [
        ['CREATE Drafts', 'NO', 'CANNOT'],
        ['CREATE Caught', 'NO', 'ALREADYEXISTS'],
        ['CREATE "Release &- Train"', 'NO', 'ALREADYEXISTS'],
        ['RENAME Caught Mine', 'NO', 'CANNOT'],
        ['DELETE Spam', 'NO', 'CANNOT'],
        ['SUBSCRIBE Caught', 'OK', ''],
        ['UNSUBSCRIBE "No such folder"', 'OK', ''],
      ];
      for (const [command, status, code] of codes) {
        const reply = await client.command(command);
        assert.deepEqual([reply.status, reply.code], [status, code], command);
      }
    },
  );

  it('that are drops are open and always empty; their UIDNEXT grows with what is dropped', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    const client = await server.open('Release');
    assert.deepEqual((await client.command('STATUS Release (MESSAGES UIDNEXT UNSEEN RECENT)')).untagged, [
      '* STATUS "Release" (MESSAGES 0 UIDNEXT 1 UNSEEN 0 RECENT 0)',
    ]);
    await (await server.open('Caught')).command('UID COPY 1 Release');
    const status = await client.command('STATUS "Release and Train" (MESSAGES)');
    assert.deepEqual(status.untagged, ['* STATUS "Release and Train" (MESSAGES 0)']);
    assert.deepEqual((await client.command('STATUS Release (MESSAGES UIDNEXT)')).untagged, [
      '* STATUS "Release" (MESSAGES 0 UIDNEXT 2)',
    ]);
    assert.deepEqual((await client.command('UID FETCH 1:* (FLAGS)')).untagged, []);
    assert.equal((await client.command('UID MOVE 1 Caught')).status, 'NO');
  });

  it(
    'in strict mode refuse SELECT and STATUS of drops, take drops all the same, and send no UID codes',
    options,
    async () => {
      await using server = await startTestServer({ dropFolders: 'strict' });
      await server.handIn(sampleMail('one'));
      await server.handIn(sampleMail('two'));
      const client = await server.open('Caught');
      for (const command of ['STATUS Release (MESSAGES)', 'SELECT Release']) {
        const reply = await client.command(command);
        assert.equal(reply.code, 'NOPERM');
        assert.match(reply.text, /Release cannot be opened, because nothing is kept in it\. Drag a message here/);
      }
      await client.command('SELECT Caught');
      const copied = await client.command('UID COPY 1 Release');
      assert.deepEqual([copied.status, copied.code], ['OK', '']);
      const moved = await client.command('UID MOVE 2 Release');
      assert.deepEqual([moved.status, moved.untagged], ['OK', ['* 2 EXPUNGE']]);
      const appended = await client.command('APPEND Spam ', sampleMail('three'));
      assert.deepEqual([appended.status, appended.code], ['OK', '']);
    },
  );
});

describe('flags', () => {
  it('are kept for each kind of login; ours are seen by all and changed by nobody', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    const alice = await server.open('Caught');
    const domain = await server.open('Caught', 'example.com');
    assert.deepEqual((await alice.command('UID FETCH 1 (BODY[TEXT]<0.4>)')).untagged, [
      '* 1 FETCH (UID 1 BODY[TEXT]<0> {4}\r\nText FLAGS (\\Seen))',
    ]);
    await alice.command('UID STORE 1 +FLAGS (\\Flagged $label1)');
    // That something changed is told to the domain as well, with its own flags.
    await domain.command('NOOP');
    assert.deepEqual((await domain.command('UID FETCH 1 FLAGS')).untagged, ['* 1 FETCH (UID 1 FLAGS ())']);
    await domain.command('UID COPY 1 Release');
    assert.deepEqual((await alice.command('NOOP')).untagged, [
      '* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged $label1 $Released))',
    ]);
    const stored = await alice.command('UID STORE 1 -FLAGS ($Released)');
    assert.deepEqual(stored.untagged, ['* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged $label1 $Released))']);
    const replaced = await alice.command('STORE 1 FLAGS (\\Answered)');
    assert.deepEqual(replaced.untagged, ['* 1 FETCH (FLAGS (\\Answered $Released))']);
  });

  it('of a mailbox that was opened with EXAMINE stay as they are', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    const client = await server.imap();
    const examined = await client.command('EXAMINE Caught');
    assert.equal(examined.code, 'READ-ONLY');
    assert.deepEqual((await client.command('FETCH 1 (FLAGS BODY[TEXT]<0.4>)')).untagged, [
      '* 1 FETCH (FLAGS () BODY[TEXT]<0> {4}\r\nText)',
    ]);
    for (const command of ['STORE 1 +FLAGS (\\Seen)', 'UID MOVE 1 Release', 'EXPUNGE']) {
      assert.equal((await client.command(command)).status, 'NO', command);
    }
    assert.equal((await client.command('UID COPY 1 Release')).status, 'OK');
  });
});

describe('flags stored silently', () => {
  it('are not told, but what others have changed is', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    await server.handIn(sampleMail('two'));
    const [client, other] = [await server.open('Caught'), await server.open('Caught')];
    await other.command('STORE 1 +FLAGS (\\Flagged)');
    assert.deepEqual((await client.command('UID STORE 1:2 +FLAGS.SILENT (\\Seen)')).untagged, [
      '* 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen))',
    ]);
    assert.deepEqual((await client.command('STORE 1 +FLAGS.SILENT (a)')).untagged, []);
    assert.deepEqual((await client.command('STORE 1 +FLAGS.SILENT (b)')).untagged, []);
    assert.deepEqual((await client.command('NOOP')).untagged, []);
  });
});

describe('deleting', () => {
  it(
    'hides a message from the kind of login that deleted it; global deletes for all; nothing is trained',
    options,
    async () => {
      await using server = await startTestServer();
      await server.handIn(sampleMail('one'));
      const [alice, domain, global] = [
        await server.open('Caught'),
        await server.open('Caught', 'example.com'),
        await server.open('Caught', 'global'),
      ];
      await alice.command('UID STORE 1 +FLAGS.SILENT (\\Deleted)');
      assert.deepEqual((await alice.command('UID EXPUNGE 1')).untagged, ['* 1 EXPUNGE']);
      await domain.command('NOOP');
      assert.deepEqual((await domain.command('UID SEARCH ALL')).untagged, ['* SEARCH 1']);
      await global.command('STORE 1 +FLAGS (\\Deleted)');
      await global.command('CLOSE');
      assert.deepEqual((await domain.command('NOOP')).untagged, ['* 1 EXPUNGE']);
      await server.server.worker?.idle();
      assert.deepEqual([...(await server.learned('ham')), ...(await server.learned('spam'))], []);
    },
  );

  it('UIDs that are gone are ignored and answered OK', options, async () => {
    await using server = await startTestServer();
    const client = await server.open('Caught');
    for (const command of [
      'UID COPY 7 Release',
      'UID MOVE 112:113 "Release"',
      'UID STORE 7 +FLAGS (\\Deleted)',
      'UID FETCH 7 FLAGS',
      'UID EXPUNGE 7',
    ]) {
      const reply = await client.command(command);
      assert.deepEqual([reply.status, reply.untagged], ['OK', []], command);
    }
  });
});

describe('what other sessions are told', () => {
  it('arrival, flags and removal, each once, in IDLE and with NOOP', options, async () => {
    await using server = await startTestServer();
    const idler = await server.open('Caught');
    const idling = await idler.idle();
    await server.handIn(sampleMail('one'));
    assert.equal(await idler.read(), '* 1 EXISTS');
    await server.handIn(sampleMail('two'));
    assert.equal(await idler.read(), '* 2 EXISTS');
    const other = await server.open('Caught');
    await other.command('UID STORE 1 +FLAGS (\\Flagged)');
    assert.equal(await idler.read(), '* 1 FETCH (UID 1 FLAGS (\\Flagged))');
    await other.command('UID MOVE 1 "Not Spam"');
    assert.equal(await idler.read(), '* 1 EXPUNGE');
    const done = await idling.done();
    assert.deepEqual([done.status, done.untagged], ['OK', []]);
    assert.deepEqual((await idler.command('NOOP')).untagged, []);
    assert.deepEqual((await idler.command('UID FETCH 1:* (UID)')).untagged, ['* 1 FETCH (UID 2)']);
  });

  it('with the answer to a fetch, are reminded of it once in IDLE', options, async () => {
    await using server = await startTestServer();
    const client = await server.open('Caught');
    await server.handIn(sampleMail('one'));
    assert.deepEqual((await client.command('UID FETCH 1:* (UID)')).untagged, ['* 1 EXISTS']);
    for (const command of ['UID SEARCH SUBJECT none', 'UID STORE 9 +FLAGS (\\Seen)', 'CHECK', 'NOOP']) {
      assert.doesNotMatch((await client.command(command)).untagged.join(), /EXISTS/, command);
    }
    const idling = await client.idle();
    assert.equal(await client.read(), '* 1 EXISTS');
    await idling.done();
    const again = await client.idle();
    await server.handIn(sampleMail('two'));
    assert.equal(await client.read(), '* 2 EXISTS', 'the first is not told a third time');
    await again.done();
    await server.handIn(sampleMail('three'));
    assert.deepEqual((await client.command('NOOP')).untagged, ['* 3 EXISTS']);
    const idlingStill = await client.idle();
    await server.handIn(sampleMail('four'));
    assert.equal(await client.read(), '* 4 EXISTS', 'who asked for news is told once');
    await idlingStill.done();
    const other = await server.open('Caught', 'example.com');
    assert.equal((await other.command('UID MOVE 2 "Not Spam"')).status, 'OK');
    assert.equal((await client.command('UID FETCH 1 (UID)')).untagged.at(-1), '* 2 EXPUNGE');
    await client.idle();
    assert.equal(await client.read(), '* 3 EXISTS');
  });

  it('expiry, as EXPUNGE; restored within the undo period the message is new', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    const client = await server.open('Caught');
    const idling = await client.idle();
    server.clock.advance(14 * dayMs + 1);
    await sweep(server.quarantine);
    assert.equal(await client.read(), '* 1 EXPUNGE');
    const [expired] = await server.storage.find({ role: 'global' }, { which: 'all' });
    assert.equal(expired?.removed?.why, 'expired');
    await restoreMessage(server.quarantine, expired?.id ?? '');
    assert.equal(await client.read(), '* 1 EXISTS');
    await idling.done();
    assert.deepEqual((await client.command('FETCH 1 (UID FLAGS)')).untagged, ['* 1 FETCH (UID 2 FLAGS ())']);
  });

  it('nothing while a command counts by sequence numbers; all of it with the next', options, async () => {
    await using server = await startTestServer();
    for (const subject of ['one', 'two']) await server.handIn(sampleMail(subject));
    const client = await server.open('Caught');
    const from = server.quarantine.folders.find('Caught', 'global') as ViewFolder;
    const to = server.quarantine.folders.find('Not Spam', 'global') as DropFolder;
    await act(server.quarantine, { scope: { role: 'global' }, cause: 'MOVE', from, to, uids: [1] });
    assert.deepEqual((await client.command('FETCH 2 UID')).untagged, ['* 2 FETCH (UID 2)']);
    assert.deepEqual((await client.command('SEARCH ALL')).untagged, ['* SEARCH 2']);
    assert.deepEqual((await client.command('STORE 2 +FLAGS.SILENT (\\Seen)')).untagged, []);
    assert.deepEqual((await client.command('NOOP')).untagged, ['* 1 EXPUNGE']);
  });
});

describe('a failed release', () => {
  it(
    'comes back into open sessions under a new UID with $ReleaseFailed, and a notice is announced in INBOX',
    options,
    async () => {
      await using server = await startTestServer({ farEnd: { script: [{ rcpt: '550 5.1.1 no such user here' }] } });
      await server.handIn(sampleMail('one'));
      const inbox = await server.open('INBOX');
      const idling = await inbox.idle();
      const client = await server.open('Caught');
      assert.deepEqual((await client.command('UID MOVE 1 Release')).untagged.slice(1), ['* 1 EXPUNGE']);
      assert.equal(await inbox.read(), '* 1 EXISTS');
      await idling.done();
      await server.server.worker?.idle();
      assert.deepEqual((await client.command('NOOP')).untagged, ['* 1 EXISTS']);
      const fetched = await client.command('FETCH 1 (UID FLAGS)');
      assert.match(fetched.untagged[0] ?? '', /^\* 1 FETCH \(UID [2-9] FLAGS \(\$ReleaseFailed\)\)$/);
      const notice = await inbox.command('FETCH 1 (BODY.PEEK[])');
      assert.match(notice.untagged[0] ?? '', /\r\n {4}550 5\.1\.1 no such user here\r\n/);
    },
  );
});

describe('switching the quarantine off', () => {
  it('for an address hides its mail from it and not from its domain, also in open sessions', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    const alice = await server.open('Caught');
    await server.storage.domains.put(testDomain({ aliases: ['example.net'], quarantineOff: ['alice@example.com'] }));
    await server.quarantine.domains.refresh();
    assert.deepEqual((await alice.command('NOOP')).untagged, ['* 1 EXPUNGE']);
    assert.deepEqual((await alice.command('STATUS Caught (MESSAGES)')).untagged, ['* STATUS "Caught" (MESSAGES 0)']);
    const domain = await server.open('Caught', 'example.com');
    assert.deepEqual((await domain.command('UID SEARCH ALL')).untagged, ['* SEARCH 1']);
  });

  it(
    'for a domain hides it from the domain and its users; global still sees it, and nothing is lost',
    options,
    async () => {
      await using server = await startTestServer();
      await server.storage.domains.put(testDomain({ aliases: ['example.net'], quarantine: false }));
      await server.quarantine.domains.refresh();
      await server.handIn(sampleMail('one'));
      for (const login of ['alice@example.com', 'example.com'] as const) {
        const client = await server.open('Caught', login);
        assert.deepEqual((await client.command('UID SEARCH ALL')).untagged, ['* SEARCH'], login);
      }
      const global = await server.open('Caught', 'global');
      assert.deepEqual((await global.command('UID SEARCH ALL')).untagged, ['* SEARCH 1']);
    },
  );
});

describe('switching the quarantine off during IDLE', () => {
  it('is told at once', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    const alice = await server.open('Caught');
    const idling = await alice.idle();
    await server.storage.domains.put(testDomain({ quarantine: false }));
    await server.quarantine.domains.refresh();
    assert.equal(await alice.read(), '* 1 EXPUNGE');
    await idling.done();
  });
});

describe('switching the quarantine on again', () => {
  it(
    'ends sessions that saw it empty: what is in there cannot appear below the UIDs that they know of',
    options,
    async () => {
      await using server = await startTestServer();
      const switchTo = async (quarantineOff: string[]): Promise<void> => {
        await server.storage.domains.put(testDomain({ quarantineOff }));
        await server.quarantine.domains.refresh();
      };
      await server.handIn(sampleMail('one'));
      const before = await server.open('Caught');
      await switchTo(['alice@example.com']);
      assert.deepEqual((await before.command('NOOP')).untagged, ['* 1 EXPUNGE']);
      const during = await server.open('Caught');
      await switchTo([]);
      for (const client of [before, during]) {
        client.write('x NOOP\r\n');
        assert.match(await client.read(), /^\* BYE .*connect again/);
        await client.closed;
      }
      const after = await server.open('Caught');
      assert.deepEqual((await after.command('UID SEARCH ALL')).untagged, ['* SEARCH 1']);
    },
  );
});

describe('appending', () => {
  it(
    'acts on the held message like a copy, with LITERAL+, flags and date as Thunderbird sends them',
    options,
    async () => {
      await using server = await startTestServer();
      const raw = sampleMail('one');
      await server.handIn(raw);
      const client = await server.open('Caught');
      const mozilla = Buffer.concat([Buffer.from(`X-Mozilla-Keys:${' '.repeat(80)}\r\n`), raw]);
      const tag = client.tag();
      client.write(`${tag} append "Release" (\\Seen) "03-Nov-2025 10:00:00 +0000" {${mozilla.length}+}\r\n`);
      client.write(mozilla);
      client.write('\r\n');
      const reply = await client.readReply(tag);
      assert.match(reply.text, /^\[APPENDUID \d+ 1\] 1 message will be delivered to its recipients\.$/);
      assert.deepEqual((await server.farEnd.nextReceived()).content.subarray(-raw.length), raw);
    },
  );

  it('of a message that is too large is refused in words, before the message is sent', options, async () => {
    await using server = await startTestServer({ sentences: german });
    const client = await server.imap();
    const tag = client.tag();
    client.write(`${tag} APPEND Spam {50000001}\r\n`);
    const { status, text } = await client.readReply(tag);
    const said = '[TOOBIG] Diese Nachricht ist zu groß: Angenommen werden Nachrichten bis 50 MB.';
    assert.deepEqual([status, Buffer.from(text, 'latin1').toString()], ['NO', said]);
  });

  it('of mail from elsewhere trains with exactly these bytes, and never sends them', options, async () => {
    await using server = await startTestServer();
    const client = await server.imap('example.com');
    const raw = sampleMail('from an inbox');
    assert.equal((await client.command('APPEND Spam ', raw)).status, 'OK');
    const refusedReply = await client.command('APPEND Release ', raw);
    assert.equal(refusedReply.code, 'CANNOT');
    assert.match(refusedReply.text, /This message is not in the quarantine, so it cannot be released/);
    await server.server.worker?.idle();
    assert.deepEqual(await server.learned('spam'), [raw]);
    assert.equal(server.farEnd.received.length, 0);
  });

  it('to a folder that takes none is refused before the message is uploaded', options, async () => {
    await using server = await startTestServer();
    const client = await server.imap();
    for (const mailbox of ['Caught', 'Trash']) {
      const tag = client.tag();
      client.write(`${tag} APPEND ${mailbox} {1000}\r\n`);
      const answer = await client.read();
      assert.ok(answer.startsWith(`${tag} NO [CANNOT] `), answer);
    }
  });
});

describe('STARTTLS on the plain port', () => {
  it('is needed before any password', options, async () => {
    await using server = await startTestServer();
    const plain = await RawImap.connect(server.port('IMAP'), { tls: 'none' });
    assert.match(plain.greeting, /STARTTLS LOGINDISABLED/);
    assert.equal((await plain.login('alice@example.com', password)).code, 'PRIVACYREQUIRED');
    await plain.close();
    const secured = await RawImap.connect(server.port('IMAP'), { tls: 'starttls' });
    assert.equal((await secured.login('Alice+any@example.net', password)).status, 'OK');
    assert.equal((await secured.command('SELECT Caught')).status, 'OK');
    await secured.close();
  });
});
