// Over real sockets: who is let in, what is left of the connection's bytes, and what the log says of those who are not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { proxiedClients } from '../../src/net/proxied-client.ts';
import type { Client } from '../../src/net/proxied-client.ts';
import type { Log } from '../../src/quarantine/ports.ts';
import { binaryHeader, headerLine, localHeader, tlv } from '../helpers/proxy-headers.ts';

interface Accepted {
  client: Client | null;
  socket: Socket;
}

interface Gate {
  connect(): Promise<Socket>;
  /** What became of the connections, in the order in which it was decided. */
  next(): Promise<Accepted>;
  logged: { level: string; fields: Record<string, unknown> }[];
  port: number;
}

async function openGate(
  t: TestContext,
  options: { trustedProxies?: string[]; timeoutMs?: number } = {},
): Promise<Gate> {
  const logged: Gate['logged'] = [];
  const record = (level: string) => (fields: object) => void logged.push({ level, fields: { ...fields } });
  const log: Log = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
  const clientOf = proxiedClients({ trustedProxies: ['127.0.0.0/8'], log, ...options });
  const decided: Accepted[] = [];
  let wake = (): void => undefined;
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    void clientOf(socket).then((client) => {
      decided.push({ client, socket });
      wake();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    logged,
    async connect() {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined).setNoDelay(true);
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      return socket;
    },
    async next() {
      while (!decided.length) await new Promise<void>((resolve) => (wake = resolve));
      const [first] = decided.splice(0, 1);
      assert.ok(first);
      return first;
    },
  };
}

test('the address in the header counts, and every byte behind the header is left for whoever reads next', async (t) => {
  const gate = await openGate(t);
  const cases: [header: Buffer, client: Client][] = [
    [headerLine('203.0.113.7'), { address: '203.0.113.7', isBalancer: false }],
    [headerLine('2001:db8::7', 'TCP6'), { address: '2001:db8::7', isBalancer: false }],
    [binaryHeader({ tlvs: tlv(2, 'q.example') }), { address: '203.0.113.7', isBalancer: false }],
    [localHeader, { address: '127.0.0.1', isBalancer: true }],
    [Buffer.from('PROXY UNKNOWN\r\n'), { address: '127.0.0.1', isBalancer: true }],
  ];
  for (const [header, expected] of cases) {
    const peer = await gate.connect();
    // All at once, with the end: nothing of it may be lost.
    peer.end(Buffer.concat([header, Buffer.from('LHLO\r\nPROXY UNKNOWN\r\n')]));
    const { client, socket } = await gate.next();
    assert.deepEqual(client, expected);
    assert.equal(await text(socket), 'LHLO\r\nPROXY UNKNOWN\r\n');
  }
  assert.deepEqual(gate.logged, []);
});

test('a header may come in as many pieces as it has bytes', async (t) => {
  const gate = await openGate(t);
  for (const header of [headerLine('203.0.113.7'), binaryHeader({ tlvs: tlv(2, 'q.example') })]) {
    const peer = await gate.connect();
    for (const byte of header) {
      peer.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    peer.end('hello');
    const { client, socket } = await gate.next();
    assert.equal(client?.address, '203.0.113.7');
    assert.equal(await text(socket), 'hello');
  }
});

test('who is no trusted balancer is closed unheard, and the log says why', async (t) => {
  const gate = await openGate(t, { trustedProxies: ['192.0.2.1'] });
  const peer = await gate.connect();
  peer.write(headerLine('203.0.113.7'));
  assert.equal((await gate.next()).client, null);
  await once(peer, 'close');
  assert.equal(gate.logged.length, 1);
  assert.equal(gate.logged[0]?.level, 'warn');
  const { reason, ...fields } = gate.logged[0].fields;
  assert.deepEqual(fields, { event: 'proxy', listener: `127.0.0.1:${gate.port}`, remoteAddress: '127.0.0.1' });
  assert.match(String(reason), /^the address is not among trustedProxies/);
});

test('a trusted balancer that sends no header is closed, and the log says why', async (t) => {
  const gate = await openGate(t);
  const sent: [bytes: string, reason: RegExp][] = [
    ['\x16\x03\x01', /^the PROXY header is missing$/],
    ['PROXY TCP4 nobody\r\n', /^the PROXY header is not as version 1 has it$/],
  ];
  for (const [bytes, reason] of sent) {
    const peer = await gate.connect();
    peer.write(bytes, 'latin1');
    assert.equal((await gate.next()).client, null);
    await once(peer, 'close');
    assert.match(String(gate.logged.at(-1)?.fields['reason']), reason);
  }
  const half = await gate.connect();
  half.end('PROXY TCP4 ');
  assert.equal((await gate.next()).client, null);
  await once(half, 'close');
  assert.match(String(gate.logged.at(-1)?.fields['reason']), /was not complete when the connection was closed$/);
  assert.deepEqual(
    gate.logged.map(({ level }) => level),
    ['warn', 'warn', 'warn'],
  );
});

test('a balancer that says nothing, or half a header, is waited for only so long', async (t) => {
  const gate = await openGate(t, { timeoutMs: 20 });
  for (const bytes of ['', 'PROXY ']) {
    const peer = await gate.connect();
    if (bytes) peer.write(bytes);
    const { client, socket } = await gate.next();
    assert.equal(client, null);
    assert.ok(socket.destroyed);
    assert.match(String(gate.logged.at(-1)?.fields['reason']), /^the PROXY header did not come within 0.02 s$/);
  }
});

test('a health check that only opens and closes the connection is no noise in the log', async (t) => {
  const gate = await openGate(t);
  for (const close of ['end', 'resetAndDestroy'] as const) {
    const peer = await gate.connect();
    peer[close]();
    assert.equal((await gate.next()).client, null);
  }
  assert.deepEqual(
    gate.logged.map(({ level }) => level),
    ['debug', 'debug'],
  );
});

test('a network that is none is told when the listener opens', () => {
  const silent = (): void => undefined;
  const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
  assert.throws(() => proxiedClients({ trustedProxies: ['10/8'], log }), /"10\/8" is no network/);
});
