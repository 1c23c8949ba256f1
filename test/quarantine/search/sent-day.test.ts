import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sentDay } from '../../../src/quarantine/search/sent-day.ts';

const day = (iso: string): number => Date.parse(iso) / 86_400_000;

describe('the day that a message was sent', () => {
  const headers: [string, number | null][] = [
    ['Wed, 5 Nov 2025 10:00:00 +0000', day('2025-11-05')],
    ['Wed, 5 Nov 2025 23:30:00 -0800', day('2025-11-05')],
    ['Wed, 05 Nov 2025 00:30:00 +1400 (somewhere)', day('2025-11-05')],
    ['5 Nov 2025 10:00 UT', day('2025-11-05')],
    ['Wed,5 nov 2025 10:00:00 GMT', day('2025-11-05')],
    ['Wed,  5  November  2025 10:00:00 GMT', day('2025-11-05')],
    ['Tue, 01 Jul 97 10:00:00 EST', day('1997-07-01')],
    ['Tue, 01 Jul 03 10:00:00 EST', day('2003-07-01')],
    ['Tue, 01 Jul 103 10:00:00 EST', day('2003-07-01')],
    ['Wed,\r\n 5 Nov 2025 10:00:00 +0000', day('2025-11-05')],
    ['31 Feb 2025 10:00:00', null],
    ['yesterday', null],
    ['', null],
  ];
  for (const [value, expected] of headers) {
    test(`is told by ${JSON.stringify(value)} as ${expected === null ? 'none' : `day ${expected}`}`, () => {
      assert.equal(sentDay(value), expected);
    });
  }

  test('a Date header of 2 MB is no work', () => {
    const startedAt = process.cpuUsage();
    assert.equal(sentDay(' 1'.repeat(1_000_000)), null);
    assert.equal(sentDay(' '.repeat(2_000_000)), null);
    assert.ok(process.cpuUsage(startedAt).user < 500_000);
  });
});
