// What the index finds is what String.includes finds, whatever the texts are and wherever they were cut.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foldText } from '../../../../src/quarantine/search/folded-text.ts';
import { atomsOf, needleAtoms } from '../../../../src/storage/sqlite/search/atoms.ts';
import { Bits } from '../../../../src/storage/sqlite/search/bits.ts';
import { BlockBuilder } from '../../../../src/storage/sqlite/search/block-builder.ts';
import type { Block } from '../../../../src/storage/sqlite/search/block-builder.ts';
import { BlockWords, readContents, readTexts } from '../../../../src/storage/sqlite/search/block.ts';
import { contentsWith } from '../../../../src/storage/sqlite/search/find-text.ts';
import { needleFrom, textInManyScripts } from '../../../helpers/many-scripts.ts';
import { seededRandom } from '../../../helpers/seeded-random.ts';

/** A content's texts, each in its field. */
type Document = readonly string[];

function blockOf(documents: readonly Document[]): Block {
  const builder = new BlockBuilder();
  for (const [i, texts] of documents.entries()) {
    const pieces = texts.map((text, field) => ({
      field,
      atoms: Uint32Array.from(atomsOf(text), (atom) => builder.numberOf(atom)),
    }));
    const known = { digest: Buffer.alloc(8), readingVersion: 1, sentDay: null, isRegular: true };
    builder.add({ ...known, number: i + 1 }, pieces);
  }
  return builder.finish();
}

function wordsOf(block: Block): BlockWords {
  const longLists = new Map(block.longLists.map(({ rank, places }) => [rank, places]));
  return new BlockWords(block.words, block.pages, {
    places: block.places,
    longList: (rank) => longLists.get(rank) ?? assert.fail(`there is no list ${rank}`),
  });
}

function found(block: Block, needle: string, fields: [number, number], wanted: Bits): number[] {
  const atoms = needleAtoms(needle);
  assert.ok(atoms);
  return [...contentsWith(wordsOf(block), atoms, readTexts(block.texts, ...fields), wanted)];
}

describe('a block', () => {
  test('of texts in many scripts answers 6,000 needles as String.includes does, in each range of fields', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 30; round++) {
      const documents = Array.from({ length: random.between(1, 25) }, (): Document =>
        Array.from({ length: 3 }, () => foldText(textInManyScripts(random, random.between(0, 12)))),
      );
      const block = blockOf(documents);
      assert.equal(readContents(block.contents).numbers.length, documents.length);
      for (let i = 0; i < 200; i++) {
        const needle = foldText(needleFrom(random, random.pick(random.pick(documents))));
        if (needleAtoms(needle) === null) continue;
        const first = random.between(0, 2);
        const last = random.between(first, 2);
        const wanted = new Bits(documents.length);
        for (let content = 0; content < documents.length; content++) if (random.between(0, 3)) wanted.add(content);
        const expected = [...documents.keys()].filter(
          (content) =>
            wanted.has(content) && documents[content]?.slice(first, last + 1).some((text) => text.includes(needle)),
        );
        assert.deepEqual(found(block, needle, [first, last], wanted), expected, JSON.stringify(needle));
      }
    }
  });

  test('with more words and places than fit into one page or one short list', () => {
    const random = seededRandom(6);
    const documents = Array.from({ length: 200 }, (_, i): Document => {
      const own = Array.from({ length: 40 }, () => random.between(0, 1e9).toString(36)).join(' ');
      return [`THE ${own} THE`, `${'THE SAME '.repeat(30)}${i % 7 === 0 ? 'SELDOM ' : ''}THING ${i}`];
    });
    const block = blockOf(documents);
    assert.ok(block.pages.length > 5 && block.longLists.length >= 2);
    const all = Bits.all(documents.length);
    const needles = [
      'THE',
      'HE SAM',
      'SAME THE',
      ' SELDOM',
      'E SELDOM THING',
      'THING 1',
      'G 19',
      'A',
      '7',
      ' ',
      'THE THE',
    ];
    for (const needle of [...needles, documents[17]?.[0] ?? '', documents[3]?.[0]?.slice(4, 9) ?? '']) {
      const expected = [...documents.keys()].filter((i) => documents[i]?.some((text) => text.includes(needle)));
      assert.deepEqual(found(block, needle, [0, 1], all), expected, needle);
    }
  });

  test('finds nothing across the end of a text', () => {
    const block = blockOf([
      ['ONE', 'TWO'],
      ['THREE', 'FOUR'],
    ]);
    for (const needle of ['ONE TWO', 'ONETWO', 'ETWO', 'TWOT', 'ETHREE'])
      assert.deepEqual(found(block, needle, [0, 1], Bits.all(2)), [], needle);
  });
});

test('a piece of a text is cut where the text is cut', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 2000; round++) {
    const text = foldText(textInManyScripts(random, 6));
    assert.equal(atomsOf(text).join('').length, text.length);
    const start = random.between(0, text.length);
    const piece = text.slice(start, random.between(start, text.length));
    if (!piece.isWellFormed() || piece.includes('\0')) continue;
    const inner = atomsOf(piece).slice(1, -1);
    if (inner.length) assert.ok(JSON.stringify(atomsOf(text)).includes(JSON.stringify(inner).slice(1, -1)), piece);
  }
});

test('what atoms cannot find is said to be so', () => {
  for (const needle of ['', 'A\0B', '\ud83d', 'X\udc00']) assert.equal(needleAtoms(needle), null);
});
