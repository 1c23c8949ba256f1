import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Connection } from '../../src/imap/connection.ts';
import { TlsContexts } from '../../src/imap/tls-context.ts';
import { certificateFor, startShell } from '../helpers/imap-shell.ts';
import { RawImap } from '../helpers/raw-imap.ts';

const ours = certificateFor('default.example.test');
const mail = certificateFor('mail.example.test');
const wildcard = certificateFor('wildcard.example.test');
const umlaut = certificateFor('umlaut.example.test');

/** The name in the certificate that a client is shown who asks for `servername`. */
async function shownTo(port: number, servername: string | undefined): Promise<string> {
  const options: ConnectionOptions = { port, host: '127.0.0.1', rejectUnauthorized: false };
  const socket = connectTls(servername === undefined ? options : { ...options, servername });
  await once(socket, 'secureConnect');
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  return name;
}

function tcp(context: TestContext, port: number): Socket {
  const socket = connectTcp({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  context.after(() => socket.destroy());
  return socket;
}

/** A reset is as good as a close: events.once would reject. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('TLS', { timeout: 20_000 }, () => {
  test('shows the certificate of the host that the client asks for, else the default one', async (context) => {
    const { port } = await startShell(context, {
      certificates: [
        { ...mail, hosts: ['mail.example.test', 'imap.example.test'] },
        ours,
        { ...wildcard, hosts: ['*.example.org'] },
        { ...umlaut, hosts: ['quarantäne.example'] },
      ],
    });
    const shown: [string | undefined, string][] = [
      [undefined, 'default.example.test'],
      ['unknown.example.test', 'default.example.test'],
      ['mail.example.test', 'mail.example.test'],
      ['IMAP.example.test', 'mail.example.test'],
      ['mail.example.test.', 'mail.example.test'],
      ['one.example.org', 'wildcard.example.test'],
      ['one.two.example.org', 'default.example.test'],
      ['xn--quarantne-12a.example', 'umlaut.example.test'],
    ];
    for (const [asked, expected] of shown) assert.equal(await shownTo(port, asked), expected, asked);
  });

  test('shows the first certificate when each has its hosts', () => {
    const first = new TlsContexts([
      { ...mail, hosts: ['mail.example.test'] },
      { ...wildcard, hosts: ['x.test'] },
    ]);
    assert.equal(first.choose('unknown.test'), first.choose('mail.example.test'));
  });

  test('shows a new certificate to new clients, and keeps the old one when the new one is no good', async (context) => {
    const { shell, port, connect } = await startShell(context, { certificates: [ours] });
    const client = await connect();
    shell.setCertificates([mail]);
    assert.equal(await shownTo(port, undefined), 'mail.example.test');
    assert.throws(() => shell.setCertificates([{ cert: ours.cert, key: mail.key }]));
    assert.throws(() => shell.setCertificates([]));
    assert.equal(await shownTo(port, undefined), 'mail.example.test');
    assert.equal((await client.command('NOOP')).status, 'OK');
  });

  test('is never served with a certificate that nobody gave', async (context) => {
    await assert.rejects(startShell(context, { certificates: [] }), /certificate/);
  });

  test('is 1.2 or 1.3', async (context) => {
    const { connect, port } = await startShell(context);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await connect({ tlsOptions: { minVersion: version, maxVersion: version } });
      assert.equal((client.socket as TLSSocket).getProtocol(), version);
    }
    const old: ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(RawImap.connect(port, { tlsOptions: old }), /alert|protocol|version/i);
  });

  test('must be agreed upon in time, and a client that does not is cut off while others are served', async (context) => {
    const { port, startTlsPort, connect } = await startShell(context, { deadlines: { handshakeMs: 30 } });
    const other = await connect({ tls: 'none' });
    const silent = tcp(context, port);
    const upgrading = tcp(context, startTlsPort);
    upgrading.write('a STARTTLS\r\n');
    const dripping = tcp(context, port);
    // A record of 16 kB, byte by byte.
    const drops = Buffer.concat([Buffer.from('1603014000010', 'hex'), Buffer.alloc(16_384)]).values();
    const tap = setInterval(() => dripping.write(Buffer.of(drops.next().value ?? 0)), 5);
    context.after(() => clearInterval(tap));
    await Promise.all([closed(silent), closed(upgrading.resume()), closed(dripping)]);
    assert.equal((await other.command('NOOP')).status, 'OK');
  });

  test('that fails harms nobody', async (context) => {
    const { port, startTlsPort, logIn, logged } = await startShell(context);
    const noise = tcp(context, port).resume();
    const noiseClosed = closed(noise);
    noise.write('GET / HTTP/1.0\r\n\r\n');
    const gone = tcp(context, port);
    await once(gone, 'connect');
    gone.resetAndDestroy();
    const upgrading = tcp(context, startTlsPort);
    const upgradingClosed = closed(upgrading);
    upgrading.write('a STARTTLS\r\n');
    await once(upgrading, 'data');
    upgrading.end();
    const client = await logIn();
    await Promise.all([noiseClosed, upgradingClosed]);
    assert.equal((await client.command('NOOP')).status, 'OK');
    assert.deepEqual(
      logged.filter(({ level }) => level === 'error'),
      [],
    );
  });
});

describe('STARTTLS', { timeout: 20_000 }, () => {
  test('encrypts, and only then offers to log in', async (context) => {
    const { connect, attempts } = await startShell(context);
    const client = await connect({ tls: 'starttls' });
    assert.match((await client.command('CAPABILITY')).untagged[0] ?? '', /SASL-IR AUTH=PLAIN$/);
    assert.equal((await client.command('STARTTLS')).status, 'BAD');
    assert.equal((await client.login('alice@example.com', 'right')).status, 'OK');
    assert.equal(attempts.length, 1);
    assert.equal((await client.idle().then((idling) => idling.done())).status, 'OK');
  });

  for (const injected of ['i LOGIN attacker right\r\n', 'i LOGIN attacker ', 'i LOGIN attacker {100+}\r\n']) {
    test(`forgets what was slipped in behind it: ${JSON.stringify(injected)}`, async (context) => {
      const { connect, attempts } = await startShell(context);
      const client = await connect({ tls: 'none' });
      client.write(`a STARTTLS\r\n${injected}`);
      assert.match(await client.read(), /^a OK /);
      await client.startTls();
      client.write('b CAPABILITY\r\n');
      assert.equal(await client.read(), '* CAPABILITY IMAP4rev1 ID LITERAL+ SASL-IR AUTH=PLAIN');
      assert.match(await client.read(), /^b OK/);
      assert.deepEqual(attempts, []);
    });
  }

  test('does not hold up a server that ends while the client takes its time for the handshake', async (context) => {
    const aMinute = 60_000;
    const { connect, shell } = await startShell(context, { deadlines: { handshakeMs: aMinute, drainMs: aMinute } });
    const client = await connect({ tls: 'none' });
    const [connection] = shell.connections;
    assert.ok(connection instanceof Connection);
    assert.equal((await client.command('STARTTLS')).status, 'OK');
    while (!connection.socket.upgrading) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([shell.close('Back in a minute'), assert.rejects(client.read(), 'nothing is said in clear')]);
  });

  test('ends the connection when something in clear comes afterwards', async (context) => {
    const { connect, attempts, shell } = await startShell(context);
    const client = await connect({ tls: 'none' });
    client.write('a STARTTLS\r\n');
    await client.read();
    client.write('i LOGIN attacker right\r\n');
    await client.closed;
    while (shell.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(attempts, []);
  });
});
