import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listMatcher } from '../../src/imap/list-pattern.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

const names = [
  'INBOX',
  'Caught',
  'Caught (Outgoing)',
  'Training Requested',
  'Release',
  'Release & Train',
  'Not Spam',
  'Spam',
  'Release and Train/Not Spam',
];

describe('LIST finds', () => {
  const flat = names.slice(0, -1);
  const table: [string, string, string[]][] = [
    ['', '*', names],
    ['', '%', flat],
    ['', '', []],
    ['', 'INBOX', ['INBOX']],
    ['', 'inbox', ['INBOX']],
    ['', 'inB*', ['INBOX']],
    ['', '%box', ['INBOX']],
    ['', 'caught', []],
    ['', 'Caught*', ['Caught', 'Caught (Outgoing)']],
    ['', 'Caught (Out*', ['Caught (Outgoing)']],
    ['', 'Release &- Train', ['Release & Train']],
    ['', 'Release & Train', ['Release & Train']],
    ['', 'Release &*', ['Release & Train']],
    ['', 'Release & %', ['Release & Train']],
    ['', 'Release %', ['Release & Train']],
    ['', 'Release*', ['Release', 'Release & Train', 'Release and Train/Not Spam']],
    ['', 'Release and Train/%', ['Release and Train/Not Spam']],
    ['', '%/%', ['Release and Train/Not Spam']],
    ['', '*/Not Spam', ['Release and Train/Not Spam']],
    ['', '*Spam', ['Not Spam', 'Spam', 'Release and Train/Not Spam']],
    ['Release and Train/', '%', ['Release and Train/Not Spam']],
    ['Release and Train/', '/Not*', ['Release and Train/Not Spam']],
    ['Release and Train', '/%', ['Release and Train/Not Spam']],
    ['Cau', 'ght', ['Caught']],
    ['Nowhere/', '*', []],
    ['', '/%', []],
    ['', '**%%**', names],
    ['', '*%*%*%*%*%*%*%*%x', ['INBOX']],
    ['', '*%*%*%*%*%*%*%*%z', []],
    ['', 'Caught\0', []],
    ['', '.*', []],
    ['', 'C[a]ught', []],
  ];
  for (const [reference, pattern, found] of table) {
    test(`${found.length} names for "${reference}" "${pattern}"`, () => {
      assert.deepEqual(names.filter(listMatcher(reference, pattern)), found);
    });
  }

  test('a name with an umlaut by its encoded form, by UTF-8 and by a part of either', () => {
    const utf8 = Buffer.from('Entwürfe', 'utf8').toString('latin1');
    for (const pattern of ['Entw&APw-rfe', utf8, 'Entw&*', `${utf8.slice(0, 6)}*`, '%rfe']) {
      assert.ok(listMatcher('', pattern)('Entwürfe'), pattern);
    }
  });
});

/** The definition of the two wildcards, without any thought of speed. */
function naiveMatch(pattern: string, name: string): boolean {
  const [wanted, rest] = [pattern[0], pattern.slice(1)];
  if (wanted === undefined) return name === '';
  if (wanted !== '*' && wanted !== '%') return wanted === name[0] && naiveMatch(rest, name.slice(1));
  if (naiveMatch(rest, name)) return true;
  return name !== '' && (wanted === '*' || name[0] !== '/') && naiveMatch(pattern, name.slice(1));
}

test('50,000 generated patterns match what a naive matcher matches', () => {
  const random = seededRandom(99);
  const text = (alphabet: string, longest: number): string =>
    Array.from({ length: random.between(0, longest) }, () => random.pick(alphabet.split(''))).join('');
  let matched = 0;
  for (let round = 0; round < 50_000; round++) {
    const pattern = text('ab/*%', 7);
    const name = text('ab/', 7);
    const expected = naiveMatch(pattern, name);
    if (expected) matched++;
    assert.equal(listMatcher('', pattern)(name), expected, `${pattern} against ${name}`);
  }
  assert.ok(matched > 5_000, 'enough of the generated cases match');
});

test('patterns made to explode are answered at once', () => {
  const patterns = [
    '*%'.repeat(30_000) + 'x',
    '*a'.repeat(30_000),
    'a'.repeat(60_000),
    '%a'.repeat(500) + '%b',
    '*a%a'.repeat(300),
    '&'.repeat(60_000),
    '/'.repeat(60_000),
  ];
  const long = 'a'.repeat(1_000);
  const startedAt = process.cpuUsage();
  for (const pattern of patterns) {
    const matches = listMatcher('', pattern);
    for (const name of [...names, long, `${long}/${long}`]) assert.equal(typeof matches(name), 'boolean');
  }
  assert.ok(process.cpuUsage(startedAt).user < 2_000_000);
});
