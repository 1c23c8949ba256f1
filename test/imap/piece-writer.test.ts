// Pieces of any size go out whole, in order and in large writes, no faster than the client reads, and what they took is given back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as breathe } from 'node:timers/promises';
import { ConnectionGone } from '../../src/imap/answers.ts';
import { chunkBytes } from '../../src/imap/chunk-pool.ts';
import { PieceWriter } from '../../src/imap/piece-writer.ts';

const owned = (length: number, fill: string): Buffer => Buffer.alloc(length, fill);

describe('pieces of an answer', () => {
  it('go out whole and in order, the short ones together, and what is long is not copied', async () => {
    const sent: { text: string; isCopy: boolean }[] = [];
    const long = [owned(chunkBytes, 'b'), owned(3 * chunkBytes, 'e')];
    const memories = long.map(({ buffer }) => buffer);
    const writer = new PieceWriter({
      writeThrough(bytes) {
        sent.push({ text: bytes.toString('latin1'), isCopy: !memories.includes(bytes.buffer) });
        return Promise.resolve();
      },
    });
    const short = ['a'.repeat(10), 'c'.repeat(chunkBytes - 5), 'd'.repeat(6), 'f'];
    for (const piece of [short[0], long[0], short[1], short[2], long[1], short[3], ''])
      await writer.write(typeof piece === 'string' ? Buffer.from(piece) : (piece ?? Buffer.alloc(0)));
    await writer.end();
    assert.deepEqual(sent, [
      { text: short[0], isCopy: true },
      { text: 'b'.repeat(chunkBytes), isCopy: false },
      { text: short[1], isCopy: true },
      { text: short[2], isCopy: true },
      { text: 'e'.repeat(3 * chunkBytes), isCopy: false },
      { text: short[3], isCopy: true },
    ]);
  });

  it('are given back when they have gone out, and memory that others share is left alone', async () => {
    const writer = new PieceWriter({ writeThrough: () => Promise.resolve() });
    const [long, short, shared] = [owned(chunkBytes, 'x'), owned(1000, 'y'), owned(1000, 'z')];
    for (const piece of [long, short, shared.subarray(1)]) await writer.write(piece);
    assert.deepEqual([long.length, short.length, shared.length], [0, 0, 1000]);
    await writer.end();
  });

  it('wait for the client, and end with it', async () => {
    const gate = Promise.withResolvers<void>();
    let writes = 0;
    const writer = new PieceWriter({
      writeThrough() {
        writes++;
        return gate.promise;
      },
    });
    const piece = owned(chunkBytes, 'x');
    const written = writer.write(piece);
    await breathe();
    assert.deepEqual([writes, piece.length], [1, chunkBytes]);
    gate.reject(new ConnectionGone());
    await assert.rejects(written, ConnectionGone);
  });
});
