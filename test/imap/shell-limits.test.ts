import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CommandDefinition, CommandHandler } from '../../src/imap/command.ts';
import { Refusal } from '../../src/quarantine/errors.ts';
import { startShell } from '../helpers/imap-shell.ts';
import { RawImap } from '../helpers/raw-imap.ts';

const maxMessageBytes = 300_000;

/** APPEND and SEARCH that remember what they were given. */
function recorder(): { commands: CommandDefinition[]; appended: Buffer[]; searched: string[] } {
  const appended: Buffer[] = [];
  const searched: string[] = [];
  const states: CommandDefinition['states'] = ['Authenticated'];
  const append: CommandHandler = (_connection, { args }) => {
    for (const argument of args) if (argument.kind === 'literal' && argument.bytes) appended.push(argument.bytes);
    return Promise.resolve({ response: 'OK', text: 'Taken' });
  };
  const search: CommandHandler = (_connection, { args }) => {
    for (const argument of args) if ('value' in argument) searched.push(argument.value);
    return Promise.resolve({ response: 'OK', text: 'Found' });
  };
  return {
    appended,
    searched,
    commands: [
      {
        names: ['APPEND'],
        states,
        announces: 'always',
        takesMessage: true,
        tellTooBig: (maxBytes) => `No more than ${maxBytes} bytes.`,
        beforeLiteral: (_connection, { args: [mailbox] }) => {
          if (mailbox?.kind === 'atom' && mailbox.value === 'Caught') throw new Refusal('CANNOT', 'Not into Caught');
          return Promise.resolve(null);
        },
        handle: append,
      },
      { names: ['SEARCH'], states, announces: 'always', handle: search },
    ],
  };
}

async function upload(context: TestContext) {
  const { commands, appended, searched } = recorder();
  const server = await startShell(context, { commands, maxMessageBytes });
  return { ...server, appended, searched, client: await server.logIn() };
}

async function alive(client: RawImap): Promise<void> {
  assert.equal((await client.command('NOOP')).status, 'OK');
}

describe('a message that is appended', { timeout: 20_000 }, () => {
  const message = Buffer.from(Array.from({ length: maxMessageBytes }, (_, at) => at & 255));

  test('arrives byte for byte, up to the limit, whether or not the client waits', async (context) => {
    const { client, appended } = await upload(context);
    assert.equal((await client.command('APPEND Spam ', message)).status, 'OK');
    client.write(`a APPEND {4+}\r\nSpam (\\Seen) {${message.length}+}\r\n`);
    client.write(message);
    client.write('\r\nb APPEND Spam {0+}\r\n\r\nc APPEND Spam {0}\r\n');
    assert.match(await client.read(), /^a OK/);
    assert.match(await client.read(), /^b OK/);
    assert.equal(await client.read(), '+ OK');
    client.write('\r\n');
    assert.match(await client.read(), /^c OK/);
    const [first, mailbox, second, ...empty] = appended;
    assert.ok(first?.equals(message) && second?.equals(message));
    assert.equal(mailbox?.toString(), 'Spam');
    assert.deepEqual(empty, [Buffer.alloc(0), Buffer.alloc(0)]);
  });

  test('and is too large is refused before it is sent, or read away', async (context) => {
    const { client, appended } = await upload(context);
    const tooLarge = Buffer.alloc(maxMessageBytes + 1, 'x DELETE everything\r\n');
    const { status, text } = await client.command('APPEND Spam ', tooLarge);
    assert.deepEqual([status, text], ['NO', '[TOOBIG] No more than 300000 bytes.']);
    client.write(`a APPEND Spam {${tooLarge.length}+}\r\n`);
    client.write(tooLarge);
    client.write('\r\n');
    assert.match(await client.read(), /^a NO \[TOOBIG\]/);
    await alive(client);
    assert.deepEqual(appended, []);
  });

  test('is not kept in memory when its command has ended', async (context) => {
    const kept: WeakRef<Buffer>[] = [];
    const append: CommandDefinition = {
      names: ['APPEND'],
      states: ['Authenticated'],
      announces: 'never',
      takesMessage: true,
      handle: (_connection, { args }) => {
        for (const argument of args)
          if (argument.kind === 'literal' && argument.bytes) kept.push(new WeakRef(argument.bytes));
        return Promise.resolve({ response: 'OK', text: 'Taken' });
      },
    };
    const { logIn } = await startShell(context, { commands: [append], maxMessageBytes });
    const client = await logIn();
    assert.equal((await client.command('APPEND Spam ', Buffer.alloc(200_000))).status, 'OK');
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    assert.equal(kept.length, 1);
    assert.ok(kept[0]?.deref() === undefined);
  });

  test('and is absurdly large ends the connection', async (context) => {
    const { client } = await upload(context);
    client.write(`a APPEND Spam {${maxMessageBytes * 4 + 1}+}\r\n`);
    assert.equal(await client.read(), '* BYE [TOOBIG] A literal of 1200001 bytes is not read');
    await client.closed;
  });

  test('and is refused for its mailbox is refused before it is sent, or read away', async (context) => {
    const { client, appended } = await upload(context);
    const { status, text } = await client.command('APPEND Caught ', message);
    assert.deepEqual([status, text], ['NO', '[CANNOT] Not into Caught']);
    client.write('a APPEND Caught {11+}\r\nx LOGOUT\r\n\r\r\n');
    assert.match(await client.read(), /^a NO \[CANNOT\]/);
    await alive(client);
    assert.deepEqual(appended, []);
  });
});

