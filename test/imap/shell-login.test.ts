import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { startShell } from '../helpers/imap-shell.ts';
import type { RawImap } from '../helpers/raw-imap.ts';

function plain(username: string, password: string, authorizationId = ''): string {
  return Buffer.from(`${authorizationId}\0${username}\0${password}`).toString('base64');
}

/** AUTHENTICATE PLAIN without an initial response. */
async function authenticate(client: RawImap, response: string) {
  const tag = client.tag();
  client.write(`${tag} AUTHENTICATE PLAIN\r\n`);
  assert.equal(await client.read(), '+ ');
  client.write(`${response}\r\n`);
  return client.readReply(tag);
}

const afterLogin = /^\[CAPABILITY IMAP4rev1 .*\bIDLE\b.*\bAPPENDLIMIT=300000\] /;

describe('a login', { timeout: 20_000 }, () => {
  const name = 'jürgen@example.com';
  const ways: [string, (client: RawImap) => Promise<{ status: string; text: string }>][] = [
    ['LOGIN with quoted strings', (client) => client.command(`LOGIN "${name}" "right"`)],
    ['LOGIN with atoms', (client) => client.command(`LOGIN ${name} right`)],
    ['LOGIN with literals', (client) => client.login(name, 'right')],
    ['LOGIN with literals that nobody waits for', (client) => client.command(`LOGIN {19+}\r\n${name} {5+}\r\nright`)],
    ['LOGIN in Latin-1', (client) => sendLatin1(client, `LOGIN "${name}" right`)],
    ['AUTHENTICATE PLAIN with a prompt', (client) => authenticate(client, plain(name, 'right'))],
    ['AUTHENTICATE PLAIN at once', (client) => client.command(`AUTHENTICATE PLAIN ${plain(name, 'right')}`)],
    ['AUTHENTICATE PLAIN as oneself', (client) => client.command(`authenticate plain ${plain(name, 'right', name)}`)],
  ];
  for (const [way, act] of ways) {
    test(`by ${way} gives the new capabilities`, async (context) => {
      const { connect, attempts, shell } = await startShell(context);
      const client = await connect();
      const { status, text } = await act(client);
      assert.equal(status, 'OK');
      assert.match(text, afterLogin);
      assert.equal(attempts.length, 1);
      const [attempt] = attempts;
      assert.equal(attempt?.username, name);
      assert.equal(attempt?.remoteAddress, '127.0.0.1');
      const [connection] = shell.connections;
      assert.equal(attempt?.connectionId, connection?.id);
      assert.deepEqual(connection?.login.scope, { role: 'user', domain: 'example.com', address: name });
    });
  }

  test('keeps every byte of a password', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect();
    const passwords = [' two  spaces ', 'a\\b"c', 'ü€😀', '{5}', 'x'.repeat(1000)];
    for (const password of passwords) {
      await client.login('alice@example.com', password);
      const escaped = password.replace(/["\\]/g, '\\$&');
      await client.command(`LOGIN alice@example.com "${escaped}"`);
    }
    assert.deepEqual(
      attempts.map(({ password }) => password),
      passwords.flatMap((password) => [password, password]),
    );
  });

  test('that is refused says so, and how often the same was refused before', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect();
    const refused = await client.command(`AUTHENTICATE PLAIN ${plain('a@example.com', 'wrong')}`);
    assert.deepEqual([refused.status, refused.text], ['NO', '[AUTHENTICATIONFAILED] Wrong name or password']);
    await client.login('a@example.com', 'wrong');
    await client.login('a@example.com', 'wrong again');
    await client.login('b@example.com', 'wrong again');
    const other = await connect();
    await other.login('b@example.com', 'wrong again');
    assert.deepEqual(
      attempts.map(({ repeated }) => repeated),
      [false, true, false, false, false],
    );
    assert.match((await client.login('a@example.com', 'right')).text, afterLogin);
  });

  test('is asked for at most ten times on one connection', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect();
    for (let number = 1; number <= 10; number++) assert.equal((await client.login('a', 'wrong')).status, 'NO');
    assert.equal(await client.read(), '* BYE Too many wrong passwords. Please connect again.');
    await client.closed;
    assert.equal(attempts.length, 10);
  });

  test('that cannot be decided does not look like a wrong password', async (context) => {
    const { connect } = await startShell(context, {
      authenticate: () => Promise.reject(new TemporaryError('Logins cannot be checked at the moment')),
      limits: { failedLogins: 1 },
    });
    const client = await connect();
    for (let round = 0; round < 3; round++) {
      const { status, text } = await client.login('a', 'right');
      assert.deepEqual([status, text], ['NO', '[UNAVAILABLE] Logins cannot be checked at the moment']);
    }
  });

  test('that is answered with UNAVAILABLE is no wrong password either', async (context) => {
    const { connect, attempts } = await startShell(context, {
      authenticate: (attempt) => {
        attempts.push(attempt);
        return Promise.resolve({ ok: false, code: 'UNAVAILABLE', text: 'Later' });
      },
      limits: { failedLogins: 1 },
    });
    const client = await connect();
    for (let round = 0; round < 3; round++) assert.equal((await client.login('a', 'right')).code, 'UNAVAILABLE');
    assert.ok(attempts.every(({ repeated }) => !repeated));
  });

  test('is refused, with a text that Thunderbird shows, when it has too many connections', async (context) => {
    const { logIn, connect, shell } = await startShell(context, { limits: { connectionsPerLogin: 2 } });
    const first = await logIn('alice@example.com');
    await logIn('alice@example.com');
    await logIn('bob@example.com');
    const third = await connect();
    const { status, text } = await third.login('alice@example.com', 'right');
    assert.deepEqual([status, text.slice(0, 24)], ['NO', '[UNAVAILABLE] There are ']);
    await first.command('LOGOUT');
    while (shell.connections.size > 3) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await third.login('alice@example.com', 'right')).status, 'OK');
  });

  test('in clear is refused, without asking for the password or checking it', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect({ tls: 'none' });
    for (const command of [
      'LOGIN alice right',
      `AUTHENTICATE PLAIN ${plain('alice', 'right')}`,
      'AUTHENTICATE PLAIN',
      'LOGIN ',
    ]) {
      const { status, code } = await client.command(command);
      assert.deepEqual([status, code], command === 'LOGIN ' ? ['BAD', ''] : ['NO', 'PRIVACYREQUIRED'], command);
    }
    assert.deepEqual(attempts, []);
  });
});

