// The main story, row by row of the folder table, over TLS as a mail program does it: a message comes in over LMTP, is announced to
// an idling session, is dragged, and arrives where it should; a second session watches. Then every refusal.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestLogin, TestServer } from '../helpers/server.ts';
import type { Reply } from '../helpers/raw-imap.ts';

type Folder = 'caught' | 'outgoing' | 'training';
const mailboxOf: Record<Folder, string> = {
  caught: 'Caught',
  outgoing: 'Caught (Outgoing)',
  training: 'Training Requested',
};

interface Row {
  drop: string;
  from: Folder;
  as: TestLogin;
  delivered: boolean;
  learned: 'ham' | 'spam' | null;
  /** Of the tagged OK. */
  text: RegExp;
}

const rows: Row[] = [
  {
    drop: 'Release',
    from: 'caught',
    as: 'alice@example.com',
    delivered: true,
    learned: null,
    text: /1 message will be delivered to its recipients\.$/,
  },
  {
    drop: 'Release',
    from: 'caught',
    as: 'example.com',
    delivered: true,
    learned: null,
    text: /1 message will be delivered to its recipients\.$/,
  },
  {
    drop: 'Release',
    from: 'outgoing',
    as: 'global',
    delivered: true,
    learned: null,
    text: /1 message will be delivered to its recipients\.$/,
  },
  {
    drop: 'Release &- Train',
    from: 'caught',
    as: 'alice@example.com',
    delivered: true,
    learned: 'ham',
    text: /delivered to its recipients and reported as not spam\.$/,
  },
  {
    drop: 'Release and Train',
    from: 'caught',
    as: 'global',
    delivered: true,
    learned: 'ham',
    text: /delivered to its recipients and reported as not spam\.$/,
  },
  {
    drop: 'Release &- Train',
    from: 'outgoing',
    as: 'global',
    delivered: true,
    learned: 'ham',
    text: /will be delivered/,
  },
  {
    drop: 'Not Spam',
    from: 'caught',
    as: 'alice@example.com',
    delivered: false,
    learned: 'ham',
    text: /1 message will be reported as not spam\.$/,
  },
  {
    drop: 'Not Spam',
    from: 'outgoing',
    as: 'example.com',
    delivered: false,
    learned: 'ham',
    text: /will be reported as not spam\.$/,
  },
  {
    drop: 'Not Spam',
    from: 'training',
    as: 'alice@example.com',
    delivered: false,
    learned: 'ham',
    text: /will be reported as not spam\.$/,
  },
  {
    drop: 'Spam',
    from: 'caught',
    as: 'alice@example.com',
    delivered: false,
    learned: null,
    text: /known to be spam already, so nothing is reported\.$/,
  },
  {
    drop: 'Spam',
    from: 'outgoing',
    as: 'global',
    delivered: false,
    learned: null,
    text: /known to be spam already, so nothing is reported\.$/,
  },
  {
    drop: 'Spam',
    from: 'training',
    as: 'example.com',
    delivered: false,
    learned: 'spam',
    text: /will be reported as spam\.$/,
  },
  { drop: 'Trash', from: 'caught', as: 'global', delivered: false, learned: null, text: /1 message was deleted\.$/ },
];

async function handIn(server: TestServer, from: Folder, raw: Buffer): Promise<void> {
  const outgoing = { sender: 'alice@example.com', recipients: ['x@remote.example', 'y@remote.example'] };
  const answers = await server.handIn(raw, { folder: from, ...(from === 'outgoing' ? outgoing : {}) });
  for (const answer of answers) assert.match(answer, /^250/);
}