describe('a command', { timeout: 20_000 }, () => {
  test('may have 64 kB of literals, and 64 kB of line', async (context) => {
    const { client, searched } = await upload(context);
    const large = 'x'.repeat(65_536);
    assert.equal((await client.command('SEARCH TEXT ', Buffer.from(large))).status, 'OK');
    const set = '1,'.repeat(32_000) + '1';
    assert.equal((await client.command(`SEARCH ${set}`)).status, 'OK');
    assert.deepEqual(searched, ['TEXT', large, set]);
    assert.match((await client.command('SEARCH TEXT ', Buffer.from(`${large}x`))).text, /^\[TOOBIG\]/);
    client.write(`a SEARCH ${'y'.repeat(65_536)}\r\n`);
    assert.equal(await client.read(), 'a BAD The command is too long: at most 65536 bytes are read');
    await alive(client);
  });

  test('of a stranger may have 8 kB', async (context) => {
    const { connect } = await upload(context);
    const client = await connect();
    assert.match((await client.command('LOGIN alice ', Buffer.alloc(8193, 'x'))).text, /^\[TOOBIG\]/);
    assert.match((await client.command('APPEND Spam ', Buffer.alloc(8193, 'x'))).text, /^\[TOOBIG\]/);
    client.write(`a LOGIN alice ${'y'.repeat(8192)}\r\n`);
    assert.match(await client.read(), /^a BAD The command is too long/);
    assert.match((await client.command('LOGIN alice ', Buffer.alloc(8192, 'x'))).text, /^\[AUTHENTICATIONFAILED\]/);
    client.write('b APPEND Spam {32769+}\r\n');
    assert.match(await client.read(), /^\* BYE \[TOOBIG\]/);
  });

  test('without an end ends the connection', async (context) => {
    const { connect } = await upload(context);
    const client = await connect();
    client.write('x'.repeat(8192 * 5));
    assert.equal(await client.read(), '* BYE The line is too long');
    await client.closed;
  });

  test('that is malformed is BAD fifty times, and then the client is sent away', async (context) => {
    const { connect, logIn } = await upload(context);
    for (const bad of ['NOOP x', 'FOO', 'SEARCH (', `NOOP ${'y'.repeat(8192)}`]) {
      const client = await connect();
      for (let number = 1; number <= 50; number++) {
        const { status, untagged } = await client.command(bad);
        assert.deepEqual([status, untagged], ['BAD', []], bad);
      }
      client.write(`x ${bad}\r\ny NOOP\r\n`);
      assert.match(await client.read(), /^x BAD/);
      assert.equal(await client.read(), '* BYE Too many protocol errors');
      await client.closed;
    }
    await alive(await logIn());
  });

  test('without a tag is BAD, and an empty line too', async (context) => {
    const { client } = await upload(context);
    for (const line of ['', '   ', 'x', '* NOOP', '+ NOOP']) {
      client.write(`${line}\r\n`);
      assert.match(await client.read(), /^[*+] BAD |^x BAD /, line);
    }
    client.write('a NOOP\nb NOOP\r\n');
    assert.match(await client.read(), /^a OK/);
    assert.match(await client.read(), /^b OK/);
  });

  test('such as SELECT may be given more than a thousand times', async (context) => {
    const select: CommandDefinition = {
      names: ['SELECT'],
      states: ['Authenticated'],
      announces: 'never',
      handle: () => Promise.resolve({ response: 'OK', text: 'Selected' }),
    };
    const { logIn } = await startShell(context, { commands: [select] });
    const client = await logIn();
    client.write('a SELECT Caught\r\n'.repeat(1500));
    for (let number = 0; number < 1500; number++) assert.match(await client.read(), /^a OK/);
  });
});