describe('AUTHENTICATE PLAIN', { timeout: 20_000 }, () => {
  test('can be cancelled', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect();
    assert.equal((await authenticate(client, '*')).status, 'BAD');
    assert.equal((await client.login('alice@example.com', 'right')).status, 'OK');
    assert.equal(attempts.length, 1);
  });

  test('refuses what is no PLAIN message', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect();
    const malformed = ['=', '!!!!', 'AGFsaWNl', 'YQ', 'YQ==YQ==', Buffer.from('\0a\0b\0c').toString('base64')];
    for (const response of malformed) {
      assert.equal((await client.command(`AUTHENTICATE PLAIN ${response}`)).status, 'BAD', response);
      assert.equal((await authenticate(client, response)).status, 'BAD', response);
    }
    assert.equal((await authenticate(client, '')).status, 'BAD');
    assert.equal((await client.command('AUTHENTICATE PLAIN (a)')).status, 'BAD');
    assert.equal((await client.command('AUTHENTICATE PLAIN a b')).status, 'BAD');
    assert.equal((await authenticate(client, 'A'.repeat(9000))).status, 'BAD');
    assert.deepEqual(attempts, []);
  });

  test('refuses to act for somebody else', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect();
    const { status, code } = await authenticate(client, plain('global', 'right', 'alice@example.com'));
    assert.deepEqual([status, code, attempts.length], ['NO', 'AUTHORIZATIONFAILED', 0]);
  });
});

async function sendLatin1(client: RawImap, line: string) {
  const tag = client.tag();
  client.write(Buffer.from(`${tag} ${line}\r\n`, 'latin1'));
  return client.readReply(tag);
}
