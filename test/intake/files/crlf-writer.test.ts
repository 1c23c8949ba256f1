import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrlfWriter } from '../../../src/intake/files/crlf-writer.ts';
import { MessageBuffer } from '../../../src/intake/message-buffer.ts';

function write(text: string, pieceBytes: number): string {
  const buffer = new MessageBuffer(1_000_000);
  const writer = new CrlfWriter(buffer);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) writer.write(bytes.subarray(at, at + pieceBytes));
  return buffer.take().toString('latin1');
}

test('LF becomes CRLF and nothing else changes, however the file is cut into pieces', () => {
  const text = 'a\nb\r\nc\rd\n\n\r\n\r\r\n\r\n\n\xff\0\n\rend';
  const expected = text.replace(/(?<!\r)\n/g, '\r\n');
  for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) assert.equal(write(text, pieceBytes), expected);
  assert.equal(write('\r', 1), '\r');
  assert.equal(write('no end', 3), 'no end');
});

test('a message may grow to any size, and beyond its limit only its size is known', () => {
  const buffer = new MessageBuffer(3_000_000);
  for (let i = 0; i < 3_000_000; i += 1000) buffer.append(Buffer.alloc(1000, 65 + ((i / 1000) % 26)));
  assert.equal(buffer.isTooLarge, false);
  const whole = buffer.take();
  assert.equal(whole.length, 3_000_000);
  for (let i = 0; i < 3000; i++) assert.equal(whole[i * 1000 + 999], 65 + (i % 26));
  const small = new MessageBuffer(10);
  for (let i = 0; i < 11; i++) small.append(Buffer.from('x'));
  assert.deepEqual([small.isTooLarge, small.sizeBytes], [true, 11]);
});
