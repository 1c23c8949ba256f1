import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wireText, writeAstring, writeNstring, writeString } from '../../src/imap/strings.ts';

describe('a string is written', () => {
  const table: [string, string][] = [
    ['', '""'],
    ['plain text', '"plain text"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['tab\tand bell\x07 and DEL\x7f', '"tab\tand bell\x07 and DEL\x7f"'],
    ['NIL', '"NIL"'],
    ['two\r\nlines', '{10}\r\ntwo\r\nlines'],
    ['bare\nLF', '{7}\r\nbare\nLF'],
    ['bare\rCR', '{7}\r\nbare\rCR'],
    ['nul\0', '{4}\r\nnul\0'],
    ['caf\xe9', '{4}\r\ncaf\xe9'],
    ['\x80', '{1}\r\n\x80'],
  ];
  for (const [bytes, wire] of table) {
    test(JSON.stringify(wire), () => assert.equal(writeString(bytes), wire));
  }

  test('with the number of its bytes, not of its characters', () => {
    assert.equal(writeString(wireText('grün')), `{5}\r\n${wireText('grün')}`);
    assert.equal(wireText('ü'), '\xc3\xbc');
    assert.equal(writeString(wireText('😀')).slice(0, 5), '{4}\r\n');
  });

  test('or is NIL when there is none, which differs from an empty one', () => {
    assert.equal(writeNstring(null), 'NIL');
    assert.equal(writeNstring(''), '""');
  });
});

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
  ];
  for (const [bytes, wire] of table) {
    test(JSON.stringify(wire), () => assert.equal(writeAstring(bytes), wire));
  }
});
