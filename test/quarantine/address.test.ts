import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalDomain, canonicalLocalPart, parseAddress } from '../../src/quarantine/address.ts';

describe('a domain has one canonical form', () => {
  const same: [written: string, canonical: string][] = [
    ['example.com', 'example.com'],
    ['EXAMPLE.Com', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['faß.de', 'xn--fa-hia.de'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['localhost', 'localhost'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ];
  for (const [written, canonical] of same)
    test(`${written} is ${canonical}`, () => assert.equal(canonicalDomain(written), canonical));

  // What a URL parser would understand in its own way is no domain here.
  for (const written of [
    '',
    '.',
    'a..b',
    '.example.com',
    'exa mple.com',
    'example.com?x',
    'example.com#x',
    'example.com/x',
    'example.com:25',
    '%65xample.com',
    'user@example.com',
    '[192.0.2.1]',
    '192.0.2.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    'xn--\u0000.example',
    'a\u0000b.com',
    'a"b.com',
    'a<b.com',
    'a\\b.com',
    '*.example.com',
    `${'a'.repeat(64)}.example`,
    `${'abcdefghi.'.repeat(26)}example`,
  ]) {
    test(`${JSON.stringify(written).slice(0, 40)} is none`, () => assert.equal(canonicalDomain(written), null));
  }
});

describe('an address is split at its last @', () => {
  test('and the local part stays as it was written', () => {
    assert.deepEqual(parseAddress('Alice+News@EXAMPLE.com'), { localPart: 'Alice+News', domain: 'example.com' });
    assert.deepEqual(parseAddress('"a@b c"@example.com'), { localPart: '"a@b c"', domain: 'example.com' });
    assert.deepEqual(parseAddress("o'neill@example.com"), { localPart: "o'neill", domain: 'example.com' });
    assert.deepEqual(parseAddress('jürgen@bücher.example'), {
      localPart: 'jürgen',
      domain: 'xn--bcher-kva.example',
    });
  });

  for (const text of ['', 'alice', '@', '@example.com', 'alice@', 'alice@[192.0.2.1]', '"alice@example.com"']) {
    test(`${JSON.stringify(text)} is no address`, () => assert.equal(parseAddress(text), null));
  }

  test('a line end never gets into an address, because it would end the line of a protocol', () => {
    for (const bad of ['\r', '\n', '\u0000', '\u007f', '\u0085'])
      assert.equal(parseAddress(`al${bad}ice@example.com`), null);
    assert.equal(parseAddress('alice@exam\rple.com'), null);
  });
});

describe('a local part names one login however it is written', () => {
  const rows: [written: string, separator: string, canonical: string][] = [
    ['Alice', '+', 'alice'],
    ['alice+news', '+', 'alice'],
    ['alice+', '+', 'alice'],
    ['alice+a+b', '+', 'alice'],
    ['alice-news', '-', 'alice'],
    ['alice+news', '-', 'alice+news'],
    ['alice+news', '', 'alice+news'],
    ['+alice', '+', '+alice'],
    ['"Alice"', '+', 'alice'],
    ['"alice+x"', '+', 'alice'],
    ['"al\\ice"', '+', 'alice'],
    ['"A B"', '+', '"a b"'],
    ['"a\\ b"', '+', '"a b"'],
    ['"a b+news"', '+', '"a b"'],
    ['"a+b c"', '+', 'a'],
    ['"a@b"', '+', '"a@b"'],
    ['"a\\"b"', '+', '"a\\"b"'],
    ['""', '+', '""'],
    ['JÜRGEN', '+', 'jürgen'],
    ['Ju\u0308rgen', '+', 'jürgen'],
  ];
  for (const [written, separator, canonical] of rows) {
    test(`${written} with separator "${separator}" is ${canonical}`, () => {
      assert.equal(canonicalLocalPart(written, separator), canonical);
      assert.equal(canonicalLocalPart(canonical, separator), canonical, 'and stays so');
    });
  }
});
