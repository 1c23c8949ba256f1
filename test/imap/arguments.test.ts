import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeText, parseBeginning, parseLine, stringOf, textOf } from '../../src/imap/arguments.ts';
import type { Argument } from '../../src/imap/command.ts';

/** Arguments in a form that fits on a line: atoms bare, strings quoted, lists as arrays. */
function plain(argument: Argument): unknown {
  switch (argument.kind) {
    case 'nil':
      return null;
    case 'atom':
      return argument.value;
    case 'string':
      return `"${argument.value}"`;
    case 'literal':
      return argument.bytes;
    case 'list':
      return argument.items.map(plain);
    case 'section': {
      const { name, section, fields, partial } = argument;
      return { name, section, fields, partial };
    }
  }
}

const whole = { fields: null, partial: null };

describe('a command line', { timeout: 20_000 }, () => {
  const legal: [string, unknown[]][] = [
    ['NOOP', []],
    ['NOOP ', []],
    ['LOGIN alice "pass word"', ['alice', '"pass word"']],
    ['LOGIN 1,x 12:3x', ['1,x', '12:3x']],
    ['LOGIN a[b]c ""', ['a[b]c', '""']],
    [String.raw`LOGIN "a\"b\\c" "DOMAIN\user"`, [String.raw`"a"b\c"`, String.raw`"DOMAIN\user"`]],
    ['LOGIN NIL "NIL"', [null, '"NIL"']],
    ['LIST "" *', ['""', '*']],
    ['LIST "" Caught*', ['""', 'Caught*']],
    ['LIST "" INB%', ['""', 'INB%']],
    [
      'LIST (SUBSCRIBED) "" ("a b" x*) RETURN (SPECIAL-USE)',
      [['SUBSCRIBED'], '""', ['"a b"', 'x*'], 'RETURN', ['SPECIAL-USE']],
    ],
    ['FETCH 1:*,5 (FLAGS)', ['1:*,5', ['FLAGS']]],
    ['FETCH *,4 ALL', ['*,4', 'ALL']],
    ['UID SEARCH UID *:4', ['UID', '*:4']],
    ['SEARCH NOT (UID 1:5) (OR FROM "a" (SEEN))', ['NOT', ['UID', '1:5'], ['OR', 'FROM', '"a"', ['SEEN']]]],
    [
      String.raw`STORE 1  +FLAGS.SILENT (\Seen \* $x )`,
      ['1', '+FLAGS.SILENT', [String.raw`\Seen`, String.raw`\*`, '$x']],
    ],
    ['STORE 1 FLAGS ()', ['1', 'FLAGS', []]],
    ['FETCH 1 BODY[]', ['1', { name: 'BODY', section: '', ...whole }]],
    ['FETCH 1 body.peek[text]', ['1', { name: 'BODY.PEEK', section: 'TEXT', ...whole }]],
    [
      'FETCH 1 (BODY.PEEK[1.HEADER.FIELDS (From "X Y")]<0.100> UID)',
      [
        '1',
        [
          {
            name: 'BODY.PEEK',
            section: '1.HEADER.FIELDS',
            fields: ['From', 'X Y'],
            partial: { start: 0, length: 100 },
          },
          'UID',
        ],
      ],
    ],
    ['FETCH 1 (BODY BODY[1.2.MIME])', ['1', ['BODY', { name: 'BODY', section: '1.2.MIME', ...whole }]]],
  ];
  for (const [line, expected] of legal) {
    test(`${line} is understood`, () => {
      const { tag, args } = parseLine(`a1 ${line}`, []);
      assert.equal(tag, 'a1');
      assert.deepEqual(args.map(plain), expected);
    });
  }

  const malformed = [
    '',
    'a',
    'a ',
    ' a NOOP',
    'a  NOOP',
    '* NOOP',
    '+ NOOP',
    'a NOOP)',
    'a X (',
    'a X (a))',
    'a X "abc',
    'a X "abc\\',
    'a X "a\rb"',
    'a X a"b"',
    'a X a(b)',
    'a X a\0b',
    'a X {3}',
    'a X {-3}\r\n',
    'a X ~{3}\r\n',
    'a FETCH 1 BODY[',
    'a FETCH 1 BODY[HEADER.FIELDS (a)',
    'a FETCH 1 BODY[HEADER.FIELDS ()]',
    'a FETCH 1 BODY[HEADER.FIELDS (NIL)]',
    'a FETCH 1 BODY[]<5>',
    'a FETCH 1 BODY[]<a.b>',
    `a X ${'('.repeat(51)}${')'.repeat(51)}`,
    `a X ${'('.repeat(60_000)}`,
  ];
  for (const line of malformed) {
    test(`${JSON.stringify(line.slice(0, 40))} is refused`, () => {
      assert.throws(() => parseLine(line, []), { name: 'BadCommand' });
    });
  }

  test('literals are taken in order, zero-length ones too, and as the octets they are', () => {
    const literals = [Buffer.from('Spam'), Buffer.alloc(0), Buffer.from([0, 255, 13, 10])];
    const { args } = parseLine('a APPEND {4}\r\n ({0}\r\n x) {4}\r\n', literals);
    assert.deepEqual(args.map(plain), [literals[0], [literals[1], 'x'], literals[2]]);
    assert.equal(stringOf(args[2]), '\0\xff\r\n');
    assert.equal(args[2]?.kind === 'literal' && args[2].bytes, literals[2], 'not copied');
  });

  test('a literal that would stand inside a quoted string is refused', () => {
    assert.throws(() => parseLine('a X "abc{1}\r\n"', [Buffer.from('d')]), { name: 'BadCommand' });
    assert.throws(() => parseLine('a X abc', [Buffer.from('d')]), { name: 'BadCommand' });
  });

  test('its command name is found in any case, with UID and the mechanism of AUTHENTICATE', () => {
    assert.equal(parseLine('a uid fetch 1 ALL', []).command, 'UID FETCH');
    assert.equal(parseLine('a Authenticate plain', []).command, 'AUTHENTICATE PLAIN');
    assert.equal(parseLine('1 noop', []).command, 'NOOP');
  });

  test('problems are described without quoting the client, because they are logged', () => {
    for (const line of ['a LOGIN bob s3cret"', 'a LOGIN bob s3cret(', 'a LOGIN bob "s3cret', 's3cret']) {
      assert.throws(
        () => parseLine(line, []),
        (error: Error) => !/s3c|ret/.test(error.message),
      );
    }
  });

  test('a megabyte of anything is read in one pass', () => {
    const million = 1_000_000;
    const set = '10000,'.repeat(million / 6) + '1';
    assert.equal(stringOf(parseLine(`a FETCH ${set} ALL`, []).args[0]), set);
    assert.equal(stringOf(parseLine(`a X "${'\\\\'.repeat(million / 2)}"`, []).args[0])?.length, million / 2);
    assert.equal(parseLine(`a X ${'a[]'.repeat(million / 3)}`, []).args.length, 1);
    assert.equal(parseLine(`a X ${'BODY[] '.repeat(million / 7)}`, []).args.length, Math.floor(million / 7));
    assert.throws(() => parseLine(`a FETCH 1 BODY[]<${'1'.repeat(million)}`, []), { name: 'BadCommand' });
    assert.throws(() => parseLine(`a ${'('.repeat(million)}`, []), { name: 'BadCommand' });
    assert.throws(() => parseLine('a'.repeat(million), []), { name: 'BadCommand' });
  });

  test('its beginning can be read when a literal is about to follow', () => {
    assert.deepEqual(parseBeginning('a APPEND "Spam" (\\Seen) ', [])?.args.map(plain), ['"Spam"', ['\\Seen']]);
    assert.equal(parseBeginning('a SEARCH (OR SUBJECT ', []), null);
  });
});

test('text is UTF-8, or Latin-1 when it cannot be UTF-8; what is no string is no text', () => {
  assert.equal(decodeText(Buffer.from('Grüße')), 'Grüße');
  assert.equal(decodeText(Buffer.from('Grüße', 'latin1')), 'Grüße');
  const [umlaut, nothing] = parseLine(`a X "${Buffer.from('ü').toString('latin1')}" NIL`, []).args;
  assert.equal(textOf(umlaut), 'ü');
  assert.equal(textOf(nothing), null);
  assert.equal(textOf(undefined), null);
});
