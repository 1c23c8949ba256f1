import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadCommand } from '../../src/imap/answers.ts';
import { parseLine } from '../../src/imap/arguments.ts';
import { canonicalFlag, formatFlags, readFlags } from '../../src/imap/flags.ts';

const flagsIn = (written: string): string[] => readFlags(parseLine(`a X ${written}`, []).args);

describe('flags of STORE and APPEND', () => {
  const table: [string, string[]][] = [
    ['(\\Seen)', ['\\Seen']],
    ['\\Seen', ['\\Seen']],
    ['\\Seen \\Deleted Junk', ['\\Seen', '\\Deleted', 'Junk']],
    ['()', []],
    ['(\\sEEN \\DELETED \\answered \\flagged \\draft)', ['\\Seen', '\\Deleted', '\\Answered', '\\Flagged', '\\Draft']],
    ['(\\Seen \\seen JUNK junk)', ['\\Seen', 'Junk']],
    ['(nonjunk $NOTJUNK $label1)', ['NonJunk', '$NotJunk', '$label1']],
    ['(My-Own_keyword.2)', ['My-Own_keyword.2']],
    ['(\\Recent \\Seen)', ['\\Seen']],
    ['\\Recent', []],
    ['($Released $reported $RELEASEFAILED $Releasefailed2)', ['$Releasefailed2']],
    [`(${'k'.repeat(128)})`, ['k'.repeat(128)]],
  ];
  for (const [written, flags] of table) {
    test(`${written.slice(0, 60)} are ${flags.join().slice(0, 60) || 'none'}`, () => {
      assert.deepEqual(flagsIn(written), flags);
    });
  }

  const malformed = [
    '',
    'NIL',
    '(NIL)',
    '(\\*)',
    '(\\)',
    '(\\Foo)',
    '(\\\\Seen)',
    '("Junk")',
    '((\\Seen))',
    '(\\Seen) (\\Deleted)',
    '(a]b)',
    '(a%)',
    '(a*b)',
    '(gr\xfcn)',
    `(${'k'.repeat(129)})`,
    `(${Array.from({ length: 65 }, (_, i) => `k${i}`).join(' ')})`,
    'BODY[]',
  ];
  for (const written of malformed) {
    test(`${written.slice(0, 60)} is refused`, () => assert.throws(() => flagsIn(written), BadCommand));
  }

  test('are shown in parentheses', () => {
    assert.equal(formatFlags(['\\Seen', '$Released']), '(\\Seen $Released)');
    assert.equal(formatFlags([]), '()');
  });
});

test('a keyword of ours can be searched for, in any case', () => {
  assert.equal(canonicalFlag('$RELEASED'), '$Released');
  assert.equal(canonicalFlag('\\recent'), null);
  assert.equal(canonicalFlag(''), null);
});
