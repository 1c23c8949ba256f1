// The text form of transcripts: what is read from one, and what is said of one that is written wrongly.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTranscript } from './parse-transcript.ts';
import type { Step, Transcript } from './transcript.ts';

interface Parts {
  head?: string;
  given?: string;
  dialogue?: string;
  then?: string;
}

const head =
  'client: Some program 1.0\nsituation: it does something\norigin: composed\nsource: made up\n  for this test.';
const nothing = 'delivered: nothing\nreported: nothing';

/** The given part begins in line 8, the dialogue two lines after its end. */
function textOf(parts: Parts): string {
  const { given = 'login alice@example.com', dialogue = '-- connects with TLS' } = parts;
  return `${parts.head ?? head}\n\ngiven:\n${given}\n\ndialogue:\n${dialogue}\n\nthen:\n${parts.then ?? nothing}\n`;
}

const parse = (parts: Parts): Transcript => parseTranscript('x.txt', textOf(parts));
const stepsOf = (dialogue: string, given?: string): Step[] =>
  parse({ dialogue, ...(given === undefined ? {} : { given: `login alice@example.com\n${given}` }) }).steps;

describe('a transcript', () => {
  test('has a head, and comments and blank lines wherever they help', () => {
    const { client, situation, origin, given } = parse({
      head: `# What this is.\n${head}`,
      given: '# nobody\n\n# at all',
    });
    assert.deepEqual([client, situation, origin], ['Some program 1.0', 'it does something', 'composed']);
    assert.deepEqual(given.logins, []);
  });

  test('says who logs in, how the server is set and what is held', () => {
    const { given } = parse({
      given: [
        'login alice@example.com',
        'login global',
        'setting dropFolders strict',
        'setting trash on',
        'setting training off',
        'Caught of alice@example.com and bob@example.com, category virus, flags (\\Seen $x): "A", "B 1..3"',
        'Caught (Outgoing) of alice@example.com to x@remote.example and y@remote.example: "C"',
        'elsewhere: "D"',
        '  | Subject: D',
        '  |',
        '  |  two blanks and a | bar',
        'next hop answers RCPT of alice@example.com with 550 5.1.1 Nobody',
      ].join('\n'),
    });
    assert.deepEqual(given.logins, ['alice@example.com', 'global']);
    assert.equal(given.dropFolders, 'strict');
    assert.deepEqual(given.folders, { outgoing: true, training: false, trash: true });
    assert.deepEqual(given.refusedRecipients, { 'alice@example.com': '550 5.1.1 Nobody' });
    assert.deepEqual(given.held, [
      {
        line: 13,
        view: 'caught',
        subjects: ['A', 'B 1', 'B 2', 'B 3'],
        owners: ['alice@example.com', 'bob@example.com'],
        recipients: [],
        category: 'virus',
        flags: ['\\Seen', '$x'],
      },
      {
        line: 14,
        view: 'outgoing',
        subjects: ['C'],
        owners: ['alice@example.com'],
        recipients: ['x@remote.example', 'y@remote.example'],
        category: 'spam',
        flags: [],
      },
    ]);
    assert.match(given.mails.get('B 2')?.toString() ?? '', /^Subject: B 2\r$/m);
    assert.equal(given.mails.get('D')?.toString(), 'Subject: D\r\n\r\n two blanks and a | bar\r\n');
  });

  test('says what came of it', () => {
    const { outcome } = parse({
      given: 'Caught of alice@example.com: "A 1..2", "B"',
      then: [
        'delivered: "A 1..2" to alice@example.com',
        'delivered: "B" to x@remote.example and y@remote.example',
        'reported as ham: "B"',
        'reported as spam: "A 1"',
        'alice@example.com sees in Caught (Outgoing): "A 1" (\\Seen $Released), "B"',
        'global sees in INBOX: nothing',
      ].join('\n'),
    });
    assert.deepEqual(outcome.delivered.deliveries, [
      { subject: 'A 1', recipients: ['alice@example.com'] },
      { subject: 'A 2', recipients: ['alice@example.com'] },
      { subject: 'B', recipients: ['x@remote.example', 'y@remote.example'] },
    ]);
    assert.deepEqual(outcome.reported.reports, [
      { subject: 'B', verdict: 'ham' },
      { subject: 'A 1', verdict: 'spam' },
    ]);
    assert.deepEqual(
      outcome.shown.map(({ login, mailbox, messages }) => ({ login, mailbox, messages })),
      [
        {
          login: 'alice@example.com',
          mailbox: 'Caught (Outgoing)',
          messages: [
            { subject: 'A 1', flags: ['\\Seen', '$Released'] },
            { subject: 'B', flags: [] },
          ],
        },
        { login: 'global', mailbox: 'INBOX', messages: [] },
      ],
    );
  });
});

