import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { writeAstring } from '../../src/imap/astring.ts';

describe('an astring is written', () => {
  const table: [string, string][] = [
    ['From', 'From'],
    ['X-Spam-Flag', 'X-Spam-Flag'],
    ['a]b', 'a]b'],
    ['', '""'],
    ['NIL', '"NIL"'],
    ['nil', '"nil"'],
    ['with space', '"with space"'],
    ['a(b', '"a(b"'],
    ['100%', '"100%"'],
    ['a*', '"a*"'],
    ['{3}', '"{3}"'],
    ['quote"', '"quote\\""'],
    ['back\\', '"back\\\\"'],
    ['ctl\x01', '"ctl\x01"'],
    ['\xe9', '{1}\r\n\xe9'],
    ['a\r\nb', '{4}\r\na\r\nb'],
    ['nul\0', '{4}\r\nnul\0'],
  ];
  for (const [bytes, wire] of table) {
    test(JSON.stringify(wire), () => assert.equal(writeAstring(bytes), wire));
  }
});
