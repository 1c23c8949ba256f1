import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLine } from '../../src/imap/arguments.ts';
import { cutRange, locateSection, selectFields } from '../../src/imap/body-section.ts';
import type { BodySection } from '../../src/imap/body-section.ts';
import { parseFetchItems } from '../../src/imap/fetch-items.ts';
import { LIST_HEADER_FIELDS } from '../../src/quarantine/reading/list-header.ts';
import { readMessage } from '../../src/quarantine/reading/read-message.ts';

function sectionOf(written: string): BodySection {
  const [item] = parseFetchItems(parseLine(`a X BODY.PEEK[${written}]`, []).args, false);
  assert.ok(item?.kind === 'section');
  return item.section;
}

/** What a client gets for BODY[written]; null is NIL. */
function valueOf(raw: Buffer, written: string): string | null {
  const section = sectionOf(written);
  const source = locateSection(readMessage(raw), section);
  switch (source.from) {
    case 'nowhere':
      return null;
    case 'reading':
      return source.bytes;
    case 'content':
      return raw.toString('latin1', source.start, source.end);
    case 'header':
      return selectFields(raw.subarray(source.start, source.end), section).toString('latin1');
  }
}

const crlf = (...lines: string[]): string => lines.join('\r\n');
const inner = crlf('Subject: inner', 'From: <i@example.com>', '', 'inner text', '');
const message = Buffer.from(
  crlf(
    'Received: from a',
    '\tby b',
    'Subject: outer',
    'From: <o@example.com>',
    'X-Spam-Flag: YES',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=B',
    '',
    'preamble',
    '--B',
    'Content-Type: text/plain',
    'X-Part: one',
    '',
    'first part',
    '--B',
    'Content-Type: message/rfc822',
    '',
    inner,
    '--B',
    'Content-Type: multipart/alternative; boundary=C',
    '',
    '--C',
    '',
    'plain',
    '--C',
    'Content-Type: text/html',
    '',
    '<b>html</b>',
    '--C--',
    '--B--',
    '',
  ),
  'latin1',
);
const headerEnd = message.indexOf('\r\n\r\n') + 4;

describe('BODY[…] of a message with parts', () => {
  const table: [string, string | null][] = [
    ['', message.toString('latin1')],
    ['HEADER', message.toString('latin1', 0, headerEnd)],
    ['TEXT', message.toString('latin1', headerEnd)],
    ['1', 'first part'],
    ['1.MIME', 'Content-Type: text/plain\r\nX-Part: one\r\n\r\n'],
    ['1.HEADER', null],
    ['1.TEXT', null],
    ['1.HEADER.FIELDS (X-Part)', null],
    ['1.1', null],
    ['2', inner],
    ['2.MIME', 'Content-Type: message/rfc822\r\n\r\n'],
    ['2.HEADER', 'Subject: inner\r\nFrom: <i@example.com>\r\n\r\n'],
    ['2.TEXT', 'inner text\r\n'],
    ['2.1', 'inner text\r\n'],
    ['2.HEADER.FIELDS (subject)', 'Subject: inner\r\n\r\n'],
    ['2.HEADER.FIELDS.NOT (subject)', 'From: <i@example.com>\r\n\r\n'],
    ['2.2', null],
    ['3', '--C\r\n\r\nplain\r\n--C\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n--C--'],
    ['3.1', 'plain'],
    ['3.1.MIME', '\r\n'],
    ['3.2', '<b>html</b>'],
    ['3.TEXT', null],
    ['4', null],
    ['4294967295.1', null],
    ['HEADER.FIELDS (SUBJECT)', 'Subject: outer\r\n\r\n'],
    ['HEADER.FIELDS (X-Spam-Flag Subject)', 'Subject: outer\r\nX-Spam-Flag: YES\r\n\r\n'],
    ['HEADER.FIELDS (received)', 'Received: from a\r\n\tby b\r\n\r\n'],
    ['HEADER.FIELDS (X-None)', '\r\n'],
    ['HEADER.FIELDS (Subject X)', 'Subject: outer\r\n\r\n'],
    ['HEADER.FIELDS.NOT (Received From MIME-Version Content-Type)', 'Subject: outer\r\nX-Spam-Flag: YES\r\n\r\n'],
    ['HEADER.FIELDS.NOT (X)', message.toString('latin1', 0, headerEnd)],
  ];
  for (const [written, expected] of table) {
    test(`BODY[${written}]`, () => assert.equal(valueOf(message, written), expected));
  }
});