describe('the number of connections', { timeout: 20_000 }, () => {
  test('is limited for each listener', async (context) => {
    const { connect, port } = await startShell(context, { limits: { connections: 2 } });
    const first = await connect();
    await connect();
    await assert.rejects(RawImap.connect(port));
    await alive(first);
  });
});

describe('a client that says nothing', { timeout: 20_000 }, () => {
  test('must log in in time', async (context) => {
    const { connect } = await startShell(context, { deadlines: { loginMs: 30 } });
    for (const tls of ['implicit', 'none'] as const) {
      const client = await connect({ tls });
      assert.equal(await client.read(), '* BYE The login took too long. Please connect again.');
      await client.closed;
    }
  });

  test('is not cut off by the deadline for logging in once it has logged in', async (context) => {
    const { logIn } = await startShell(context, { deadlines: { loginMs: 1000, idleKeepaliveMs: 300 } });
    const client = await logIn();
    const idling = await client.idle();
    for (let number = 0; number < 4; number++) assert.equal(await client.read(), '* OK Still here');
    assert.equal((await idling.done()).status, 'OK');
  });

  test('is sent away after a long time, with TLS from the start or by STARTTLS', async (context) => {
    const { connect } = await startShell(context, { deadlines: { inactivityMs: 30 } });
    for (const tls of ['implicit', 'starttls'] as const) {
      const client = await connect({ tls });
      await client.login('alice@example.com', 'right');
      assert.equal(
        await client.read(),
        '* BYE Nothing was heard from your mail program for a long time. It may connect again.',
      );
      await client.closed;
    }
  });

  test('is kept alive in IDLE, and never sent away from it', async (context) => {
    const { logIn } = await startShell(context, { deadlines: { inactivityMs: 100, idleKeepaliveMs: 10 } });
    const client = await logIn();
    const idling = await client.idle();
    for (let number = 0; number < 30; number++) assert.equal(await client.read(), '* OK Still here');
    const { status, untagged } = await idling.done();
    assert.equal(status, 'OK');
    assert.ok(untagged.every((line) => line === '* OK Still here'));
  });

  test('and does not read what it asked for is not waited for either', async (context) => {
    const gone = Promise.withResolvers<void>();
    const fetch: CommandDefinition = {
      names: ['FETCH'],
      states: ['Authenticated'],
      announces: 'never',
      handle: async (connection) => {
        connection.onClose(gone.resolve);
        for (;;) await connection.write(Buffer.alloc(1_000_000, 'x'));
      },
    };
    const { logIn, shell } = await startShell(context, {
      commands: [fetch],
      deadlines: { inactivityMs: 50, closeMs: 20 },
    });
    const client = await logIn();
    client.socket.pause();
    client.write('a FETCH 1 X\r\n');
    await gone.promise;
    assert.equal(shell.connections.size, 0);
  });
});
