// The HTTP server as its callers meet it: a balancer, Prometheus, a person with curl, and those who have no business there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import english from '../../src/languages/en.ts';
import type { Log } from '../../src/quarantine/ports.ts';
import { createHealth } from '../../src/web/health.ts';
import type { Health } from '../../src/web/health.ts';
import { openHttp } from '../../src/web/server.ts';

const noImap = { imapServers: () => [], shown: english };

interface Opened {
  url: string;
  port: number;
  health: Health;
  logged: [level: string, fields: object][];
}

async function open(
  context: TestContext,
  exposition = () => Promise.resolve({ type: 'text/plain; version=0.0.4', text: 'up 1\n' }),
): Promise<Opened> {
  const logged: Opened['logged'] = [];
  const keep = (level: string) => (fields: object) => void logged.push([level, fields]);
  const log: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
  const health = createHealth();
  const server = await openHttp({
    address: '127.0.0.1',
    port: 0,
    health,
    metrics: { exposition },
    connect: noImap,
    log,
  });
  context.after(() => server.close());
  return { url: `http://127.0.0.1:${server.port}`, port: server.port, health, logged };
}

describe('the HTTP server', () => {
  test('says that the process lives, whatever the checks say', async (context) => {
    const { url } = await open(context);
    const answer = await fetch(`${url}/livez`);
    assert.deepEqual([answer.status, await answer.text()], [200, 'ok\n']);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  });

  test('says whether it is ready, in lines or in JSON, and in its status to whoever asks for the head alone', async (context) => {
    const { url, health } = await open(context);
    const asked = async (method: string, accept: string) => {
      const answer = await fetch(`${url}/readyz`, { method, headers: { accept } });
      return [answer.status, answer.headers.get('content-type'), await answer.text()];
    };
    const plain = 'text/plain; charset=utf-8';
    assert.deepEqual(await asked('GET', '*/*'), [503, plain, 'not ready\nfail serving: the server is starting\n']);
    assert.deepEqual((await asked('HEAD', '*/*'))[0], 503);
    health.started();
    assert.deepEqual(await asked('GET', '*/*'), [200, plain, 'ready\nok   serving: the server takes new work\n']);
    assert.deepEqual(await asked('GET', 'application/json'), [
      200,
      'application/json; charset=utf-8',
      '{"ready":true,"checks":[{"name":"serving","state":"ok","text":"the server takes new work"}]}',
    ]);
    assert.deepEqual((await asked('HEAD', '*/*'))[0], 200);
  });

  test('gives the figures in the format that they are in', async (context) => {
    const { url } = await open(context);
    const answer = await fetch(`${url}/metrics`);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.equal(await answer.text(), 'up 1\n');
  });

  test('tells in plain words what there is when something else is asked for', async (context) => {
    const { url } = await open(context);
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/livez/'],
      ['GET', '/../etc/passwd'],
      ['GET', '/metrics%00'],
      ['POST', '/livez'],
      ['DELETE', '/metrics'],
      // Where IMAP is, nobody is told by a process that has none.
      ['GET', '/mail/config-v1.1.xml'],
    ]) {
      const answer = await fetch(`${url}${path}`, { method });
      assert.equal(answer.status, 404, `${method} ${path}`);
      const text = await answer.text();
      assert.match(text, /^There is nothing here\. .*\/livez, \/readyz, \/metrics\n.*\/mail\/config-v1\.1\.xml/s);
    }
  });

  test('says nothing about a fault of ours, and logs it once', async (context) => {
    const { url, logged } = await open(context, () => Promise.reject(new TypeError('no such thing at /srv/secret.ts')));
    const answer = await fetch(`${url}/metrics`);
    assert.deepEqual([answer.status, await answer.text()], [500, 'Something went wrong here. It has been logged.\n']);
    assert.equal(logged.length, 1);
    const [level, fields] = logged[0] ?? [];
    assert.equal(level, 'error');
    assert.deepEqual({ ...fields, err: undefined }, { event: 'web', path: '/metrics', err: undefined });
    assert.equal((await fetch(`${url}/livez`)).status, 200);
  });

  test('answers what is no HTTP, and lives on', async (context) => {
    const { url, port } = await open(context);
    for (const sent of [
      '\x16\x03\x01\x02\x00',
      'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      '\r\n'.repeat(9),
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.end(sent);
      assert.match(await text(socket), /^(HTTP\/1\.1 4\d\d |$)/);
    }
    assert.equal((await fetch(`${url}/livez`)).status, 200);
  });

  test('ends while somebody is connected who asks for nothing, or never to the end', { timeout: 20_000 }, async () => {
    const quiet = (): void => undefined;
    const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const metrics = { exposition: () => Promise.resolve({ type: '', text: '' }) };
    const server = await openHttp({
      address: '127.0.0.1',
      port: 0,
      health: createHealth(),
      metrics,
      connect: noImap,
      log,
    });
    const unfinished = ['GET /livez HTTP/1.1\r\n', 'POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1'];
    const clients = ['', ...unfinished].map((sent) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', quiet).resume().write(sent);
      return once(socket, 'close');
    });
    // Accepted after those that are in front of it in the queue.
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/livez`)).status, 200);
    await server.close();
    await Promise.all(clients);
  });

  test('rejects when the port is taken', async (context) => {
    const { port, health } = await open(context);
    const metrics = { exposition: () => Promise.resolve({ type: '', text: '' }) };
    const quiet = (): void => undefined;
    const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    await assert.rejects(openHttp({ address: '127.0.0.1', port, health, metrics, connect: noImap, log }), {
      code: 'EADDRINUSE',
      port,
    });
  });
});