describe('a drag, as every row of the folder table says', () => {
  for (const row of rows) {
    it(`MOVE from ${mailboxOf[row.from]} to ${row.drop} by ${row.as}`, { timeout: 30_000 }, async () => {
      await using server = await startTestServer();
      const raw = sampleMail('A story');
      const mover = await server.open(mailboxOf[row.from], row.as);
      const watcher = await server.open(mailboxOf[row.from], 'global');
      const idling = await watcher.idle();
      await handIn(server, row.from, raw);
      assert.equal(await watcher.read(), '* 1 EXISTS');

      const noop = await mover.command('NOOP');
      assert.deepEqual(noop.untagged, ['* 1 EXISTS']);
      const fetched = await mover.command('FETCH 1 BODY.PEEK[]');
      assert.equal(fetched.untagged[0], `* 1 FETCH (BODY[] {${raw.length}}\r\n${raw.toString()})`);

      const moved = await mover.command(`UID MOVE 1 "${row.drop}"`);
      assert.equal(moved.status, 'OK', moved.text);
      assert.match(moved.text, row.text);
      assert.match(moved.untagged[0] ?? '', /^\* OK \[COPYUID \d+ 1 1\]/);
      assert.equal(moved.untagged[1], '* 1 EXPUNGE');
      assert.equal(await watcher.read(), '* 1 EXPUNGE');
      await idling.done();

      await server.server.worker?.idle();
      if (row.delivered) {
        const received = await server.farEnd.nextReceived();
        assert.match(
          received.content.toString(),
          /^X-Lazaretto-Release: [0-9a-f]{30}\.1 by quarantine\.example\.test\r\n/,
        );
        assert.equal(received.content.subarray(received.content.indexOf('\n') + 1).toString(), raw.toString());
        assert.equal(received.sender, row.from === 'outgoing' ? 'alice@example.com' : 'sender@remote.example');
        assert.deepEqual(
          received.recipients,
          row.from === 'outgoing' ? ['x@remote.example', 'y@remote.example'] : ['alice@example.com'],
        );
      }
      assert.equal(server.farEnd.received.length, row.delivered ? 1 : 0);
      for (const verdict of ['ham', 'spam'] as const) {
        assert.deepEqual(await server.learned(verdict), row.learned === verdict ? [raw] : [], verdict);
      }
      for (const login of ['global', 'example.com', 'alice@example.com'] as const) {
        if (login === 'alice@example.com' && row.from === 'outgoing') continue;
        const client = await server.open(mailboxOf[row.from], login);
        assert.deepEqual((await client.command('UID SEARCH ALL')).untagged, ['* SEARCH'], login);
      }
    });
  }
});

interface Refused {
  title: string;
  from: Folder;
  as: TestLogin;
  command: string;
  code: string;
  text: RegExp;
  header?: string;
}

const trusted = 'Received: from a by filter.example; Mon, 5 Jan 2026 10:00:00 +0000\r\n';

const refused: Refused[] = [
  {
    title: 'a virus may not be released by its recipient',
    from: 'caught',
    as: 'alice@example.com',
    command: 'UID MOVE 1 Release',
    code: 'NOPERM',
    text: /quarantined as virus may not be released with this login\. Ask the administrator of the quarantine\./,
    header: `X-Virus: Eicar-Test\r\n${trusted}`,
  },
  {
    title: 'outgoing mail may not be released by the domain',
    from: 'outgoing',
    as: 'example.com',
    command: 'UID COPY 1 Release',
    code: 'NOPERM',
    text: /Outgoing mail may not be released with this login/,
  },
  {
    title: 'what was delivered is not delivered again',
    from: 'training',
    as: 'alice@example.com',
    command: 'UID MOVE 1 Release',
    code: 'CANNOT',
    text: /already delivered\. Release accepts messages from Caught\.$/,
  },
  {
    title: 'nor with training',
    from: 'training',
    as: 'global',
    command: 'UID COPY 1 "Release &- Train"',
    code: 'CANNOT',
    text: /already delivered/,
  },
  {
    title: 'nothing can be moved into Caught',
    from: 'training',
    as: 'global',
    command: 'UID MOVE 1 Caught',
    code: 'CANNOT',
    text: /Caught shows what the quarantine holds, so nothing can be put into it\. Drag messages to Not Spam, Spam or Trash\./,
  },
  {
    title: 'nor into INBOX',
    from: 'caught',
    as: 'global',
    command: 'UID COPY 1 INBOX',
    code: 'CANNOT',
    text: /INBOX shows what .*Drag messages to Release, Release & Train, Not Spam, Spam or Trash\./,
  },
  {
    title: 'there is no other folder',
    from: 'caught',
    as: 'global',
    command: 'UID MOVE 1 Archive',
    code: 'NONEXISTENT',
    text: /There is no such folder here/,
  },
  {
    title: 'a user has no Caught (Outgoing)',
    from: 'caught',
    as: 'alice@example.com',
    command: 'UID MOVE 1 "Caught (Outgoing)"',
    code: 'NONEXISTENT',
    text: /no such folder/,
  },
];

