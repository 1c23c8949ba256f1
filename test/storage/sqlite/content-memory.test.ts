// Memory that is used again is never in two hands, because messages of different people go through it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveMemoryBack, takeMemory } from '../../../src/storage/sqlite/content-memory.ts';

test('memory that was given back is empty for whoever had it, and cannot be given back twice', () => {
  const memory = takeMemory();
  const view = new Uint8Array(memory).fill(7);
  const { byteLength } = memory;
  giveMemoryBack(memory);
  assert.deepEqual([view.length, memory.byteLength], [0, 0]);
  assert.throws(() => giveMemoryBack(memory), TypeError);
  const [again, another] = [takeMemory(), takeMemory()];
  assert.deepEqual([again.byteLength, another.byteLength], [byteLength, byteLength]);
  new Uint8Array(again).fill(1);
  assert.ok(!new Uint8Array(another).includes(1));
  for (const each of [again, another]) giveMemoryBack(each);
});

test('no more memory is kept than is in use at once, and none of another size', () => {
  const taken = Array.from({ length: 20 }, takeMemory);
  taken.forEach((memory, i) => new Uint8Array(memory).fill(i + 1));
  taken.forEach(giveMemoryBack);
  giveMemoryBack(new ArrayBuffer(8));
  const again = Array.from({ length: 20 }, takeMemory);
  assert.ok(again.every(({ byteLength }) => byteLength === again[0]?.byteLength));
  const used = again.filter((memory) => new Uint8Array(memory)[0] !== 0);
  assert.ok(used.length > 0 && used.length <= 4, String(used.length));
});