describe('a dialogue', () => {
  test('has lines, events, several connections and any order', () => {
    const steps = stepsOf(
      [
        '-- 2 connects in clear and logs in as alice@example.com',
        '-- starts TLS',
        'C2: a SELECT "Caught"',
        'S2: ...',
        'S2: a OK ...',
        'S, in any order:',
        '  * 1 EXPUNGE',
        '  * 2 EXPUNGE',
        'S, for n from 3 to 1:',
        '  * <n> FETCH (UID <uid n> X <number of n>)',
        'C, broken off: b UID MO',
        '-- is reset',
        '-- 2 hangs up',
        '-- 3 is closed by the server',
        '-- arrives in Caught of alice@example.com: "New"',
        '-- everything due is done',
      ].join('\n'),
    );
    const texts = (step: Step): unknown => {
      if (step.kind === 'expect') return step.response.parts;
      if (step.kind === 'expect in any order') return step.responses.map(({ parts }) => parts);
      return step.kind;
    };
    assert.deepEqual(steps.map(texts), [
      'connect',
      'start TLS',
      'send line',
      'expect anything',
      [{ text: 'a OK ...' }],
      [[{ text: '* 1 EXPUNGE' }], [{ text: '* 2 EXPUNGE' }]],
      [{ text: '* 3 FETCH (UID <uid 3> X <number of 3>)' }],
      [{ text: '* 2 FETCH (UID <uid 2> X <number of 2>)' }],
      [{ text: '* 1 FETCH (UID <uid 1> X <number of 1>)' }],
      'send part',
      'leave',
      'leave',
      'server leaves',
      'arrive',
      'settle',
    ]);
    assert.deepEqual(
      steps.map(({ connection }) => connection),
      [2, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 2, 3, 0, 0],
    );
  });

  test('has literals of both sides, whose sizes are counted', () => {
    const steps = stepsOf(
      [
        'C: a APPEND Spam {+}',
        'C, literal:',
        '  | X-Mozilla-Keys:   ',
        '  "Mail"',
        'C: b APPEND Spam {}',
        'S: + ...',
        'C, literal:',
        '  | ü',
        'C: c APPEND Spam {4}',
        'C, literal:',
        '  | ab',
        'C: d APPEND Spam {498}',
        'S: * 1 FETCH (BODY[] {}',
        '  "Mail"',
        'S:  BODY[TEXT] {}',
        '  | x',
        'S: )',
      ].join('\n'),
      'elsewhere: "Mail"\n  | Subject: Mail\n  |',
    );
    const mail = Buffer.from('Subject: Mail\r\n\r\n');
    assert.deepEqual(
      steps.map((step) => {
        if (step.kind === 'send line') return step.text;
        if (step.kind === 'send literal') return step.bytes.toString();
        return step.kind === 'expect' ? step.response.parts : step.kind;
      }),
      [
        `a APPEND Spam {${mail.length + 20}+}`,
        `X-Mozilla-Keys:   \r\n${mail.toString()}`,
        'b APPEND Spam {4}',
        [{ text: '+ ...' }],
        'ü\r\n',
        'c APPEND Spam {4}',
        'ab\r\n',
        'd APPEND Spam {498}',
        [
          { text: '* 1 FETCH (BODY[] ' },
          { literal: mail },
          { text: ' BODY[TEXT] ' },
          { literal: Buffer.from('x\r\n') },
          { text: ')' },
        ],
      ],
    );
  });

  test('uses what lines of the server have bound, and what the program knows itself', () => {
    assert.equal(stepsOf('S: * SEARCH <uid 1>\nC: a UID MOVE <uid 1> "Release"').length, 2);
    assert.equal(stepsOf('C: a LOGIN x "<password>"\nC: <plain alice@example.com as alice@example.com>').length, 2);
    // No placeholders.
    assert.equal(stepsOf('C: a FETCH 1 BODY[]<0.20>\nC: b SEARCH HEADER Message-ID <m1@remote.example>').length, 2);
  });
});

