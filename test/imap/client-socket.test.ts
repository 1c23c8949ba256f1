import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ClientSocket } from '../../src/imap/client-socket.ts';
import { TlsContexts } from '../../src/imap/tls-context.ts';
import { connectSockets } from '../helpers/connected-sockets.ts';
import { certificateFor } from '../helpers/imap-shell.ts';

const lastWords = Buffer.from('* BYE Enough\r\n');
/** Longer than the test may take. */
const never = 60_000;
const contexts = new TlsContexts([certificateFor('quarantine.example.test')]);

interface Opened {
  socket: ClientSocket;
  ours: Socket;
  theirs: Socket;
  /** How often it has told that it is closed. */
  told: () => number;
  closed: Promise<void>;
}

async function open(context: TestContext, { closeMs = never } = {}): Promise<Opened> {
  const { ours, theirs } = await connectSockets(context);
  const socket = new ClientSocket(ours, { handshakeMs: never, closeMs }, () => undefined);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let told = 0;
  socket.onClose(() => {
    told++;
    assert.ok(socket.closed);
    resolve();
  });
  return { socket, ours, theirs, told: () => told, closed };
}

async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // After a reset there is no "end".
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  return Buffer.concat(chunks).toString('latin1');
}

describe('the socket of a client', { timeout: 20_000 }, () => {
  test('that is closed gives its last words also to a client that is still sending, and waits for it', async (context) => {
    const { socket, ours, theirs, told, closed } = await open(context);
    // More than buffers hold: when the end begins nobody has asked for it, and no more is taken in.
    const sent = new Promise((resolve) => theirs.write(Buffer.alloc(32 * 1024 * 1024), resolve));
    while (!ours.isPaused()) await new Promise((resolve) => setImmediate(resolve));
    const received = readToEnd(theirs);
    socket.close(lastWords);
    await assert.rejects(socket.output.write('more'), { name: 'ConnectionGone' });
    assert.equal(await received, lastWords.toString());
    assert.ok(!(await sent), 'all was read');
    assert.ok(!socket.closed);
    theirs.end();
    await closed;
    assert.equal(told(), 1);
  });

  test('is cut off when the client does not hang up', async (context) => {
    const { socket, theirs, closed } = await open(context, { closeMs: 10 });
    const received = readToEnd(theirs);
    socket.close(lastWords);
    await closed;
    assert.equal(await received, lastWords.toString());
  });

  test('that is closed during the handshake says nothing in clear, and waits for nobody', async (context) => {
    const { socket, theirs, told, closed } = await open(context);
    const received = readToEnd(theirs);
    const upgrade = assert.rejects(socket.upgrade(contexts), /closed during the TLS handshake/);
    while (!socket.upgrading) await new Promise((resolve) => setImmediate(resolve));
    socket.close(lastWords);
    await upgrade;
    await closed;
    assert.equal(await received, '');
    assert.equal(told(), 1);
  });

  test('that has been upgraded is two sockets, and tells once that it is closed', async (context) => {
    const { socket, ours, theirs, told, closed } = await open(context);
    const upgrade = socket.upgrade(contexts);
    const secured = connectTls({ socket: theirs, rejectUnauthorized: false });
    await Promise.all([upgrade, once(secured, 'secureConnect')]);
    const received = readToEnd(secured);
    const allClosed = Promise.all([once(ours, 'close'), once(secured, 'close')]);
    socket.close(lastWords);
    assert.equal(await received, lastWords.toString());
    secured.end();
    await Promise.all([closed, allClosed]);
    // The upper one tells right after the lower one, or before.
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(told(), 1);
    const listener = context.mock.fn();
    socket.onClose(listener);
    assert.equal(listener.mock.callCount(), 1, 'at once, it being closed already');
  });
});
