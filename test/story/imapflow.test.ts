// The main story through imapflow, a mail client that nobody here wrote: three logins over TLS, one of them watching in IDLE. Whatever it
// understands of our answers is checked beside the store, the next hop and the training Maildir.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { ImapFlow } from 'imapflow';
import type { ExistsEvent, ExpungeEvent, FlagsEvent, ImapFlowError, MessageStructureObject } from 'imapflow';
import { startServer } from '../../src/main.ts';
import type { RunningServer } from '../../src/main.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { defaultSettings } from '../../src/settings.ts';
import { logins, password, sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestLogin, TestServer } from '../helpers/server.ts';

const options = { timeout: 60_000 };

/** imapflow answers a refused COPY or MOVE with `false`, and tells why in its log alone. */
class Client extends ImapFlow implements AsyncDisposable {
  readonly problems: ImapFlowError[];

  private constructor(port: number, user: string, problems: ImapFlowError[]) {
    const warn = ({ err }: { err?: ImapFlowError }): void => void (err && problems.push(err));
    super({
      host: '127.0.0.1',
      port,
      secure: true,
      auth: { user, pass: password },
      tls: { rejectUnauthorized: false },
      // IDLE begins when a test says so.
      disableAutoIdle: true,
      logger: { debug: () => undefined, info: () => undefined, warn, error: warn },
    });
    this.problems = problems;
    this.on('error', () => undefined);
  }

  static async logIn(port: number, user: string): Promise<Client> {
    const client = new Client(port, user, []);
    await client.connect();
    return client;
  }

  static async open(server: TestServer, mailbox: string, user: TestLogin = 'alice@example.com'): Promise<Client> {
    const client = await Client.logIn(server.port('IMAPS'), user);
    await client.mailboxOpen(mailbox);
    return client;
  }

  // In the place of a logout, which would wait for a server that is gone.
  override async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.isClosed ? Promise.resolve() : once(this, 'close');
    this.close();
    await closed;
  }
}

/** An open mailbox in IDLE; what is told of it, in order. */
class Watcher {
  readonly #client: Client;
  readonly #told: string[] = [];
  readonly #signal: AbortSignal;
  #wake: () => void = () => undefined;
  readonly #idling: Promise<unknown>;

  /** @param signal of the test: what is not told in its time is missed, and the test ends in good order */
  constructor(client: Client, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    client.on('exists', ({ count, prevCount }: ExistsEvent) => this.#note(`exists ${prevCount} → ${count}`));
    client.on('expunge', ({ seq }: ExpungeEvent) => this.#note(`expunge ${seq}`));
    client.on('flags', ({ uid, flags }: FlagsEvent) => this.#note(`flags ${uid} ${[...flags].join(' ')}`));
    this.#idling = client.idle();
  }

  async next(): Promise<string> {
    while (!this.#told.length) {
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#told.shift() ?? '';
  }

  /** Ends IDLE, and answers what was told and not asked for. */
  async end(): Promise<string[]> {
    await this.#client.noop();
    await this.#idling;
    return this.#told.splice(0);
  }

  #note(event: string): void {
    this.#told.push(event);
    this.#wake();
  }
}

/** The one message that the store holds with this subject, held or not. */
async function storedMessage(server: TestServer, subject: string): Promise<Message> {
  const found = await server.storage.find({ role: 'global' }, { which: 'all', text: subject });
  const [message] = found;
  assert.ok(message && found.length === 1, `${found.length} messages with the subject ${subject}`);
  return message;
}

async function settled(server: TestServer): Promise<void> {
  await server.server.worker?.idle();
}

const picture = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7) % 256));

const richMail = [
  'From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <juergen@remote.example>',
  'To: "Alice, Accounts" <alice@example.com>',
  'Cc: bob@example.com',
  'Subject: =?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?= and more',
  'Message-ID: <rich@remote.example>',
  'In-Reply-To: <before@remote.example>',
  'Date: Sun, 4 Jan 2026 23:30:00 -0500',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="outer"',
  '',
  'preamble',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Die Rechnung =C3=BCber 100 =E2=82=AC liegt bei.',
  '--inner',
  'Content-Type: text/html; charset=iso-8859-1',
  '',
  '<p>Die Rechnung liegt bei.</p>',
  '--inner--',
  '--outer',
  "Content-Type: image/png; name*=utf-8''Stra%C3%9Fe.png",
  "Content-Disposition: attachment; filename*=utf-8''Stra%C3%9Fe.png",
  'Content-Transfer-Encoding: base64',
  '',
  picture.toString('base64').replace(/.{76}/g, '$&\r\n'),
  '--outer',
  'Content-Type: message/rfc822',
  '',
  'From: inner@remote.example',
  'Subject: Forwarded',
  '',
  'Text of the forwarded message.',
  '--outer--',
  'epilogue',
  '',
].join('\r\n');

