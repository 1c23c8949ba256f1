import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadCommand } from '../../src/imap/answers.ts';
import { parseLine } from '../../src/imap/arguments.ts';
import type { Argument } from '../../src/imap/command.ts';
import {
  readAstring,
  readAtom,
  readList,
  readMailbox,
  readNoMore,
  readNstring,
  readNumber,
  readSequenceSet,
  readText,
} from '../../src/imap/read-arguments.ts';

const argument = (written: string, ...literals: Buffer[]): Argument | undefined =>
  parseLine(`a X ${written}`, literals).args[0];
const utf8 = Buffer.from('grün', 'utf8');

describe('an argument is taken for', () => {
  const table: [string, unknown, unknown][] = [
    ['a string, from an atom', readAstring(argument('Spam'), 'It'), 'Spam'],
    ['a string, from quotes', readAstring(argument('"a \\"b\\""'), 'It'), 'a "b"'],
    ['a string, from a literal', readAstring(argument('{5}\r\n', utf8), 'It'), 'gr\xc3\xbcn'],
    ['an empty string', readAstring(argument('""'), 'It'), ''],
    ['text in UTF-8', readText(argument('{5}\r\n', utf8), 'It'), 'grün'],
    ['text in Latin-1', readText(argument('"gr\xfcn"'), 'It'), 'grün'],
    ['a string that may be NIL', readNstring(argument('"NIL"'), 'It'), 'NIL'],
    ['NIL', readNstring(argument('nil'), 'It'), null],
    ['a word', readAtom(argument('flags.silent'), 'It'), 'FLAGS.SILENT'],
    ['a number', readNumber(argument('4294967295'), 'It'), 4294967295],
    ['zero', readNumber(argument('0'), 'It'), 0],
    ['a mailbox', readMailbox(argument('"Release &- Train"')), 'Release & Train'],
    ['the INBOX', readMailbox(argument('inbox')), 'INBOX'],
    ['a message set', readSequenceSet(argument('3:1')).ranges, [{ first: 1, last: 3 }]],
    ['a list', readList(argument('(a b)'), 'It').length, 2],
    ['an empty list', readList(argument('()'), 'It').length, 0],
  ];
  for (const [title, actual, expected] of table) test(title, () => assert.deepEqual(actual, expected));
});

describe('a client is told what was expected', () => {
  const table: [string, () => unknown, string][] = [
    ['nothing for a mailbox', () => readMailbox(undefined), 'The mailbox name is missing'],
    ['NIL for a mailbox', () => readMailbox(argument('NIL')), 'The mailbox name must be a string, not NIL'],
    [
      'a list for a string',
      () => readAstring(argument('(a)'), 'The user name'),
      'The user name must be a string, not a list',
    ],
    ['a section', () => readText(argument('BODY[]'), 'The text'), 'The text must be a string, not a section'],
    ['a list for NIL', () => readNstring(argument('()'), 'The value'), 'The value must be a string or NIL, not a list'],
    ['quotes for a word', () => readAtom(argument('"ALL"'), 'The item'), 'The item must be a word without quotes'],
    [
      'a word for a number',
      () => readNumber(argument('x'), 'The size'),
      'The size must be a number from 0 to 4294967295',
    ],
    [
      'a negative number',
      () => readNumber(argument('-1'), 'The size'),
      'The size must be a number from 0 to 4294967295',
    ],
    ['too big a number', () => readNumber(argument('4294967296'), 'N'), 'N must be a number from 0 to 4294967295'],
    ['a quoted number', () => readNumber(argument('"1"'), 'N'), 'N must be a number from 0 to 4294967295'],
    ['no set', () => readSequenceSet(undefined), 'The message set is missing'],
    ['a broken set', () => readSequenceSet(argument('1:')), 'The message set must be a set such as 1:3,5,7:*'],
    ['a quoted set', () => readSequenceSet(argument('"1"')), 'The message set must be a set such as 1:3,5,7:*'],
    [
      'a set that is NIL',
      () => readSequenceSet(argument('NIL')),
      'The message set must be a set such as 1:3,5,7:*, not NIL',
    ],
    ['no list', () => readList(undefined, 'The list'), 'The list is missing'],
    ['a word for a list', () => readList(argument('a'), 'The list'), 'The list must be a list in parentheses'],
    ['too much', () => readNoMore(parseLine('a X 1 2 3', []).args, 2), 'Too many arguments: 2 expected, not 3'],
  ];
  for (const [title, act, text] of table) test(title, () => assert.throws(act, new BadCommand(text)));

  test('and never what was sent', () => {
    assert.throws(
      () => readNumber(argument('secret'), 'The size'),
      (error: Error) => !error.message.includes('secret'),
    );
  });
});