describe('a message without structure', () => {
  const table: [string, string, string, string | null][] = [
    ['plain', 'A: 1\r\n\r\nbody', '1', 'body'],
    ['plain', 'A: 1\r\n\r\nbody', '1.MIME', 'A: 1\r\n\r\n'],
    ['plain', 'A: 1\r\n\r\nbody', '2', null],
    ['empty', '', '', ''],
    ['empty', '', 'HEADER', ''],
    ['empty', '', 'TEXT', ''],
    ['empty', '', 'HEADER.FIELDS (From)', '\r\n'],
    ['empty', '', 'HEADER.FIELDS.NOT (From)', '\r\n'],
    ['without a header', '\r\nbody', 'HEADER', '\r\n'],
    ['without a header', '\r\nbody', 'HEADER.FIELDS (X)', '\r\n'],
    ['without a body', 'X: 1\r\nB: 2', 'HEADER', 'X: 1\r\nB: 2'],
    ['without a body', 'X: 1\r\nB: 2', 'HEADER.FIELDS (b)', 'B: 2\r\n\r\n'],
    ['without a body', 'X: 1\r\nB: 2', 'TEXT', ''],
    ['with bare LF', 'A: 1\nB: 2\n\nbody', 'HEADER.FIELDS (A)', 'A: 1\n\r\n'],
    ['with bare LF', 'A: 1\nB: 2\n\nbody', 'TEXT', 'body'],
    ['with a broken line', 'A: 1\r\nno field\r\nB: 2\r\n\r\n', 'HEADER.FIELDS.NOT (A)', 'no field\r\nB: 2\r\n\r\n'],
    ['with a blank before the colon', 'Sub ject: no\r\nX : 1\r\n\r\n', 'HEADER.FIELDS (X)', 'X : 1\r\n\r\n'],
  ];
  for (const [what, raw, written, expected] of table) {
    test(`${what}: BODY[${written}]`, () => assert.equal(valueOf(Buffer.from(raw, 'latin1'), written), expected));
  }
});

describe('the header fields that mail programs list', () => {
  const asked = (...fields: string[]): ReturnType<typeof locateSection> =>
    locateSection(readMessage(message), sectionOf(`HEADER.FIELDS (${fields.join(' ')})`));

  test('come from what was stored, in any order and case, with the bytes that the content has', () => {
    const source = asked(...LIST_HEADER_FIELDS.map((field) => field.toUpperCase()).reverse());
    assert.equal(source.from, 'reading');
    assert.equal(
      valueOf(message, `HEADER.FIELDS (${LIST_HEADER_FIELDS.join(' ')})`),
      selectFields(
        message.subarray(0, headerEnd),
        sectionOf(`HEADER.FIELDS (${LIST_HEADER_FIELDS.join(' ')})`),
      ).toString('latin1'),
    );
  });

  test('so does any part of them, and nothing that holds another field', () => {
    assert.deepEqual(asked('From', 'Subject'), {
      from: 'reading',
      bytes: 'Subject: outer\r\nFrom: <o@example.com>\r\n\r\n',
    });
    assert.equal(asked('From', 'Sender').from, 'header');
    assert.equal(asked('X-Spam-Flag').from, 'header');
  });

  test('come from the content when they were too large to be stored', () => {
    const reading = { ...readMessage(message), listHeader: null };
    assert.deepEqual(locateSection(reading, sectionOf('HEADER.FIELDS (From)')), {
      from: 'header',
      start: 0,
      end: headerEnd,
    });
  });
});

describe('<start.length>', () => {
  const table: [number, number, number, number][] = [
    [0, 10, 100, 110],
    [5, 10, 105, 115],
    [45, 10, 145, 150],
    [49, 1, 149, 150],
    [50, 10, 150, 150],
    [51, 10, 150, 150],
    [999_999_999_999_999, 999_999_999_999_999, 150, 150],
    [0, 999_999_999_999_999, 100, 150],
    [5, 0, 105, 105],
  ];
  for (const [start, length, from, to] of table) {
    test(`<${start}.${length}> of 50 bytes at 100 is ${from} to ${to}`, () => {
      assert.deepEqual(cutRange({ start: 100, end: 150 }, { start, length }), { start: from, end: to });
    });
  }

  test('is the whole when there is none', () => {
    assert.deepEqual(cutRange({ start: 100, end: 150 }, null), { start: 100, end: 150 });
  });
});

test('a header of 4 MB is filtered in one pass', () => {
  const header = Buffer.from(`${'X-Filler: value\r\n'.repeat(250_000)}Subject: last\r\n\r\n`, 'latin1');
  const section: BodySection = {
    part: [],
    what: 'HEADER.FIELDS',
    fields: [...Array.from({ length: 3000 }, (_, i) => `X-Other-${i}`), 'Subject'],
  };
  const startedAt = process.cpuUsage();
  assert.equal(selectFields(header, section).toString(), 'Subject: last\r\n\r\n');
  assert.ok(process.cpuUsage(startedAt).user < 2_000_000);
});
