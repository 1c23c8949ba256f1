import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFromLine } from '../../../src/intake/files/from-line.ts';

describe('the From line of an mbox', () => {
  const rows: [line: string, sender: string | null, date: string | null][] = [
    ['From a@b.example Sat Jul  6 09:15:01 2002', 'a@b.example', '2002-07-06T09:15:01.000Z'],
    ['From a@b.example  Thu Aug 22 12:36:23 2002\r\n', 'a@b.example', '2002-08-22T12:36:23.000Z'],
    ['From MAILER-DAEMON Fri Jul 18 12:08:34 2025', '', '2025-07-18T12:08:34.000Z'],
    ['From - Mon Sep 17 14:03:39 2018', null, '2018-09-17T14:03:39.000Z'],
    ['From ???@??? Tue Mar 30 23:23:41 1999', null, '1999-03-30T23:23:41.000Z'],
    ['From root Tue Mar 30 23:23 99', null, '1999-03-30T23:23:00.000Z'],
    ['From "a b"@c.example Tue Mar 30 23:23:00 2010', null, '2010-03-30T23:23:00.000Z'],
    ['From user at host.example  Tue Mar 30 23:23:00 2010', null, '2010-03-30T23:23:00.000Z'],
    ['From a@b.example Sat Jul  6 09:15:01 +0200 2002', 'a@b.example', '2002-07-06T07:15:01.000Z'],
    ['From a@b.example Sat Jul  6 09:15:01 2002 -0530', 'a@b.example', '2002-07-06T14:45:01.000Z'],
    ['From a@b.example Sat Jul  6 09:15:01 PDT 2002', 'a@b.example', '2002-07-06T09:15:01.000Z'],
    ['From a@b.example', 'a@b.example', null],
    ['From a@b.example some day', 'a@b.example', null],
    ['From a@b.example Sat Foo  6 09:15:01 2002', 'a@b.example', null],
  ];
  for (const [line, sender, date] of rows)
    test(line.trim(), () => {
      const parsed = parseFromLine(Buffer.from(line));
      assert.equal(parsed.sender, sender);
      assert.equal(parsed.date === null ? null : new Date(parsed.date).toISOString(), date);
    });
});
