import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foldText } from '../../../src/quarantine/search/folded-text.ts';

describe('a search does not tell apart', () => {
  const table: [string, string][] = [
    ['Hello', 'hELLO'],
    ['Straße', 'STRASSE'],
    ['gru\u0308n', 'GRÜN'],
    ['ΟΔΟΣ', 'οδος'],
    ['ὀδός', 'ὈΔΌΣ'],
    ['ﬁnal', 'FINAL'],
    ['ｗｉｄｅ', 'wide'],
    ['한글', '\u1112\u1161\u11ab\u1100\u1173\u11af'],
    ['two  words', 'two\r\n\twords'],
    ['no\u00a0break', 'no break'],
  ];
  for (const [a, b] of table) test(`${a} and ${JSON.stringify(b)}`, () => assert.equal(foldText(a), foldText(b)));

  test('but it does tell apart these', () => {
    for (const [a, b] of [
      ['grün', 'grun'],
      ['a b', 'ab'],
      ['0', 'O'],
    ]) {
      assert.notEqual(foldText(a ?? ''), foldText(b ?? ''));
    }
  });
});

test('a part of a text stays a part of it, wherever it begins and ends', () => {
  const text = 'Ein Ἀλέξανδρος, der «Straße»\n heißt: 日本語 – und noch mehr ΟΔΟΣ 😀 '.repeat(20);
  const folded = foldText(text);
  for (let start = 0; start < 130; start++) {
    for (const length of [1, 5, 40, 400]) {
      const part = text.slice(start, start + length);
      if (part.isWellFormed()) assert.ok(folded.includes(foldText(part)), part);
    }
  }
});

test('1,000,000 characters made to be slow are not', () => {
  for (const unit of ['\u0300\u0316', '\u0300\uff9e', '\ufdfa', 'ΐ', ' ', 'ж ', '\ud800', '😀', '\u1100\u1161']) {
    const startedAt = process.cpuUsage();
    foldText(`a${unit.repeat(1_000_000 / unit.length)}`);
    const usedMs = process.cpuUsage(startedAt).user / 1000;
    assert.ok(usedMs < 5000, `${JSON.stringify(unit)} took ${usedMs} ms`);
  }
  const sorted = `a${'\u0300'.repeat(500_000)}${'\u0316'.repeat(500_000)}`;
  assert.ok(foldText(sorted).length <= sorted.length);
});
