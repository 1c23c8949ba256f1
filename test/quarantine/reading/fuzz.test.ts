// Damaged messages: a few good ones, mutated in every way that mail gets damaged, from a fixed seed. Every reading is
// held against the bytes; a failure names the seed that brings it back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvidence } from '../../../src/quarantine/reading/evidence.ts';
import { removeClientLines } from '../../../src/quarantine/reading/client-lines.ts';
import { type SeededRandom, seededRandom } from '../../helpers/seeded-random.ts';
import { checkedReading, message } from './checked-reading.ts';

const ROUNDS = 3000;

const seeds = [
  message(
    'Received: from a by filter.example',
    'X-Spam-Status: Yes, score=5 tests=A,B',
    'From: "A. B" <a@b> (c), g: d@e;',
    'To: =?utf-8?Q?=C3=A4?= <x@y>',
    'Subject: =?utf-8?B?w6Q=?= =?iso-2022-jp?B?GyRCRnwbKEI=?=',
    'Date: Mon, 1 Jan 2024 10:00:00 +0100',
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    'preamble',
    '--b',
    'Content-Type: multipart/alternative; boundary=bb',
    '',
    '--bb',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Gr=C3=BC=',
    '=C3=9Fe',
    '--bb',
    'Content-Type: text/html',
    '',
    '<p>&auml;<style>x</style></p>',
    '--bb--',
    '--b',
    "Content-Type: application/zip; name*0*=utf-8''%c3%a4; name*1=.zip",
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="a.zip"',
    '',
    'UEsDBAoAAAAA',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'From: c@d',
    'Content-Type: multipart/digest; boundary=dd',
    '',
    '--dd',
    '',
    'Subject: deep',
    '',
    'hi',
    '--dd--',
    '--b--',
    'epilogue',
    '',
  ),
  message('X-Mozilla-Status: 1', 'Subject: x', ' y', '', 'body', ''),
  message('Content-Type: message/rfc822', '', 'Content-Type: message/rfc822', '', 'Subject: x', '', 'text'),
];
const pieces = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '--b',
  '--bb--',
  '--',
  '"',
  '(',
  ')',
  '<',
  '>',
  ',',
  ';',
  ':',
  '@',
  '=?',
  '\0',
  '\xff',
  '\\',
  ' ',
  '*',
  'Content-Type: ',
  'multipart/mixed; boundary=b',
  'message/rfc822',
];

function mutate(random: SeededRandom, raw: Buffer): Buffer {
  const at = random.between(0, raw.length);
  const to = random.between(at, Math.min(raw.length, at + 60));
  const [before, middle, after] = [raw.subarray(0, at), raw.subarray(at, to), raw.subarray(to)];
  switch (random.between(0, 6)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, middle, middle, after]);
    case 2:
      return Buffer.concat([before, Buffer.from(random.pick(pieces), 'latin1'), middle, after]);
    case 3:
      return Buffer.concat([before, Buffer.from([random.between(0, 255)]), raw.subarray(at + 1)]);
    case 4:
      return Buffer.from(raw.toString('latin1').replaceAll('\r\n', random.pick(['\n', '\r\n', '\n\r'])), 'latin1');
    case 5:
      return Buffer.concat([before, after, middle]);
    default:
      return random.between(0, 3) === 0 ? before : Buffer.concat([before, raw]);
  }
}

test(`${ROUNDS} damaged messages are read, and every reading fits its bytes`, () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = seededRandom(seed);
    let raw = random.pick(seeds);
    for (let times = random.between(1, 12); times > 0; times--) raw = mutate(random, raw);
    const limits =
      seed % 4 === 0 ? { depth: 2, parts: 4, addresses: 2, headerFields: 3, parameters: 1, wireBytes: 200 } : {};
    try {
      const reading = checkedReading(raw, limits);
      for (const { type } of reading.parts) kinds.add(type);
      readEvidence(raw, reading, ['filter.example']);
      removeClientLines(raw);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${JSON.stringify(raw.toString('latin1'))}`, { cause });
    }
  }
  for (const kind of ['multipart/alternative', 'message/rfc822', 'application/octet-stream', 'text/html']) {
    assert.ok(kinds.has(kind), `${kind} survived often enough to be tested`);
  }
});
