import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { stringOf } from '../../src/imap/arguments.ts';
import type {
  Answer,
  CommandDefinition,
  CommandHandler,
  ImapConnection,
  SelectedMailbox,
} from '../../src/imap/command.ts';
import type { ImapShell } from '../../src/imap/imap-core.ts';
import type { ShellOptions } from '../../src/imap/shell-options.ts';
import { PermanentError, Refusal, TemporaryError } from '../../src/quarantine/errors.ts';
import { startShell } from '../helpers/imap-shell.ts';

const ok: Answer = { response: 'OK', text: 'Done' };

function define(names: string[], handle: CommandHandler, more: Partial<CommandDefinition> = {}): CommandDefinition {
  return { names, states: ['Authenticated', 'Selected'], announces: 'always', handle, ...more };
}

/** A mailbox that announces what a test puts into `news`. */
class TestMailbox implements SelectedMailbox {
  news: string[] = [];
  problem: Error | null = null;
  closed = 0;
  expunged = 0;
  announcing = 0;
  #wake: (() => void) | null = null;

  async announce(connection: ImapConnection): Promise<void> {
    this.announcing++;
    assert.equal(this.announcing, 1, 'never two announcements at once');
    await new Promise((resolve) => setImmediate(resolve));
    this.announcing--;
    if (this.problem !== null) throw this.problem;
    const lines = this.news.splice(0);
    for (const line of lines) await connection.write(`* ${line}\r\n`);
  }

  tell(line: string): void {
    this.news.push(line);
    this.#wake?.();
  }

  get watched(): boolean {
    return this.#wake !== null;
  }

