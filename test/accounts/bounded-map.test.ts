import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedMap } from '../../src/accounts/bounded-map.ts';

test('when it is full it forgets what was not used for longest', () => {
  const map = new BoundedMap<string, number>(3);
  map.set('a', 1);
  map.set('b', 2);
  map.set('c', 3);
  map.get('a');
  map.set('d', 4);
  assert.equal(map.size, 3);
  assert.equal(map.get('b'), undefined);
  assert.deepEqual([map.get('a'), map.get('c'), map.get('d')], [1, 3, 4]);
  map.set('a', 5);
  map.delete('c');
  assert.equal(map.get('a'), 5);
  assert.equal(map.size, 2);
});
