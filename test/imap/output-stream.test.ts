import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OutputStream } from '../../src/imap/output-stream.ts';
import { connectSockets } from '../helpers/connected-sockets.ts';

/** Far more than the buffers of two sockets hold. */
const large = Buffer.alloc(64 * 1024 * 1024, 'x');

describe('output', { timeout: 20_000 }, () => {
  test('holds a writer back until the client has read, and keeps the order', async (context) => {
    const { ours, theirs } = await connectSockets(context);
    const output = new OutputStream();
    output.attach(ours);
    const finished: string[] = [];
    const first = output.write(large).then(() => finished.push('first'));
    const second = output.write('second').then(() => finished.push('second'));
    assert.ok(output.congested);
    // The client has not read a byte: nobody may go on.
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(finished, []);
    let received = 0;
    let ending = '';
    const all = new Promise<void>((resolve) =>
      theirs.on('data', (chunk: Buffer) => {
        received += chunk.length;
        ending = (ending + chunk.toString('latin1')).slice(-6);
        if (received === large.length + 6) resolve();
      }),
    );
    await Promise.all([first, second, all]);
    assert.equal(ending, 'second');
    assert.ok(!output.congested);
    await output.flush();
  });

  test('keeps a writer who needs his buffer again waiting until it is on its way', async (context) => {
    const { ours, theirs } = await connectSockets(context);
    const output = new OutputStream();
    output.attach(ours);
    const buffer = Buffer.from(large);
    let isFree = false;
    const written = output.writeThrough(buffer).then(() => {
      isFree = true;
      buffer.fill('y');
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isFree);
    let received = 0;
    for await (const chunk of theirs as AsyncIterable<Buffer>) {
      assert.ok(!chunk.includes('y'));
      received += chunk.length;
      if (received === large.length) break;
    }
    await written;
    output.close();
    await assert.rejects(output.writeThrough(buffer), { name: 'ConnectionGone' });
  });

  test('tells a writer who waits that the client is gone, and everybody after', async (context) => {
    const { ours } = await connectSockets(context);
    const output = new OutputStream();
    output.attach(ours);
    const waiting = assert.rejects(output.write(large), { name: 'ConnectionGone' });
    output.close();
    await waiting;
    await assert.rejects(output.write('more'), { name: 'ConnectionGone' });
    await assert.rejects(output.flush(), { name: 'ConnectionGone' });
  });

  test('survives that nobody waits when the client goes', async (context) => {
    const { ours } = await connectSockets(context);
    const output = new OutputStream();
    output.attach(ours);
    output.write(large).catch(() => undefined);
    output.close();
    await new Promise((resolve) => setImmediate(resolve));
  });
});