  watch(wake: () => void): () => void {
    this.#wake = wake;
    return () => (this.#wake = null);
  }

  expungeSilently(): Promise<void> {
    this.expunged++;
    return Promise.resolve();
  }

  close(): void {
    this.closed++;
  }
}

function selecting(mailbox: SelectedMailbox): CommandDefinition {
  return define(
    ['SELECT'],
    (connection) => {
      connection.selected = null;
      connection.selected = mailbox;
      return Promise.resolve(ok);
    },
    { announces: 'never' },
  );
}

async function withSelected(context: TestContext, options: Partial<ShellOptions> = {}) {
  const mailbox = new TestMailbox();
  const server = await startShell(context, { ...options, commands: [selecting(mailbox), ...(options.commands ?? [])] });
  const client = await server.logIn();
  await client.command('SELECT Caught');
  return { ...server, mailbox, client };
}

/** Ends the connection under a command, and waits until it is gone. */
async function lose(connection: ImapConnection): Promise<void> {
  const gone = new Promise<void>((resolve) => connection.onClose(resolve));
  connection.bye('Lost');
  await gone;
}

async function nobodyLeft({ connections }: Pick<ImapShell, 'connections'>): Promise<void> {
  while (connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
}

describe('a client is greeted', { timeout: 20_000 }, () => {
  test('at once, with what it may do now; before TLS it is told not to log in', async (context) => {
    const { connect } = await startShell(context);
    const secure = await connect();
    assert.equal(secure.greeting, '* OK [CAPABILITY IMAP4rev1 ID LITERAL+ SASL-IR AUTH=PLAIN] Lazaretto ready');
    const plain = await connect({ tls: 'none' });
    assert.equal(plain.greeting, '* OK [CAPABILITY IMAP4rev1 ID LITERAL+ STARTTLS LOGINDISABLED] Lazaretto ready');
    assert.deepEqual((await plain.command('CAPABILITY')).untagged, [
      '* CAPABILITY IMAP4rev1 ID LITERAL+ STARTTLS LOGINDISABLED',
    ]);
  });

  test('with BYE and the reason when it is not admitted', async (context) => {
    const asked: string[] = [];
    const { connect, shell } = await startShell(context, {
      admit: (remoteAddress) => {
        asked.push(remoteAddress);
        return { refuse: 'Too many connections from your address; please close some' };
      },
    });
    const client = await connect();
    assert.equal(client.greeting, '* BYE Too many connections from your address; please close some');
    await client.closed;
    assert.deepEqual(asked, ['127.0.0.1']);
    await nobodyLeft(shell);
  });

  test('and, logged in, may do what is right and nothing that harms', async (context) => {
    const { logIn } = await startShell(context, { maxMessageBytes: 52_428_800 });
    const client = await logIn();
    const { untagged } = await client.command('CAPABILITY');
    assert.deepEqual(untagged, [
      '* CAPABILITY IMAP4rev1 ID LITERAL+ SASL-IR IDLE NAMESPACE CHILDREN UIDPLUS MOVE UNSELECT ENABLE SPECIAL-USE ' +
        'LIST-EXTENDED XLIST APPENDLIMIT=52428800',
    ]);
  });
});

describe('the commands of the protocol', { timeout: 20_000 }, () => {
  test('ID says who we are, takes NIL as a value, and notes the mail program in the log', async (context) => {
    const { connect, logged } = await startShell(context);
    const client = await connect();
    for (const argument of ['NIL', '("name" NIL)', '("name" "Thunder\tbird" "version" "153" "secret" "x")']) {
      const { status, untagged } = await client.command(`ID ${argument}`);
      assert.equal(status, 'OK', argument);
      assert.deepEqual(untagged, ['* ID ("name" "Lazaretto" "version" "1.2.3")']);
    }
    const said = logged.filter(({ fields }) => 'client' in fields).map(({ fields }) => fields['client']);
    assert.deepEqual(said, ['', 'name=Thunder bird version=153']);
    for (const argument of ['', '"name"', '("name")', '(NIL "x")', '("name" ("x"))', 'NIL NIL']) {
      assert.equal((await client.command(`ID ${argument}`)).status, 'BAD', argument);
    }
  });

  test('NAMESPACE and ENABLE answer what clients can live with', async (context) => {
    const { logIn } = await startShell(context);
    const client = await logIn();
    assert.deepEqual((await client.command('NAMESPACE')).untagged, ['* NAMESPACE (("" "/")) NIL NIL']);
    const enabled = await client.command('ENABLE UTF8=ACCEPT CONDSTORE');
    assert.deepEqual([enabled.status, enabled.untagged], ['OK', ['* ENABLED']]);
    assert.equal((await client.command('ENABLE')).status, 'BAD');
    assert.equal((await client.command('ENABLE (X)')).status, 'BAD');
  });

  test('LOGOUT says BYE, answers and closes', async (context) => {
    const { connect } = await startShell(context);
    const client = await connect();
    const { status, untagged } = await client.command('LOGOUT');
    assert.deepEqual([status, untagged], ['OK', ['* BYE Logging out']]);
    await client.closed;
  });

  test('UNSELECT and CLOSE leave the mailbox; CLOSE alone expunges', async (context) => {
    const { mailbox, client } = await withSelected(context);
    assert.equal((await client.command('UNSELECT')).status, 'OK');
    assert.deepEqual([mailbox.closed, mailbox.expunged], [1, 0]);
    assert.equal((await client.command('CHECK')).status, 'BAD');
    await client.command('SELECT Caught');
    assert.equal((await client.command('CLOSE')).status, 'OK');
    assert.deepEqual([mailbox.closed, mailbox.expunged], [2, 1]);
    assert.equal((await client.command('CLOSE')).status, 'BAD');
  });

  const unsupported = [
    'COMPRESS DEFLATE',
    'GETQUOTA ""',
    'GETQUOTAROOT INBOX',
    'SETQUOTA "" (STORAGE 1)',
    'XAPPLEPUSHSERVICE a b',
    'AUTHENTICATE PLAIN-CLIENTTOKEN',
    'AUTHENTICATE XOAUTH2 abc',
    'GETACL INBOX',
    'X-UNKNOWN',
    'UID NOOP',
  ];
  test('what is not offered is BAD', async (context) => {
    const { logIn } = await startShell(context);
    const client = await logIn();
    for (const command of unsupported) {
      const { status, untagged } = await client.command(command);
      assert.deepEqual([status, untagged], ['BAD', []], command);
    }
  });

  test('take no arguments that mean nothing', async (context) => {
    const { mailbox, client, connect } = await withSelected(context);
    for (const command of ['CAPABILITY', 'NAMESPACE', 'NOOP', 'CHECK', 'IDLE', 'UNSELECT', 'CLOSE', 'LOGOUT']) {
      assert.equal((await client.command(`${command} x`)).status, 'BAD', command);
    }
    assert.equal(mailbox.closed, 0);
    const stranger = await connect({ tls: 'none' });
    assert.equal((await stranger.command('STARTTLS now')).status, 'BAD');
    assert.equal((await stranger.command('STARTTLS')).status, 'OK');
  });

  test('and all others are possible at the right time only', async (context) => {
    const fetch = define(['FETCH', 'UID FETCH'], () => Promise.resolve(ok), { states: ['Selected'] });
    const { connect, logIn } = await startShell(context, { commands: [fetch] });
    const stranger = await connect();
    assert.match((await stranger.command('UID FETCH 1 ALL')).text, /UID FETCH is possible after login only/);
    const client = await logIn();
    assert.match((await client.command('FETCH 1 ALL')).text, /FETCH needs a selected mailbox/);
    assert.match((await client.command('LOGIN a b')).text, /LOGIN is possible before login only/);
    assert.equal((await client.command('STARTTLS')).status, 'BAD');
  });
});

describe('whatever goes wrong in a command', { timeout: 20_000 }, () => {
  const secret = 'hunter2';
  const failures: [string, () => Promise<Answer>, RegExp][] = [
    [
      'a refusal',
      () => Promise.reject(new Refusal('NOPERM', 'Not for you, Jürgen')),
      /^NO \[NOPERM\] Not for you, Jürgen$/,
    ],
    ['a store that is down', () => Promise.reject(new TemporaryError('Try later')), /^NO \[UNAVAILABLE\] Try later$/],
    ['something impossible', () => Promise.reject(new PermanentError('Never')), /^NO \[CANNOT\] Never$/],
    ['a bug', () => Promise.reject(new TypeError(secret)), /^NO \[SERVERBUG\] /],
    [
      'a throw before the first await',
      () => {
        throw new Error(secret);
      },
      /^NO \[SERVERBUG\] /,
    ],
    [
      'a line break in a text',
      () => Promise.resolve({ response: 'NO', text: 'one\r\n* 1 EXPUNGE' }),
      /^NO one \* 1 EXPUNGE$/,
    ],
    ['a text like a code', () => Promise.resolve({ response: 'OK', text: '[ALERT] no' }), /^OK \(ALERT\] no$/],
  ];
  for (const [what, fail, expected] of failures) {
    test(`${what} becomes one tagged answer`, async (context) => {
      const { logIn, logged } = await startShell(context, { commands: [define(['SEARCH'], fail)] });
      const other = await logIn('example.com');
      const client = await logIn();
      const { status, text, untagged } = await client.command(`SEARCH SUBJECT ${secret}`);
      assert.match(Buffer.from(`${status} ${text}`, 'latin1').toString('utf8'), expected);
      assert.deepEqual(untagged, []);
      assert.equal((await client.command('NOOP')).status, 'OK');
      assert.equal((await other.command('NOOP')).status, 'OK');
      const bug = expected.source.includes('SERVERBUG');
      assert.equal(logged.filter(({ level }) => level === 'error').length, bug ? 1 : 0);
      assert.ok(!text.includes(secret));
    });
  }

  test('the lines that kill stock imap-core are answered, and others go on', async (context) => {
    const naive: CommandHandler = (_connection, { args }) => {
      const value = stringOf(args[1]);
      if (value === null) throw new TypeError('no string');
      return Promise.resolve(ok);
    };
    const { connect, logIn } = await startShell(context, {
      commands: [
        define(['SEARCH'], naive),
        define(['FETCH'], naive),
        define(['APPEND'], naive, { takesMessage: true }),
      ],
    });
    const other = await logIn('example.com');
    const stranger = await connect();
    assert.equal((await stranger.command('LOGIN NIL NIL')).status, 'BAD');
    assert.equal((await stranger.command('ID ("name" NIL)')).status, 'OK');
    const client = await logIn();
    assert.match((await client.command('SEARCH SUBJECT NIL')).text, /^\[SERVERBUG\]/);
    assert.match((await client.command('FETCH 1 NIL')).text, /^\[SERVERBUG\]/);
    assert.equal((await client.command('APPEND NIL ', Buffer.from('abc'))).status, 'OK');
    for (const survivor of [other, stranger, client]) assert.equal((await survivor.command('NOOP')).status, 'OK');
  });

  test('nothing that a client typed reaches the log, above all no password', async (context) => {
    const refuse = () => Promise.reject(new Refusal('CANNOT', 'Not with this.'));
    const { connect, logged, logIn, shell } = await startShell(context, { commands: [define(['SEARCH'], refuse)] });
    const client = await connect();
    for (const line of [
      `LOGIN alice "${secret}`,
      `LOGIN alice ${secret} ${secret}`,
      `LOGIN alice ${secret}(`,
      `LOGIN alice ${secret}`,
      `AUTHENTICATE PLAIN ${Buffer.from(`\0alice\0${secret}`).toString('base64')}`,
      `${secret} ${secret}`,
    ]) {
      await client.command(line);
    }
    client.write(`${secret}\r\n`);
    assert.match(await client.read(), /^\* BAD /);
    const known = await logIn();
    await known.command(`SEARCH SUBJECT ${secret}`);
    await Promise.all([client.close(), known.close()]);
    await nobodyLeft(shell);
    const events = logged.map(({ level, fields }) => `${level} ${String(fields['event'])}`);
    for (const event of ['info refuse', 'info session', 'debug session', 'debug connection'])
      assert.ok(events.includes(event), events.join());
    const everything = JSON.stringify(logged);
    assert.ok(!everything.includes(secret) && !everything.toLowerCase().includes(secret), everything);
    assert.ok(!everything.includes(Buffer.from(secret).toString('base64').slice(2, 8)));
  });

  test('a handler that writes after the client has gone ends quietly', async (context) => {
    const problem = Promise.withResolvers<unknown>();
    const slow: CommandHandler = async (connection) => {
      await lose(connection);
      await connection.write('* 1 EXISTS\r\n').catch((error: unknown) => {
        problem.resolve(error);
        throw error;
      });
      return ok;
    };
    const { logIn, logged, shell } = await startShell(context, { commands: [define(['SEARCH'], slow)] });
    const client = await logIn();
    client.write('x SEARCH ALL\r\n');
    const error = await problem.promise;
    assert.equal(error instanceof Error && error.name, 'ConnectionGone');
    await nobodyLeft(shell);
    assert.deepEqual(
      logged.filter(({ level }) => level === 'error'),
      [],
    );
  });
});

describe('changes of the selected mailbox', { timeout: 20_000 }, () => {
  const quick: CommandHandler = () => Promise.resolve(ok);

  test('are announced before the answer of commands that may do so, and of no others', async (context) => {
    const commands = [
      define(['FETCH', 'UID FETCH'], quick, { announces: 'with-uid' }),
      define(['COPY'], quick),
      define(['LIST'], quick, { announces: 'never' }),
      define(['STATUS'], () => Promise.reject(new Refusal('CANNOT', 'No'))),
    ];
    const { mailbox, client } = await withSelected(context, { commands });
    mailbox.tell('1 EXPUNGE');
    assert.deepEqual((await client.command('FETCH 1 ALL')).untagged, []);
    assert.deepEqual((await client.command('LIST "" *')).untagged, []);
    assert.deepEqual((await client.command('NOOP x')).untagged, [], 'a BAD announces nothing');
    assert.deepEqual((await client.command('UID FETCH 1 ALL')).untagged, ['* 1 EXPUNGE']);
    for (const command of ['COPY 1 x', 'NOOP', 'CHECK', 'STATUS x ()']) {
      mailbox.tell('2 EXISTS');
      assert.deepEqual((await client.command(command)).untagged, ['* 2 EXISTS'], command);
    }
  });

  test('that cannot be announced do not spoil the answer of a command that has succeeded', async (context) => {
    const { mailbox, client, logged } = await withSelected(context, { commands: [define(['COPY'], quick)] });
    mailbox.problem = new Error('the store is down');
    assert.equal((await client.command('COPY 1 Release')).status, 'OK');
    assert.equal(logged.filter(({ level }) => level === 'error').length, 1);
  });

  test('are sent at once during IDLE, those from before it too, never two at a time', async (context) => {
    const { mailbox, client, logged } = await withSelected(context);
    mailbox.news.push('1 EXISTS');
    const idling = await client.idle();
    assert.equal(await client.read(), '* 1 EXISTS');
    for (let number = 2; number <= 50; number++) mailbox.tell(`${number} EXISTS`);
    for (let number = 2; number <= 50; number++) assert.equal(await client.read(), `* ${number} EXISTS`);
    assert.equal((await idling.done()).status, 'OK');
    assert.ok(!mailbox.watched, 'nobody watches after IDLE');
    assert.deepEqual(
      logged.filter(({ level }) => level === 'error'),
      [],
    );
  });

  test('that cannot be announced do not end IDLE, and are announced when they can be although nothing else happens', async (context) => {
    const { mailbox, client, logged } = await withSelected(context);
    const idling = await client.idle();
    mailbox.problem = new Error('the store is down');
    mailbox.tell('1 EXISTS');
    while (!logged.some(({ level }) => level === 'error')) await new Promise((resolve) => setImmediate(resolve));
    mailbox.problem = null;
    assert.equal(await client.read(), '* 1 EXISTS');
    mailbox.tell('2 EXISTS');
    assert.equal(await client.read(), '* 2 EXISTS');
    assert.equal((await idling.done()).status, 'OK');
  });

  test('that cannot be announced for a while are one error in the log, however often it is tried', async (context) => {
    const { mailbox, client, logged } = await withSelected(context);
    const errors = () => logged.filter(({ level }) => level === 'error').length;
    let failed = 0;
    const announce = mailbox.announce.bind(mailbox);
    mailbox.announce = (connection) => announce(connection).finally(() => void (mailbox.problem && failed++));
    const idling = await client.idle();
    mailbox.problem = new Error('the store is down');
    for (const attempt of [1, 2, 3]) {
      mailbox.tell(`${attempt} EXISTS`);
      while (failed < attempt) await new Promise((resolve) => setImmediate(resolve));
    }
    mailbox.problem = null;
    for (const attempt of [1, 2, 3]) assert.equal(await client.read(), `* ${attempt} EXISTS`);
    assert.equal(errors(), 1);
    mailbox.problem = new Error('the store is down again');
    mailbox.tell('4 EXISTS');
    while (errors() < 2) await new Promise((resolve) => setImmediate(resolve));
    mailbox.problem = null;
    assert.equal(await client.read(), '* 4 EXISTS');
    assert.equal((await idling.done()).status, 'OK');
  });

  test('IDLE ends with DONE alone, works without a mailbox, and DONE may be sent along', async (context) => {
    const { logIn, shell } = await startShell(context);
    const client = await logIn();
    client.write('a IDLE\r\ndone\r\nb IDLE\r\nc NOOP\r\nd NOOP\r\n');
    assert.equal(await client.read(), '+ idling');
    assert.match(await client.read(), /^a OK/);
    assert.equal(await client.read(), '+ idling');
    assert.match(await client.read(), /^b BAD/);
    assert.match(await client.read(), /^d OK/);
    client.write('e IDLE\r\n');
    await client.read();
    client.end();
    await client.closed;
    await nobodyLeft(shell);
  });

  test('and a mailbox is left once, whatever happens to the connection', async (context) => {
    const { mailbox, client, shell } = await withSelected(context);
    await client.idle();
    assert.ok(mailbox.watched);
    await client.close();
    await nobodyLeft(shell);
    assert.ok(!mailbox.watched);
    assert.equal(mailbox.closed, 1);
  });

  test('IDLE that is not ended with DONE is an error of the client, who may not make too many', async (context) => {
    const { logIn } = await startShell(context);
    const client = await logIn();
    for (let allowed = 50; allowed > 0; allowed--) {
      client.write('a IDLE\r\nno\r\n');
      assert.equal(await client.read(), '+ idling');
      assert.match(await client.read(), /^a BAD/);
    }
    client.write('a IDLE\r\nno\r\n');
    while (!(await client.read()).startsWith('* BYE')) continue;
    await client.closed;
  });

  test('are watched for no longer when the connection ends in the moment in which IDLE begins', async (context) => {
    const { mailbox, client, shell } = await withSelected(context);
    const watch = mailbox.watch.bind(mailbox);
    mailbox.watch = (wake) => {
      for (const connection of shell.connections) connection.bye('Enough');
      return watch(wake);
    };
    client.write('a IDLE\r\n');
    await client.closed;
    await nobodyLeft(shell);
    assert.ok(!mailbox.watched);
  });

  test('and a mailbox that opens after its client has gone is closed, too', async (context) => {
    const mailbox = new TestMailbox();
    const done = Promise.withResolvers<SelectedMailbox | null>();
    const select = define(['SELECT'], async (connection) => {
      await lose(connection);
      connection.selected = mailbox;
      done.resolve(connection.selected);
      return ok;
    });
    const { logIn } = await startShell(context, { commands: [select] });
    const client = await logIn();
    client.write('x SELECT Caught\r\n');
    assert.equal(await done.promise, null);
    assert.equal(mailbox.closed, 1);
  });
});

describe('the order on the wire is right', { timeout: 60_000 }, () => {
  test('when a slow reader pipelines: data, the answer to it, and only then the next', async (context) => {
    const line = Buffer.from(`* 1 FETCH (X "${'x'.repeat(250_000)}")\r\n`);
    const fetch = define(['FETCH'], async (connection) => {
      for (let round = 0; round < 40; round++) await connection.write(line);
      return ok;
    });
    const { logIn } = await startShell(context, { commands: [fetch] });
    const client = await logIn();
    client.socket.pause();
    client.write('a FETCH 1 X\r\nb FOO\r\nc FETCH 1 (\r\nd NOOP x\r\ne FETCH 1 X\r\nf NOOP\r\n');
    client.socket.resume();
    const order: string[] = [];
    while (order.at(-1)?.startsWith('f') !== true) order.push((await client.read()).slice(0, 5));
    const fetched = Array<string>(40).fill('* 1 F');
    assert.deepEqual(order, [...fetched, 'a OK ', 'b BAD', 'c BAD', 'd BAD', ...fetched, 'e OK ', 'f OK ']);
  });

  test('for 8,000 commands in one packet, while another client is served', async (context) => {
    const { logIn } = await startShell(context);
    const client = await logIn();
    const other = await logIn();
    client.write('a NOOP\r\n'.repeat(8000));
    assert.match(await client.read(), /^a OK/);
    // The rest is still being worked on.
    assert.equal((await other.command('NOOP')).status, 'OK');
    for (let left = 7999; left > 0; left--) assert.match(await client.read(), /^a OK/);
  });

  test('and commands that were sent before hanging up are answered', async (context) => {
    const { connect, logIn } = await startShell(context);
    for (const client of [await logIn(), await connect({ tls: 'none' })]) {
      client.write('a NOOP\r\nb CAPABILITY\r\nc NOO');
      client.end();
      assert.match(await client.read(), /^a OK/);
      await client.read();
      assert.match(await client.read(), /^b OK/);
      await client.closed;
    }
  });
});

describe('the shell', { timeout: 20_000 }, () => {
  test('says BYE with the reason when it closes, after letting running commands finish', async (context) => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const slow = define(['SEARCH'], async () => {
      started.resolve();
      await finish.promise;
      return ok;
    });
    const { shell, logIn, connect, port } = await startShell(context, { commands: [slow] });
    // Has not even begun its handshake, for which it would have 30 seconds.
    const silent = connectTcp({ port, host: '127.0.0.1' });
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const [busy, idle, quiet, plain] = [await logIn(), await logIn(), await connect(), await connect({ tls: 'none' })];
    await idle.idle();
    busy.write('x SEARCH ALL\r\ny SEARCH ALL\r\n');
    await started.promise;
    const closed = shell.close('Back in a minute');
    for (const client of [idle, quiet, plain]) {
      assert.equal(await client.read(), '* BYE Back in a minute');
      await client.closed;
    }
    finish.resolve();
    assert.match(await busy.read(), /^x OK/);
    assert.equal(await busy.read(), '* BYE Back in a minute');
    await busy.closed;
    await closed;
    assert.equal(shell.connections.size, 0);
    await assert.rejects(connect());
  });

  test('leaves nothing behind that would keep the process alive', async () => {
    const script = `
      const { startShell } = await import(${JSON.stringify(new URL('../helpers/imap-shell.ts', import.meta.url).href)});
      const { shell, connect, logIn } = await startShell({ after: () => undefined });
      await (await logIn()).idle();
      await logIn();
      await connect();
      const upgrading = await connect({ tls: 'none' });
      await upgrading.command('STARTTLS');
      await shell.close('Done');
      upgrading.end();
      process.stdout.write('closed');
    `;
    // Ends by itself, or by the timeout of this test.
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    assert.equal(stdout, 'closed');
  });

  test('does not wait for ever for a command that hangs', async (context) => {
    const started = Promise.withResolvers<void>();
    const hanging = define(['SEARCH'], () => {
      started.resolve();
      return new Promise<Answer>(() => undefined);
    });
    const { shell, logIn } = await startShell(context, { commands: [hanging], deadlines: { drainMs: 20 } });
    const client = await logIn();
    client.write('x SEARCH ALL\r\n');
    await started.promise;
    await shell.close('Enough');
    assert.equal(await client.read(), '* BYE Enough');
  });

  test('refuses to start with a command that is defined twice', async (context) => {
    await assert.rejects(
      startShell(context, { commands: [define(['NOOP'], () => Promise.resolve(ok))] }),
      /NOOP is defined twice/,
    );
  });

  test('reports a port that cannot be had, and goes on with the others', async (context) => {
    const { shell, port, logIn, logged } = await startShell(context);
    const taken = { address: '127.0.0.1', port, tls: 'implicit' } as const;
    await assert.rejects(shell.listen(taken), { code: 'EADDRINUSE' });
    assert.equal(logged.filter(({ level }) => level === 'error').length, 1);
    assert.equal((await (await logIn()).command('NOOP')).status, 'OK');
  });
});
