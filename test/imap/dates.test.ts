import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatInternalDate, parseInternalDate, parseSearchDate } from '../../src/imap/dates.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

describe('INTERNALDATE', () => {
  test('is shown with a two-place day, in UTC', () => {
    assert.equal(formatInternalDate(Date.UTC(2025, 10, 5, 10, 0, 0)), '" 5-Nov-2025 10:00:00 +0000"');
    assert.equal(formatInternalDate(Date.UTC(2024, 1, 29, 23, 59, 59, 999)), '"29-Feb-2024 23:59:59 +0000"');
    assert.equal(formatInternalDate(0), '" 1-Jan-1970 00:00:00 +0000"');
  });

  const readable: [string, string][] = [
    [' 5-Nov-2025 10:00:00 +0000', '2025-11-05T10:00:00.000Z'],
    ['05-Nov-2025 10:00:00 +0000', '2025-11-05T10:00:00.000Z'],
    ['5-nov-2025 10:00:00 +0000', '2025-11-05T10:00:00.000Z'],
    ['31-DEC-2025 23:30:00 -0130', '2026-01-01T01:00:00.000Z'],
    [' 1-Jan-2026 00:30:00 +0545', '2025-12-31T18:45:00.000Z'],
    ['30-Jun-2015 23:59:60 +0000', '2015-07-01T00:00:00.000Z'],
    [' 1-Jan-0050 00:00:00 +0000', '0050-01-01T00:00:00.000Z'],
  ];
  for (const [text, moment] of readable) {
    test(`"${text}" is ${moment}`, () => assert.equal(parseInternalDate(text), Date.parse(moment)));
  }

  const malformed = [
    '',
    '"05-Nov-2025 10:00:00 +0000"',
    '31-Feb-2025 10:00:00 +0000',
    '29-Feb-2023 10:00:00 +0000',
    ' 0-Nov-2025 10:00:00 +0000',
    '32-Jan-2025 10:00:00 +0000',
    '05-Foo-2025 10:00:00 +0000',
    '05-Nov-25 10:00:00 +0000',
    '05-Nov-2025 24:00:00 +0000',
    '05-Nov-2025 10:60:00 +0000',
    '05-Nov-2025 10:00:61 +0000',
    '05-Nov-2025 10:00:00 +0060',
    '05-Nov-2025 10:00:00 GMT',
    '05-Nov-2025 10:00:00',
    '05-Nov-2025',
    '005-Nov-2025 10:00:00 +0000',
    ' 05-Nov-2025 10:00:00 +0000',
    '05-Nov-2025 10:00:00 +0000 ',
    '2025-11-05T10:00:00Z',
  ];
  for (const text of malformed) {
    test(`"${text}" is refused`, () => assert.equal(parseInternalDate(text), null));
  }

  test('what is shown can be read back, for 10,000 generated moments', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 10_000; round++) {
      const moment = random.between(-2_000_000_000, 4_000_000_000) * 1000;
      assert.equal(parseInternalDate(formatInternalDate(moment).slice(1, -1)), moment);
    }
  });
});

describe('a SEARCH date', () => {
  const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000;
  const table: [string, number | null][] = [
    ['1-Jan-2025', day('2025-01-01')],
    ['01-jan-2025', day('2025-01-01')],
    [' 1-Jan-2025', day('2025-01-01')],
    ['29-Feb-2024', day('2024-02-29')],
    ['29-Feb-2025', null],
    ['0-Jan-2025', null],
    ['1-January-2025', null],
    ['1-Jan-25', null],
    ['2025-01-01', null],
    ['1-Jan-2025 10:00:00 +0000', null],
    ['', null],
  ];
  for (const [text, expected] of table) {
    test(`"${text}" is ${expected === null ? 'refused' : `day ${expected}`}`, () => {
      assert.equal(parseSearchDate(text), expected);
    });
  }
});
