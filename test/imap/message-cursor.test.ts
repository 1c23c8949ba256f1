// A cursor finds along ascending UIDs what a search from the top finds for each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageCursor } from '../../src/imap/message-cursor.ts';
import { sequenceOf } from '../helpers/message-sequence.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

test('a cursor finds the same messages, numbers and flags as a search', () => {
  const random = seededRandom(4);
  for (const count of [0, 1, 5, 2000]) {
    let uid = 0;
    const messages = sequenceOf(Array.from({ length: count }, () => (uid += random.between(1, 4))));
    for (const step of [1, 3, 700, 10_000]) {
      const cursor = new MessageCursor(messages);
      for (let asked = 1; asked < uid + 20; asked += random.between(1, step)) {
        const position = messages.positionOf(asked);
        assert.equal(cursor.moveTo(asked), position >= 0, `${asked} of ${uid}`);
        if (position < 0) continue;
        assert.equal(cursor.number, position + 1);
        assert.equal(cursor.flags, messages.flagsOf(asked));
      }
    }
  }
});
