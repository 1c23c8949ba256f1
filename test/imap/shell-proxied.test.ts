// Mail programs that come through a TCP balancer: the PROXY header comes first, before TLS and before the greeting.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, test } from 'node:test';
import { startShell } from '../helpers/imap-shell.ts';
import { binaryHeader, headerLine, localHeader } from '../helpers/proxy-headers.ts';

const trustedProxies = ['127.0.0.1'];

describe('a mail program behind a balancer', { timeout: 20_000 }, () => {
  for (const tls of ['implicit', 'starttls'] as const) {
    test(`is known by its own address, with either version of the header (${tls})`, async (context) => {
      const admitted: string[] = [];
      const { connect, attempts, logged } = await startShell(
        context,
        {
          admit: (address) => {
            admitted.push(address);
            return { ok: true };
          },
        },
        { trustedProxies },
      );
      for (const preface of [headerLine('2001:db8::7', 'TCP6'), binaryHeader()]) {
        const client = await connect({ tls, preface });
        assert.equal((await client.login('alice@example.com', 'wrong')).status, 'NO');
        assert.equal((await client.login('alice@example.com', 'right')).status, 'OK');
        await client.command('LOGOUT');
        await client.closed;
      }
      const expected = ['2001:db8::7', '203.0.113.7'];
      assert.deepEqual(admitted, expected);
      assert.deepEqual(
        attempts.map(({ remoteAddress }) => remoteAddress),
        expected.flatMap((address) => [address, address]),
      );
      const told = logged.flatMap(({ fields }) => ('remoteAddress' in fields ? [fields['remoteAddress']] : []));
      assert.ok(told.length > 0 && !told.includes('127.0.0.1'), JSON.stringify(told));
    });
  }

  test('may send all of its first words together with the header', async (context) => {
    const { connect } = await startShell(context, {}, { trustedProxies });
    const preface = Buffer.concat([headerLine('203.0.113.7'), Buffer.from('a NOOP\r\nb CAPABILITY\r\n')]);
    const client = await connect({ tls: 'none', preface });
    assert.match(client.greeting, /^\* OK /);
    assert.match(await client.read(), /^a OK/);
    assert.match(await client.read(), /^\* CAPABILITY /);
  });

  test('cannot say a second time who it is', async (context) => {
    const { connect, attempts } = await startShell(context, {}, { trustedProxies });
    const twice = Buffer.concat([headerLine('203.0.113.7'), headerLine('127.0.0.1')]);
    const client = await connect({ tls: 'none', preface: twice });
    assert.match(await client.read(), /BAD/);
    await client.command('STARTTLS');
    await client.startTls();
    await client.login('alice@example.com', 'right');
    assert.equal(attempts[0]?.remoteAddress, '203.0.113.7');
  });

  test('is not let in without the header, nor by somebody who is no balancer', async (context) => {
    const strangers = await startShell(context, {}, { trustedProxies: ['192.0.2.1'] });
    await assert.rejects(strangers.connect({ tls: 'none', preface: headerLine('203.0.113.7') }));
    const { connect, logged } = await startShell(context, {}, { trustedProxies });
    await assert.rejects(connect({ tls: 'implicit' }));
    assert.deepEqual(
      [...strangers.logged, ...logged].map(({ level, fields }) => [level, fields['event']]),
      [
        ['warn', 'proxy'],
        ['warn', 'proxy'],
      ],
    );
  });

  test('and the health check of the balancer itself is served, and is no noise in the log', async (context) => {
    const { connect, port, logged, shell } = await startShell(context, {}, { trustedProxies });
    const asking = await connect({ tls: 'none', preface: localHeader });
    assert.match(asking.greeting, /^\* OK /);
    const knocking = connectTcp({ port, host: '127.0.0.1' });
    await once(knocking, 'connect');
    knocking.write(localHeader);
    knocking.resetAndDestroy();
    await asking.close();
    while (shell.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      logged.filter(({ level }) => level !== 'debug'),
      [],
    );
  });

  test('whose header does not come does not hold up the end of the server', async (context) => {
    const { shell, port } = await startShell(context, {}, { trustedProxies });
    const silent = connectTcp({ port, host: '127.0.0.1' });
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await shell.close('Done');
    await closed;
  });
});
