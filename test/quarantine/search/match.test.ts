import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMessage } from '../../../src/quarantine/reading/read-message.ts';
import { SearchPlan } from '../../../src/quarantine/search/match.ts';
import type { SearchCandidate } from '../../../src/quarantine/search/match.ts';
import { conditionOf } from '../../helpers/search-condition.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

function planOf(written: string): SearchPlan {
  return new SearchPlan(conditionOf(written));
}

interface Watched {
  candidate: SearchCandidate;
  /** The ranges of the content that were read. */
  reads: string[];
}

function watched(overrides: Partial<SearchCandidate> = {}, raw = message): Watched {
  const reads: string[] = [];
  const candidate: SearchCandidate = {
    uid: 70,
    flags: ['\\Seen', '$Released', 'Junk'],
    internalDate: Date.parse('2025-06-10T23:30:00Z'),
    sizeBytes: raw.length,
    reading: readMessage(raw),
    content: async (start, end) => {
      reads.push(`${start}-${end}`);
      return raw.subarray(start, end);
    },
    ...overrides,
  };
  return { candidate, reads };
}

const message = Buffer.from(
  [
    'Received: from mx.example.net',
    'Date: Mon, 09 Jun 2025 23:30:00 -0800',
    'From: =?utf-8?q?J=C3=BCrgen_Stra=C3=9Fe?= <juergen@example.com>',
    'To: "Doe, Jane" <jane@example.org>, =?iso-8859-7?b?z8THr8M=?= <greek@example.org>',
    'Cc: someone@example.org',
    'Subject: =?utf-8?b?UmVjaG51bmcgZsO8ciB0w6RnbGljaGVu?=',
    ' =?utf-8?b?IEJlZGFyZg==?= and',
    '\tmore',
    'Message-ID: <abc.123@example.com>',
    'X-Spam-Flag: YES',
    'X-Empty:',
    'X-Note: one',
    'X-Note: two',
    'X-Raw: gr\u00fcn',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>Click=20<a href=3D"http://evil.example/">hier</a> f=C3=BCr',
    'Ihre Pr=C3=A4mie</p>',
    '',
  ].join('\r\n'),
  'utf8',
);

describe('the message is found by', () => {
  const found = [
    'ALL',
    'SEEN',
    'UNDELETED',
    'KEYWORD $Released',
    'KEYWORD $RELEASED',
    'KEYWORD junk',
    'UNKEYWORD $Reported',
    'OLD',
    'NOT NEW',
    '7',
    '1:*',
    'NOT *',
    '7,9:20',
    'UID 70',
    'UID 60:*',
    'NOT UID *',
    'ON 10-Jun-2025',
    'SINCE 10-Jun-2025',
    'BEFORE 11-Jun-2025',
    'NOT BEFORE 10-Jun-2025',
    'SENTON 9-Jun-2025',
    'SENTSINCE 9-Jun-2025',
    'SENTBEFORE 10-Jun-2025',
    'LARGER 100',
    `SMALLER ${message.length + 1}`,
    `NOT LARGER ${message.length}`,
    `NOT SMALLER ${message.length}`,
    'YOUNGER 500000',
    'OLDER 1',
    'FROM juergen@EXAMPLE.com',
    'FROM "JÜRGEN"',
    'FROM "jürgen strasse"',
    'FROM ""',
    'TO "doe, jane"',
    'TO "ΟΔΗ"',
    'CC SOMEONE',
    'SUBJECT "rechnung FÜR täglichen bedarf and more"',
    'SUBJECT "and  more"',
    'HEADER Subject rechnung',
    'HEADER message-id "<abc.123@example.com>"',
    'HEADER X-Spam-Flag yes',
    'HEADER X-EMPTY ""',
    'HEADER X-Note two',
    'HEADER X-Note one',
    'HEADER X-Raw grün',
    'BODY "click hier für ihre prämie"',
    'BODY ""',
    'TEXT "click hier"',
    'TEXT "x-spam-flag: yes"',
    'TEXT "jürgen"',
    'TEXT ""',
    'OR DELETED SEEN',
    'OR (DELETED FROM x) (SEEN FROM juergen)',
    'NOT (FROM juergen SUBJECT lottery)',
    'OR NOT SEEN BODY click',
    'UNDELETED BODY click SUBJECT rechnung FROM juergen',
  ];
  for (const written of found) {
    test(written, async () => assert.equal(await planOf(written).matches(watched().candidate), true));
  }
});