describe('imapflow', () => {
  it(
    'lists the folders of each login under their names, all subscribed, and counts what is in them',
    options,
    async () => {
      await using server = await startTestServer({ folders: { trash: false } });
      await server.handIn(sampleMail('one'));
      await server.handIn(sampleMail('two'));
      const common = ['Caught', 'INBOX', 'Not Spam', 'Release', 'Release & Train', 'Spam', 'Training Requested'];
      for (const login of ['global', 'example.com', 'alice@example.com', 'bob@example.com'] as const) {
        await using client = await Client.logIn(server.port('IMAPS'), login);
        const folders = await client.list({ statusQuery: { messages: true, unseen: true, uidNext: true } });
        assert.deepEqual(
          folders.map(({ path }) => path).sort(),
          login.includes('@') ? common : [...common, 'Caught (Outgoing)'].sort(),
          login,
        );
        for (const folder of folders) {
          const expected = folder.path === 'Caught' && login !== 'bob@example.com' ? 2 : 0;
          assert.equal(folder.status?.messages, expected, `${login} ${folder.path}`);
          assert.equal(folder.status?.unseen, expected);
          assert.deepEqual([folder.subscribed, folder.delimiter, folder.parent], [true, '/', []]);
          assert.ok(!folder.flags.has('\\Noselect') && !folder.flags.has('\\Junk'));
          // imapflow would take INBOX for itself; no other folder has a use that a server gave it.
          if (folder.path !== 'INBOX') assert.notEqual(folder.specialUseSource, 'extension');
          await client.mailboxOpen(folder.path);
        }
        assert.deepEqual(client.problems, []);
      }
    },
  );

  it('reads a message: list, structure, source, headers, a part of it, and finds it again', options, async () => {
    await using server = await startTestServer();
    const raw = Buffer.from(richMail);
    await server.handIn(sampleMail('Plain'));
    server.clock.advance(86_400_000);
    await server.handIn(raw, { sender: '' });
    await using client = await Client.open(server, 'Caught');
    const message = await client.fetchOne(
      '*',
      {
        uid: true,
        flags: true,
        envelope: true,
        bodyStructure: true,
        internalDate: true,
        size: true,
        source: true,
        headers: ['subject', 'x-nothing'],
        bodyParts: ['1.1', '2.mime', '3.text', { key: '1.2', start: 3, maxLength: 12 }],
      },
      { uid: false },
    );
    assert.ok(message);
    assert.deepEqual([message.uid, message.seq, message.size, [...(message.flags ?? [])]], [2, 2, raw.length, []]);
    assert.ok(message.source?.equals(raw));
    assert.equal(new Date(message.internalDate ?? '').getTime(), server.clock.now());
    const sender = { name: 'Jürgen Müller', address: 'juergen@remote.example' };
    assert.deepEqual(message.envelope, {
      date: new Date('2026-01-05T04:30:00Z'),
      subject: 'Grüße aus Köln and more',
      messageId: '<rich@remote.example>',
      inReplyTo: '<before@remote.example>',
      from: [sender],
      sender: [sender],
      replyTo: [sender],
      to: [{ name: 'Alice, Accounts', address: 'alice@example.com' }],
      cc: [{ name: '', address: 'bob@example.com' }],
    });
    assert.deepEqual(outline(message.bodyStructure), [
      'multipart/mixed',
      '1 multipart/alternative',
      '1.1 text/plain quoted-printable 47 0',
      '1.2 text/html 7bit 30 0',
      '2 image/png base64 4104 attachment Straße.png',
      '3 message/rfc822 7bit 80 3',
      '3 text/plain 7bit 30 0',
    ]);
    assert.equal(message.headers?.toString(), 'Subject: =?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?= and more\r\n\r\n');
    assert.equal(message.bodyParts?.get('1.2')?.toString(), 'Die Rechnung');
    assert.match(message.bodyParts.get('2.mime')?.toString() ?? '', /^Content-Type: image\/png; .*\r\n\r\n$/s);
    assert.equal(message.bodyParts.get('3.text')?.toString(), 'Text of the forwarded message.');

    const attachment = await client.download('2', '2', { uid: true, chunkSize: 1024 });
    assert.ok('content' in attachment && attachment.content);
    assert.equal(attachment.meta.filename, 'Straße.png');
    assert.ok((await buffer(attachment.content)).equals(picture));
    const text = await client.download('2', '1.1', { uid: true });
    assert.ok('content' in text && text.content);
    assert.equal((await buffer(text.content)).toString(), 'Die Rechnung über 100 € liegt bei.');
    assert.deepEqual(client.problems, []);
  });

  it('searches by subject, text, date, flags and sender, nested', options, async () => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('Plain'));
    server.clock.advance(86_400_000);
    await server.handIn(Buffer.from(richMail));
    server.clock.advance(86_400_000);
    await server.handIn(sampleMail('Last words'));
    await using client = await Client.open(server, 'Caught');
    await client.messageFlagsAdd('3', ['\\Seen', 'Later'], { uid: true });
    const day = '2026-01-06';
    const searches: [Parameters<Client['search']>[0], number[]][] = [
      [{ all: true }, [1, 2, 3]],
      [{ subject: 'grüße aus' }, [2]],
      [{ body: 'über 100 €' }, [2]],
      [{ body: 'FORWARDED MESSAGE' }, [2]],
      [{ text: 'alice, accounts' }, [2]],
      [{ since: day }, [2, 3]],
      [{ on: day }, [2]],
      [{ before: day }, [1]],
      [{ sentOn: '2026-01-04' }, [2]],
      [{ seen: true }, [3]],
      [{ keyword: 'Later' }, [3]],
      [{ larger: 1000, seen: false }, [2]],
      [{ header: { 'In-Reply-To': true } }, [2]],
      [{ header: { 'Message-ID': 'Plain@remote' } }, [1]],
      [{ not: { or: [{ subject: 'plain' }, { not: { body: 'rechnung' } }] } }, [2]],
      [{ or: [{ from: 'Jürgen' }, { since: day, not: { or: [{ seen: false }, { subject: 'grüße' }] } }] }, [2, 3]],
      [{ or: [{ to: 'nobody' }, { cc: 'bob@example.com' }, { uid: '1', subject: 'Plain' }] }, [1, 2]],
      [{ subject: 'nothing like this' }, []],
    ];
    for (const [query, expected] of searches) {
      assert.deepEqual(await client.search(query, { uid: true }), expected, JSON.stringify(query));
    }
    assert.deepEqual(client.problems, []);
  });

  interface Drag {
    drop: string;
    from: 'Caught' | 'Caught (Outgoing)' | 'Training Requested';
    login: TestLogin;
    delivered: boolean;
    learned: 'ham' | 'spam' | null;
  }
  const drags: Drag[] = [
    { drop: 'Release', from: 'Caught', login: 'alice@example.com', delivered: true, learned: null },
    { drop: 'Release', from: 'Caught (Outgoing)', login: 'global', delivered: true, learned: null },
    { drop: 'Release & Train', from: 'Caught', login: 'example.com', delivered: true, learned: 'ham' },
    { drop: 'Release and Train', from: 'Caught', login: 'global', delivered: true, learned: 'ham' },
    { drop: 'Not Spam', from: 'Caught', login: 'alice@example.com', delivered: false, learned: 'ham' },
    { drop: 'Not Spam', from: 'Training Requested', login: 'alice@example.com', delivered: false, learned: 'ham' },
    { drop: 'Spam', from: 'Training Requested', login: 'example.com', delivered: false, learned: 'spam' },
    { drop: 'Spam', from: 'Caught', login: 'alice@example.com', delivered: false, learned: null },
    { drop: 'Trash', from: 'Caught', login: 'global', delivered: false, learned: null },
  ];
  const doors = { Caught: 'caught', 'Caught (Outgoing)': 'outgoing', 'Training Requested': 'training' } as const;

  it(
    'moves a message to every drop: watched in IDLE, gone for all, delivered and taught as the folder says',
    options,
    async ({ signal }) => {
      await using server = await startTestServer();
      let received = 0;
      const learned = { ham: [] as string[], spam: [] as string[] };
      for (const [index, { drop, from, login, ...effect }] of drags.entries()) {
        const subject = `Drag ${index}`;
        const isOutgoing = from === 'Caught (Outgoing)';
        const raw = sampleMail(subject);
        await using watching = await Client.open(server, from, isOutgoing ? 'example.com' : 'alice@example.com');
        await using mover = await Client.open(server, from, login);
        const watcher = new Watcher(watching, signal);
        const recipients = isOutgoing ? ['x@remote.example', 'y@remote.example'] : ['Alice+shop@example.net'];
        const sender = isOutgoing ? 'alice@example.com' : '';
        await server.handIn(raw, { folder: doors[from], recipients, sender });
        assert.equal(await watcher.next(), 'exists 0 → 1');
        // A session that is not in IDLE learns of it with its next command.
        await mover.noop();
        const [uid] = (await mover.search({ subject }, { uid: true })) || [];
        assert.ok(uid, `${subject} is found`);
        const moved = await mover.messageMove(String(uid), drop, { uid: true });
        assert.ok(moved, mover.problems[0]?.responseText);
        assert.deepEqual([...(moved.uidMap?.keys() ?? [])], [uid]);
        assert.equal(await watcher.next(), 'expunge 1');
        assert.deepEqual(await watcher.end(), []);

        await settled(server);
        if (effect.delivered) {
          const delivery = server.farEnd.received[received++];
          assert.ok(delivery, `${subject} was delivered`);
          const end = delivery.content.indexOf('\r\n') + 2;
          assert.match(
            delivery.content.toString('latin1', 0, end),
            /^X-Lazaretto-Release: \S+ by quarantine\.example\.test\r\n$/,
          );
          assert.equal(delivery.content.toString('latin1', end), raw.toString('latin1'));
          assert.deepEqual([delivery.sender, delivery.recipients], [sender, recipients]);
        }
        assert.equal(server.farEnd.received.length, received, subject);
        if (effect.learned) learned[effect.learned].push(raw.toString());
        for (const verdict of ['ham', 'spam'] as const) {
          const texts = (await server.learned(verdict)).map(String);
          assert.deepEqual(texts.sort(), learned[verdict].toSorted(), `${subject} ${verdict}`);
        }
        const message = await storedMessage(server, subject);
        assert.deepEqual(message.visibleTo, []);
        assert.equal(message.delivery?.state, effect.delivered ? 'done' : undefined);
        assert.equal(message.report?.verdict, effect.learned ?? undefined);
        for (const entitled of logins) {
          if (entitled.includes('@') && isOutgoing) continue;
          await using client = await Client.open(server, from, entitled);
          assert.equal(client.mailbox && client.mailbox.exists, 0, `${subject} for ${entitled}`);
        }
      }
    },
  );

  it(
    'copies: the message stays, is marked for every login, and is delivered once however often it is copied',
    options,
    async ({ signal }) => {
      await using server = await startTestServer();
      await server.handIn(sampleMail('Copied'));
      await using watching = await Client.open(server, 'Caught', 'example.com');
      const watcher = new Watcher(watching, signal);
      await using client = await Client.open(server, 'Caught');
      for (let time = 0; time < 3; time++) {
        const copied = await client.messageCopy('1', 'Release', { uid: true });
        assert.ok(copied && copied.uidMap?.has(1));
        await settled(server);
      }
      assert.equal(await watcher.next(), 'flags 1 $Released');
      assert.equal((await server.farEnd.nextReceived()).recipients.join(), 'alice@example.com');
      await client.messageFlagsAdd('1', ['\\Seen'], { uid: true });
      assert.deepEqual(await watcher.end().then((told) => told.filter((event) => event !== 'flags 1 $Released')), []);
      const message = await client.fetchOne('1', { flags: true }, { uid: true });
      assert.deepEqual(message && [...(message.flags ?? [])].sort(), ['$Released', '\\Seen']);
      assert.ok(await client.messageMove('1', 'Release', { uid: true }));
      await settled(server);
      assert.equal(server.farEnd.received.length, 1);
      assert.deepEqual((await storedMessage(server, 'Copied')).visibleTo, []);
    },
  );

  it('flags and deletes for its own kind of login, and trains nobody by it', options, async ({ signal }) => {
    await using server = await startTestServer();
    for (const subject of ['first', 'second', 'third']) await server.handIn(sampleMail(subject));
    await using alice = await Client.open(server, 'Caught');
    await using second = await Client.open(server, 'Caught');
    const watcher = new Watcher(second, signal);
    assert.ok(await alice.messageFlagsSet('1:2', ['\\Flagged', '$label1'], { uid: true }));
    assert.deepEqual(
      [await watcher.next(), await watcher.next()],
      ['flags 1 \\Flagged $label1', 'flags 2 \\Flagged $label1'],
    );
    assert.ok(await alice.messageFlagsRemove('1', ['\\Flagged'], { uid: true }));
    assert.equal(await watcher.next(), 'flags 1 $label1');
    assert.ok(await alice.messageDelete('1,3', { uid: true }));
    const told = [await watcher.next(), await watcher.next()];
    // The other session may see the mark before the removal.
    while (told.filter((event) => event.startsWith('expunge')).length < 2) told.push(await watcher.next());
    assert.deepEqual(
      told.filter((event) => event.startsWith('expunge')),
      ['expunge 3', 'expunge 1'],
    );
    await using domain = await Client.open(server, 'Caught', 'example.com');
    const seen = await domain.fetchAll('1:*', { uid: true, flags: true });
    assert.deepEqual(
      seen.map(({ uid, flags }) => [uid, ...(flags ?? [])]),
      [[1], [2], [3]],
    );
    await settled(server);
    assert.deepEqual([...(await server.learned('ham')), ...(await server.learned('spam'))], []);
    assert.equal(server.farEnd.received.length, 0);
  });

  it(
    'appends: mail from elsewhere trains, a held message is released, an unknown one is refused in words',
    options,
    async () => {
      await using server = await startTestServer();
      const raw = sampleMail('Held');
      await server.handIn(raw);
      await using client = await Client.open(server, 'Caught');
      const foreign = Buffer.from('Subject: mine\r\n\r\n\x00 8-bit: \xe4\r\n', 'latin1');
      const trained = await client.append('Spam', foreign, ['\\Seen'], new Date('2025-12-24T08:00:00Z'));
      assert.ok(trained && trained.uid === 1 && trained.uidValidity);
      const released = await client.append('Release', raw);
      assert.ok(released && released.uid === 1);
      await settled(server);
      assert.deepEqual(await server.learned('spam'), [foreign]);
      assert.equal((await server.farEnd.nextReceived()).sender, 'sender@remote.example');
      await assert.rejects(client.append('Release & Train', foreign), (error: ImapFlowError) => {
        assert.equal(error.serverResponseCode, 'CANNOT');
        assert.equal(
          error.responseText,
          'This message is not in the quarantine, so it cannot be released. Release & Train accepts messages from Caught.',
        );
        return true;
      });
      await assert.rejects(
        client.append('Caught', raw),
        (error: ImapFlowError) => error.serverResponseCode === 'CANNOT',
      );
      await settled(server);
      assert.equal(server.farEnd.received.length, 1);
      // The connection is still in step.
      assert.equal((await client.status('Caught', { messages: true })) && client.usable, true);
    },
  );

  it('is told in our words why a move, a copy or a new folder is refused, and nothing happens', options, async () => {
    await using server = await startTestServer({ policy: { trustedHosts: ['filter.example'] } });
    const trusted = 'X-Virus: Eicar-Test\r\nReceived: from a by filter.example; Mon, 5 Jan 2026 10:00:00 +0000\r\n';
    await server.handIn(sampleMail('Infected', trusted));
    await server.handIn(sampleMail('Harmless'));
    await using client = await Client.open(server, 'Caught');
    const virus =
      'Messages that were quarantined as virus may not be released with this login. Ask the administrator of the quarantine.';
    const refusals: [() => Promise<unknown>, string, string][] = [
      [() => client.messageMove('1', 'Release', { uid: true }), 'NOPERM', virus],
      [
        () => client.messageCopy('1:2', 'Release & Train', { uid: true }),
        'NOPERM',
        `Nothing was done, because 1 of the 2 messages cannot be accepted. ${virus}`,
      ],
      [
        () => client.messageMove('1', 'INBOX', { uid: true }),
        'CANNOT',
        'INBOX shows what the quarantine holds, so nothing can be put into it. Drag messages to Release, Release & Train, Not Spam, Spam or Trash.',
      ],
      [
        () => client.messageMove('1', 'Archive', { uid: true }),
        'NONEXISTENT',
        'There is no such folder here, and none can be made: the folders of the quarantine are fixed.',
      ],
    ];
    for (const [attempt, code, text] of refusals) {
      client.problems.length = 0;
      assert.equal(await attempt(), false, code);
      const [problem] = client.problems;
      assert.deepEqual(
        [problem?.responseStatus, problem?.serverResponseCode, problem?.responseText],
        ['NO', code, text],
      );
    }
    await assert.rejects(client.mailboxCreate('Drafts'), (error: ImapFlowError) => {
      assert.equal(
        error.responseText,
        'The folders of the quarantine are fixed: none can be made, renamed or deleted.',
      );
      return error.serverResponseCode === 'CANNOT';
    });
    await settled(server);
    assert.equal(server.farEnd.received.length, 0);
    assert.deepEqual(await client.search({ all: true }, { uid: true }), [1, 2]);
    await assert.rejects(Client.logIn(server.port('IMAPS'), 'nobody@example.com'), (error: ImapFlowError) => {
      return error.authenticationFailed === true && error.serverResponseCode === 'AUTHENTICATIONFAILED';
    });
  });

  it(
    'reconnects after its connection broke and after the server was restarted, to the same messages',
    options,
    async ({ signal }) => {
      await using server = await startTestServer();
      for (const subject of ['one', 'two']) await server.handIn(sampleMail(subject));
      const broken = await Client.open(server, 'Caught');
      const { uidValidity } = broken.mailbox || {};
      await broken.messageMove('1', 'Not Spam', { uid: true });
      const moving = broken.messageMove('2', 'Release', { uid: true });
      // The command is out and its answer is not yet read: the client does not know what became of it, and asks again.
      broken.close();
      await moving.catch(() => undefined);
      await using again = await Client.open(server, 'Caught');
      assert.equal(again.mailbox && again.mailbox.uidValidity, uidValidity);
      assert.ok(await again.messageMove('2', 'Release', { uid: true }));
      await settled(server);
      assert.equal(server.farEnd.received.length, 1);

      await server.handIn(sampleMail('three'));
      const watcher = new Watcher(again, signal);
      assert.match(await watcher.next(), /^exists \d → 1$/);
      await Promise.all([once(again, 'close'), server.server.close()]);
      assert.equal(again.byeReason, 'The quarantine is stopping. Please connect again later.');
      const restarted = await restart(server);
      try {
        const port = restarted.listening[0]?.port ?? 0;
        await using after = await Client.logIn(port, 'alice@example.com');
        const mailbox = await after.mailboxOpen('Caught');
        assert.deepEqual([mailbox.uidValidity, mailbox.exists], [uidValidity, 1]);
        const message = await after.fetchOne('3', { source: true }, { uid: true });
        assert.equal(message && message.source?.toString(), sampleMail('three').toString());
      } finally {
        await restarted.close();
      }
    },
  );
});

/** The same store behind a new IMAP listener. */
function restart(server: TestServer): Promise<RunningServer> {
  const settings = defaultSettings(server.directory);
  return startServer(
    {
      ...settings,
      dataDir: server.directory,
      roles: ['imap'],
      http: { address: '127.0.0.1', port: 0 },
      imap: { ...settings.imap, listen: [{ address: '127.0.0.1', port: 0, tls: 'implicit', proxyProtocol: false }] },
    },
    server.quarantine,
  );
}

/** One line per part: number, type, encoding, size and lines, what it is attached as. */
function outline(part: MessageStructureObject | undefined): string[] {
  if (!part) return [];
  const facts = [
    part.part,
    part.type,
    part.encoding,
    part.size,
    part.lineCount,
    part.disposition,
    part.dispositionParameters?.['filename'],
  ];
  return [
    facts.filter((fact) => fact !== undefined && fact !== '').join(' '),
    ...(part.childNodes ?? []).flatMap((child) => outline(child)),
  ];
}