describe('a transcript that is written wrongly is told', () => {
  const table: [what: string, parts: Parts, said: RegExp][] = [
    [
      'where its source is missing',
      { head: 'client: A\nsituation: b\norigin: composed' },
      /^x\.txt:1: a line "source: \.\.\."/,
    ],
    [
      'whether it was recorded',
      { head: head.replace('composed', 'seen') },
      /"origin: recorded" or "origin: composed" was expected; there is: seen/,
    ],
    [
      'that its head has a line of no meaning',
      { head: `${head}\nauthor: me` },
      /^x\.txt:6: one of "client:", .* was expected; there is: author: me/,
    ],
    [
      'that nothing stands above an indented line',
      { head: `  more\n${head}` },
      /^x\.txt:1: an indented line belongs to the line above it/,
    ],
    [
      'which statements the given part knows',
      { given: 'logn alice@example.com' },
      /^x\.txt:8: one of these was expected:\n {2}login NAME\n[^]*there is:\n {2}logn/,
    ],
    [
      'that outgoing mail has recipients',
      { given: 'Caught (Outgoing) of a@example.com: "A"' },
      /^x\.txt:8: after "Caught \(Outgoing\) of" ADDRESS to ADDRESS/,
    ],
    [
      'how subjects are written',
      { given: 'Caught of a@example.com: A' },
      /^x\.txt:8: subjects in quotes.* were expected.*; there is: A/,
    ],
    [
      'that a subject is taken',
      { given: 'elsewhere: "A"\nelsewhere: "A"' },
      /^x\.txt:9: there is a mail with the subject "A" already/,
    ],
    [
      'that mail which is spelled out has its subject',
      { given: 'elsewhere: "A"\n  | Subject: B' },
      /^x\.txt:8: .* no line "Subject: A"/,
    ],
    [
      'that a block is text or mail',
      { given: 'elsewhere: "A"\n  Subject: A' },
      /^x\.txt:9: "\| text" or a subject in quotes was expected; there is: Subject: A/,
    ],
    [
      'what the lines of a dialogue begin with',
      { dialogue: '> a NOOP' },
      /^x\.txt:11: "C: \.\.\.", "S: \.\.\." or "-- \.\.\." was expected.*; there is: > a NOOP/,
    ],
    [
      'which events there are',
      { dialogue: '-- explodes' },
      /^x\.txt:11: one of these was expected:\n {2}-- connects with TLS\n[^]*-- explodes/,
    ],
    [
      'who may log in',
      { dialogue: '-- connects with TLS and logs in as bob@example.com' },
      /^x\.txt:11: the given part has no "login bob@example.com"/,
    ],
    [
      'what was never bound',
      { dialogue: 'C: a UID MOVE <uid 1> Release' },
      /^x\.txt:11: <uid 1> is used before a line of the server has bound it/,
    ],
    [
      'what kinds of placeholders there are',
      { dialogue: 'S: * <thing 1>' },
      /^x\.txt:11: the first word of <thing 1> is none of: uid, /,
    ],
    [
      'that a literal is missing',
      { dialogue: 'C: a APPEND Spam {}\nC: b NOOP' },
      /^x\.txt:11: "C, literal:" was expected/,
    ],
    [
      'that a literal was not announced',
      { dialogue: 'C, literal:\n  | x' },
      /^x\.txt:11: no line of the client announces this literal/,
    ],
    [
      'that a literal has another size',
      { dialogue: 'C: a APPEND Spam {5}\nC, literal:\n  | x' },
      /^x\.txt:12: this literal has 3 bytes, but 5 are announced/,
    ],
    [
      'that a response goes on after its literal',
      { dialogue: 'S: * 1 FETCH (BODY[] {}\n  | x\nS2: )' },
      /^x\.txt:13: the rest of the response was expected.* line 11/,
    ],
    [
      'that a response ends with a literal',
      { dialogue: 'S: * 1 FETCH (BODY[] {}\n  | x' },
      /^x\.txt:11: the rest of the response was expected/,
    ],
    [
      'that a line of the server has no block',
      { dialogue: 'S: a OK\n  | x' },
      /^x\.txt:11: a block below a line of the server is a literal/,
    ],
    [
      'that a group has lines',
      { dialogue: 'S, in any order:' },
      /^x\.txt:11: the lines of the server were expected indented below/,
    ],
    [
      'how groups begin',
      { dialogue: 'S, twice:\n  * 1 EXPUNGE' },
      /^x\.txt:11: after "S," "in any order" or "for n from 1 to 9" was expected; there is: twice/,
    ],
    [
      'what can follow "C,"',
      { dialogue: 'C, slowly: a NOOP' },
      /^x\.txt:11: after "C," "literal" or "broken off" was expected; there is: slowly/,
    ],
    ['what was delivered', { then: 'reported: nothing' }, /^x\.txt:13: the then part has to say what was delivered/],
    ['what was reported', { then: 'delivered: nothing' }, /^x\.txt:13: the then part has to say what was reported/],
    [
      'which statements the then part knows',
      { then: `${nothing}\nalice@example.com is happy` },
      /^x\.txt:16: one of these was expected:\n {2}delivered: nothing/,
    ],
  ];
  for (const [what, parts, said] of table) {
    test(what, () => {
      assert.throws(() => parse(parts), { name: 'TranscriptError', message: said });
    });
  }

  test('which part is missing, and in which order they come', () => {
    const text = textOf({});
    assert.throws(
      () => parseTranscript('x.txt', text.replace('dialogue:', '# dialogue:')),
      /a line "dialogue:" was expected/,
    );
    const turned = text.replace('given:', 'XX').replace('then:', 'given:').replace('XX', 'then:');
    assert.throws(
      () => parseTranscript('x.txt', turned),
      /the parts were expected in this order: given: dialogue: then:/,
    );
  });
});