describe('the message is not found by', () => {
  const missed = [
    'UNSEEN',
    'DELETED',
    'UNKEYWORD $Released',
    'KEYWORD $Reported',
    'NEW',
    'RECENT',
    '8',
    '*',
    'NOT 1:*',
    'UID 69,71:*',
    'ON 9-Jun-2025',
    'ON 11-Jun-2025',
    'BEFORE 10-Jun-2025',
    'SINCE 11-Jun-2025',
    'SENTON 10-Jun-2025',
    'SENTBEFORE 9-Jun-2025',
    `LARGER ${message.length}`,
    `SMALLER ${message.length}`,
    'YOUNGER 1',
    'OLDER 500000',
    'FROM jane',
    'BCC ""',
    'BCC x',
    'HEADER X-None ""',
    'HEADER X-Empty x',
    'HEADER X-Note three',
    'SUBJECT "=?utf-8?b?"',
    'BODY href',
    'BODY rechnung',
    'BODY "Pr=C3=A4mie"',
    'TEXT lottery',
    'OR DELETED FROM nobody',
    'NOT (SEEN FROM juergen)',
    'SEEN BODY lottery',
  ];
  for (const written of missed) {
    test(written, async () => assert.equal(await planOf(written).matches(watched().candidate), false));
  }

  test('SENTON when it has no readable Date, in any form', async () => {
    const raw = Buffer.from('Date: whenever\r\n\r\n');
    for (const written of ['SENTON 9-Jun-2025', 'SENTBEFORE 9-Jun-2030', 'SENTSINCE 9-Jun-1990']) {
      assert.equal(await planOf(written).matches(watched({}, raw).candidate), false, written);
    }
  });
});

describe('only what is needed is read:', () => {
  const headerRead = `0-${readMessage(message).headerBytes}`;
  const bodyRead = `${readMessage(message).headerBytes}-${message.length}`;
  const table: [string, boolean | null, string[]][] = [
    ['UNSEEN', false, []],
    ['SEEN 7 UID 70 SINCE 1-Jan-2025 LARGER 1 OLDER 1', true, []],
    ['BODY click UNSEEN', false, []],
    ['TEXT click HEADER X-Spam-Flag YES UNSEEN', false, []],
    ['OR BODY click SEEN', true, []],
    ['OR (BODY click UNSEEN) (SEEN)', true, []],
    ['NOT (BODY click UNSEEN)', true, []],
    ['BODY ""', true, []],
    ['FROM juergen SUBJECT rechnung SENTON 9-Jun-2025 HEADER Received mx', null, []],
    ['BODY click FROM nobody', null, []],
    ['OR BODY click FROM juergen', null, []],
    ['HEADER X-Spam-Flag YES', null, [headerRead]],
    ['HEADER X-Spam-Flag YES HEADER X-Note two', null, [headerRead]],
    ['BODY click HEADER X-Spam-Flag NO', null, [headerRead]],
    ['TEXT "x-spam-flag"', null, [headerRead]],
    ['BODY click BODY hier NOT BODY lottery', null, [bodyRead]],
    ['TEXT click HEADER X-Note one', null, [headerRead, bodyRead]],
  ];
  for (const [written, decided, expected] of table) {
    test(written, async () => {
      const { candidate, reads } = watched();
      const plan = planOf(written);
      const answer = await plan.matches(candidate);
      assert.equal(plan.decide(candidate), decided);
      if (decided !== null) assert.equal(answer, decided);
      assert.deepEqual(reads, expected);
    });
  }

  test('the header, when the stored fields were too large to be kept', async () => {
    const { candidate, reads } = watched({ reading: { ...readMessage(message), listHeader: null } });
    assert.equal(await planOf('FROM juergen SUBJECT rechnung').matches(candidate), true);
    assert.deepEqual(reads, [headerRead]);
  });
});

