// The header fields that mail programs list, and any others, as the raw lines that they are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FieldNames, HeaderCursor } from '../../../src/quarantine/reading/header-fields.ts';
import { selectHeaderFields } from '../../../src/quarantine/reading/select-header-fields.ts';
import { checkedReading, message } from './checked-reading.ts';

const raw = message(
  'Received: from a',
  '\tby b',
  'X-Spam: yes',
  'subject : one',
  'no field at all',
  'From: a@b\r',
  'SUBJECT: two\xe4\0',
  ' more',
  'References: <x@y>',
  '',
  'From: in the body',
  '',
);

describe('the listed header', () => {
  test('holds the wanted lines in order, untouched, and an empty line', () => {
    assert.equal(
      checkedReading(raw).listHeader,
      'Received: from a\r\n\tby b\r\nsubject : one\r\nFrom: a@b\r\r\nSUBJECT: two\xe4\0\r\n more\r\nReferences: <x@y>\r\n\r\n',
    );
  });

  test('keeps LF where the message has it, and ends with CRLF as the reply does', () => {
    assert.equal(checkedReading(Buffer.from('A: b\nSubject: x\n y\n\nbody')).listHeader, 'Subject: x\n y\n\r\n');
  });

  test('ends its last line when the message was cut off there', () => {
    assert.equal(checkedReading(Buffer.from('Subject: x')).listHeader, 'Subject: x\r\n\r\n');
  });

  test('is an empty line when there is nothing to list', () => {
    for (const text of ['', '\r\n', 'X: y\r\n\r\nSubject: x', 'Subject\r\n\r\n', 'Subjects: x\r\n\r\n']) {
      assert.equal(checkedReading(Buffer.from(text)).listHeader, '\r\n', JSON.stringify(text));
    }
  });

  test('has the fields that Thunderbird asks for', () => {
    const fields =
      'From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To Received';
    const lines = fields.split(' ').map((name) => `${name}: x`);
    const all = message('X-Other: x', ...lines, 'X-Another: x', '', '');
    assert.equal(checkedReading(all).listHeader, message(...lines, '', '').toString());
  });
});

describe('selected header fields', () => {
  const select = (names: string[], not = false): string => {
    const end = checkedReading(raw).headerBytes;
    return selectHeaderFields(raw, { start: 0, end, names: new FieldNames(names), not }).toString('latin1');
  };

  test('are asked for in any case', () => {
    assert.equal(select(['x-SPAM', 'From']), 'X-Spam: yes\r\nFrom: a@b\r\r\n\r\n');
  });

  test('are all but the named ones for HEADER.FIELDS.NOT, lines that are no field included', () => {
    assert.equal(
      select(['received', 'subject', 'from'], true),
      'X-Spam: yes\r\nno field at all\r\nReferences: <x@y>\r\n\r\n',
    );
  });

  test('are found among thousands of names without a look at each of them', (context) => {
    const looks = context.mock.method(HeaderCursor.prototype, 'isNamed');
    const names = Array.from({ length: 3000 }, (_, i) => `X-${1000 + i}`);
    const header = message(...Array.from({ length: 1000 }, (_, i) => `x-${3500 + i}: y`), 'X-35\xc90: y', '');
    const selected = selectHeaderFields(header, { start: 0, end: header.length, names: new FieldNames(names) });
    const found = names.slice(2500).map((name) => `${name.toLowerCase()}: y`);
    assert.equal(selected.toString(), message(...found, '', '').toString());
    assert.ok(looks.mock.callCount() < 20_000, `${looks.mock.callCount()}`);
  });

  test('both together are the header', () => {
    const both = select(['subject', 'x-spam']).length + select(['subject', 'x-spam'], true).length;
    assert.equal(both, checkedReading(raw).headerBytes + 2, 'one empty line more');
  });
});
