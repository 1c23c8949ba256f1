import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJson } from '../../src/cli/answer.ts';
import { displayWidth, shownDuration, shownSize, shownText, wrapped } from '../../src/cli/shown-values.ts';
import { table } from '../../src/cli/table.ts';

test('sizes and durations are written as in the settings', () => {
  assert.deepEqual([0, 999, 1000, 1449, 9949, 9950, 99_500, 999_499, 999_500, 50e6, 2.5e9].map(shownSize), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.4 kB',
    '9.9 kB',
    '10 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '50 MB',
    '2.5 GB',
  ]);
  assert.deepEqual([14 * 86_400_000, 36 * 3_600_000, 90 * 60_000, 90_000].map(shownDuration), [
    '14d',
    '36h',
    '90m',
    '90s',
  ]);
});

test('text is cut to the columns that it takes, never inside of a character, and cannot drive the terminal', () => {
  assert.equal(shownText('hello world', 8), 'hello w…');
  assert.equal(shownText('hello', 5), 'hello');
  assert.equal(shownText('你好世界', 6), '你好…');
  assert.equal(shownText('a👨‍👩‍👧b', 3), 'a…');
  assert.equal(displayWidth('你好 e\u0301'), 6);
  assert.equal(shownText('a\u001b[31mb\nc\u009bd\u202ee'), 'a[31mb cde');
});

test('long lines are broken at blanks', () => {
  assert.deepEqual(wrapped('one two three four', 9), ['one two', 'three', 'four']);
  assert.deepEqual(wrapped('a averyverylongword b', 5), ['a', 'averyverylongword', 'b']);
  assert.deepEqual(wrapped('', 5), ['']);
});

test('columns are aligned, also with wide characters, and lines end without blanks', () => {
  assert.equal(
    table(
      ['A', 'B', ''],
      [
        ['你好', 'x', ''],
        ['long name', 'y', 'z'],
      ],
    ),
    'A          B\n你好       x\nlong name  y  z',
  );
});

test('JSON holds no control character either, and still means the same', () => {
  const value = { text: 'a\u001b\u007f\u009b\u202e\u2028ü' };
  assert.match(asJson(value), /^[\x20-\x7e\nü]*$/);
  assert.deepEqual(JSON.parse(asJson(value)), value);
});