describe('a header of raw bytes', () => {
  const cases: [written: string, bytes: string, charset: string, found: boolean][] = [
    // "Привет" and "привет"; programs that send such headers write them in the charset of the text.
    ['SUBJECT привет', '\xcf\xf0\xe8\xe2\xe5\xf2', 'windows-1251', true],
    ['TEXT привет', '\xcf\xf0\xe8\xe2\xe5\xf2', 'windows-1251', true],
    ['HEADER X-Title привет', '\xf0\xd2\xc9\xd7\xc5\xd4', 'koi8-r', true],
    ['SUBJECT grün', 'gr\xfcn', 'utf-8', true],
    ['SUBJECT grün', 'gr\xfcn', 'utf-16', true],
    ['SUBJECT grün', 'gr\xfcn', 'nobody-knows', true],
    ['SUBJECT grün', 'gr\xc3\xbcn', 'windows-1251', true],
    ['SUBJECT grün', 'gr\xfcn', 'windows-1251', false],
  ];
  for (const [written, bytes, charset, found] of cases) {
    test(`${written} ${found ? 'finds' : 'does not find'} ${JSON.stringify(bytes)} before ${charset}`, async () => {
      const lines = [
        `Subject: ${bytes}`,
        `X-Title: ${bytes}`,
        `Content-Type: text/plain; charset=${charset}`,
        '',
        'x',
        '',
      ];
      const { candidate } = watched({}, Buffer.from(lines.join('\r\n'), 'latin1'));
      assert.equal(await planOf(written).matches(candidate), found);
    });
  }
});

describe('a message that leaves while it is looked at', () => {
  for (const written of ['BODY x', 'NOT BODY x', 'NOT HEADER X-Y ""', 'NOT TEXT x', 'OR BODY x NOT BODY x']) {
    test(`is not found by ${written}`, async () => {
      const { candidate } = watched({ content: async () => null });
      assert.equal(await planOf(written).matches(candidate), false);
    });
  }

  test('is no reason to hide that the storage is out of reach', async () => {
    const { candidate } = watched({ content: () => Promise.reject(new Error('out of reach')) });
    await assert.rejects(planOf('BODY x').matches(candidate), /out of reach/);
  });
});

test('5,000 generated searches find what a naive evaluation finds', async () => {
  const random = seededRandom(11);
  const leaves: [string, boolean][] = [
    ['SEEN', true],
    ['UNSEEN', false],
    ['UID 70', true],
    ['8', false],
    ['FROM juergen', true],
    ['HEADER X-Spam-Flag NO', false],
    ['BODY click', true],
    ['TEXT lottery', false],
  ];
  const generate = (depth: number): [string, boolean] => {
    if (depth === 0) return random.pick(leaves);
    const [a, b] = [generate(depth - 1), generate(random.between(0, depth - 1))];
    switch (random.between(0, 2)) {
      case 0:
        return [`NOT ${a[0]}`, !a[1]];
      case 1:
        return [`OR ${a[0]} ${b[0]}`, a[1] || b[1]];
      default:
        return [`(${a[0]} ${b[0]})`, a[1] && b[1]];
    }
  };
  const { candidate } = watched();
  for (let round = 0; round < 5000; round++) {
    const [written, expected] = generate(random.between(0, 4));
    assert.equal(await planOf(written).matches(candidate), expected, written);
  }
});