describe('a refused drag', () => {
  for (const row of refused) {
    it(row.title, { timeout: 30_000 }, async () => {
      await using server = await startTestServer({ policy: { trustedHosts: ['filter.example'] } });
      await handIn(server, row.from, sampleMail('Refused', row.header));
      const client = await server.open(mailboxOf[row.from], row.as);
      const reply: Reply = await client.command(row.command);
      assert.equal(reply.status, 'NO');
      assert.equal(reply.code, row.code);
      assert.match(reply.text, row.text);
      assert.doesNotMatch(reply.text, /TRYCREATE/);
      assert.deepEqual(reply.untagged, []);
      assert.deepEqual((await client.command('UID SEARCH ALL')).untagged, ['* SEARCH 1']);
      await server.server.worker?.idle();
      assert.equal(server.farEnd.received.length, 0);
      assert.deepEqual([...(await server.learned('ham')), ...(await server.learned('spam'))], []);
    });
  }

  it('in part: what went is announced, then a NO counts and says why', { timeout: 30_000 }, async () => {
    await using server = await startTestServer({ policy: { trustedHosts: ['filter.example'] } });
    await handIn(server, 'caught', sampleMail('one'));
    await handIn(server, 'caught', sampleMail('two', `X-Virus: Eicar-Test\r\n${trusted}`));
    await handIn(server, 'caught', sampleMail('three'));
    const client = await server.open('Caught');
    const reply = await client.command('UID MOVE 1:3 Release');
    assert.match(reply.untagged[0] ?? '', /^\* OK \[COPYUID \d+ 1,3 1:2\]/);
    assert.deepEqual(reply.untagged.slice(1), ['* 3 EXPUNGE', '* 1 EXPUNGE']);
    assert.equal(reply.status, 'NO');
    assert.match(
      reply.text,
      /^\[NOPERM\] 2 messages will be delivered to their recipients\. 1 message stays where it is\. Messages that were quarantined as virus/,
    );
    await server.server.worker?.idle();
    assert.equal(server.farEnd.received.length, 2);
  });

  it('of what was dragged before, back to where it was: it cannot be undone', { timeout: 30_000 }, async () => {
    await using server = await startTestServer();
    await handIn(server, 'caught', sampleMail('Regretted'));
    const client = await server.open('Caught');
    assert.equal((await client.command('UID MOVE 1 Release')).status, 'OK');
    // As Thunderbird's Undo does it, with the UID that COPYUID told.
    assert.equal((await client.command('SELECT Release')).status, 'OK');
    const reply = await client.command('UID MOVE 1 Caught');
    assert.deepEqual([reply.status, reply.code], ['NO', 'CANNOT']);
    assert.match(reply.text, /What was dragged to Release was done at once and cannot be taken back\./);
    assert.equal((await server.farEnd.nextReceived()).recipients.length, 1);
  });

  it(
    'of a notice: it may be read and deleted, and is nothing to release or train with',
    { timeout: 30_000 },
    async () => {
      await using server = await startTestServer({ farEnd: { script: [{ rcpt: '550 5.1.1 nobody' }] } });
      await handIn(server, 'caught', sampleMail('Lost'));
      const client = await server.open('Caught');
      await client.command('UID MOVE 1 Release');
      await server.server.worker?.idle();
      const inbox = await server.open('INBOX');
      for (const drop of ['Release', '"Release &- Train"', '"Not Spam"', 'Spam']) {
        const reply = await inbox.command(`COPY 1 ${drop}`);
        assert.equal(reply.code, 'CANNOT');
        assert.match(reply.text, /This is a notice of the quarantine, not mail/);
      }
      assert.match((await inbox.command('FETCH 1 BODY[TEXT]')).untagged.join(), /550 5\.1\.1 nobody/);
      await inbox.command('STORE 1 +FLAGS (\\Deleted)');
      assert.deepEqual((await inbox.command('EXPUNGE')).untagged, ['* 1 EXPUNGE']);
    },
  );
});
