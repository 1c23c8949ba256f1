// Which bytes answer BODY[1.2], BODY[1.2.MIME] and the like. `checkedReading` holds every reading against the bytes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodyOf, checkedReading, message, partOf, slice } from './checked-reading.ts';

const paths = (raw: Buffer): string[] => checkedReading(raw).parts.map(({ path, type }) => `${path} ${type}`);

describe('part numbers', () => {
  const example = message(
    'Content-Type: multipart/mixed; boundary=a',
    '',
    '--a',
    '',
    'part 1',
    '--a',
    'Content-Type: application/octet-stream',
    '',
    'part 2',
    '--a',
    'Content-Type: message/rfc822',
    '',
    'Subject: part 3',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'part 3.1',
    '--b',
    'Content-Type: application/octet-stream',
    '',
    'part 3.2',
    '--b--',
    '--a',
    'Content-Type: multipart/mixed; boundary=c',
    '',
    '--c',
    'Content-Type: image/gif',
    '',
    'part 4.1',
    '--c',
    'Content-Type: message/rfc822',
    '',
    'Subject: part 4.2',
    'Content-Type: multipart/mixed; boundary=d',
    '',
    '--d',
    '',
    'part 4.2.1',
    '--d',
    'Content-Type: multipart/alternative; boundary=e',
    '',
    '--e',
    '',
    'part 4.2.2.1',
    '--e',
    'Content-Type: text/richtext',
    '',
    'part 4.2.2.2',
    '--e--',
    '--d--',
    '--c--',
    '--a--',
    '',
  );

  test('are those of the example in RFC 9051 section 6.4.5.1', () => {
    assert.deepEqual(paths(example), [
      '1 text/plain',
      '2 application/octet-stream',
      '3 message/rfc822',
      '3.1 text/plain',
      '3.2 application/octet-stream',
      '4 multipart/mixed',
      '4.1 image/gif',
      '4.2 message/rfc822',
      '4.2.1 text/plain',
      '4.2.2 multipart/alternative',
      '4.2.2.1 text/plain',
      '4.2.2.2 text/richtext',
    ]);
  });

  test('lead to the bytes of each part', () => {
    const reading = checkedReading(example);
    for (const { path, type } of reading.parts) {
      if (/^(text|image|application)\//.test(type)) assert.equal(bodyOf(example, reading, path), `part ${path}`);
    }
    const gif = partOf(reading, '4.1');
    assert.equal(slice(example, gif.headerStart, gif.headerEnd), 'Content-Type: image/gif\r\n\r\n');
    const inner = partOf(reading, '3').embedded;
    assert.ok(inner);
    assert.equal(
      slice(example, inner.headerStart, inner.headerEnd),
      'Subject: part 3\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n',
      'BODY[3.HEADER]',
    );
    assert.equal(
      slice(example, inner.bodyStart, inner.bodyEnd),
      '--b\r\n\r\npart 3.1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\npart 3.2\r\n--b--',
      'BODY[3.TEXT]',
    );
    assert.ok(bodyOf(example, reading, '4').startsWith('--c\r\n'), 'BODY[4] is the multipart with its boundary lines');
  });

  test('begin with 1 for the body of a message that is no multipart', () => {
    const raw = message('Content-Type: text/html', 'Subject: x', '', '<p>');
    const reading = checkedReading(raw);
    assert.deepEqual(paths(raw), ['1 text/html']);
    assert.equal(bodyOf(raw, reading, '1'), '<p>');
    assert.equal(partOf(reading, '1').headerEnd, reading.headerBytes);
  });

  test('go one level down for each message in a message', () => {
    const raw = message('Content-Type: message/rfc822', '', 'Content-Type: message/rfc822', '', 'Subject: x', '', 'hi');
    assert.deepEqual(paths(raw), ['1 message/rfc822', '1.1 message/rfc822', '1.1.1 text/plain']);
    assert.equal(bodyOf(raw, checkedReading(raw), '1.1.1'), 'hi');
  });

  test('say encoding and charset in lower case', () => {
    const raw = message('Content-Type: text/plain; Charset="UTF-8"', 'Content-Transfer-Encoding: Base64', '', 'aGk=');
    const { encoding, charset } = partOf(checkedReading(raw), '1');
    assert.deepEqual({ encoding, charset }, { encoding: 'base64', charset: 'utf-8' });
  });
});

describe('boundary lines', () => {
  const multipart = (boundary: string, ...lines: string[]): Buffer =>
    message(`Content-Type: multipart/mixed; boundary="${boundary}"`, '', ...lines);
  const bodies = (raw: Buffer): string[] => {
    const reading = checkedReading(raw);
    return reading.parts.filter((part) => !part.type.startsWith('multipart/')).map((p) => bodyOf(raw, reading, p.path));
  };

  test('may stand at the very beginning of the body', () => {
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '--b--')), ['one']);
  });

  test('take the line end before them, and no other', () => {
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '', '--b', '', '', '--b--')), ['one\r\n', '']);
  });

  test('may be followed by white space, or by anything', () => {
    assert.deepEqual(bodies(multipart('b', '--b \t', '', 'one', '--b x', '', 'two', '--b--</html>')), ['one', 'two']);
  });

  test('count only at the beginning of a line', () => {
    assert.deepEqual(bodies(multipart('b', '--b', '', 'a --b', ' --b', '-b', '- -b', '--b--')), [
      'a --b\r\n --b\r\n-b\r\n- -b',
    ]);
  });

  test('end in LF as well as in CRLF, never in CR', () => {
    const raw = Buffer.from('Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\r--b\rx\n--b\n\ntwo\r\n--b--\n');
    assert.deepEqual(bodies(raw), ['one\r--b\rx', 'two']);
  });

  test('are told apart when one is the beginning of another', () => {
    const raw = message(
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: multipart/mixed; boundary=bb',
      '',
      '--bb',
      '',
      'one',
      '--bb',
      '',
      'two',
      '--bb--',
      '--b',
      '',
      'three',
      '--b--',
    );
    assert.deepEqual(paths(raw), ['1 multipart/mixed', '1.1 text/plain', '1.2 text/plain', '2 text/plain']);
    assert.deepEqual(bodies(raw), ['one', 'two', 'three']);
  });

  test('are told apart when the inner one is the shorter', () => {
    const raw = multipart(
      'bb',
      '--bb',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      '',
      'x',
      '--bb',
      '',
      'y',
    );
    assert.deepEqual(paths(raw), ['1 multipart/mixed', '1.1 text/plain', '2 text/plain']);
  });

  test('belong to the innermost multipart when two use the same boundary', () => {
    const inner = ['Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'x', '--b--'];
    assert.deepEqual(paths(multipart('b', '--b', ...inner, '--b', '', 'y', '--b--')), [
      '1 multipart/mixed',
      '1.1 text/plain',
      '2 text/plain',
    ]);
  });

  test('may end in two dashes themselves', () => {
    assert.deepEqual(bodies(multipart('b--', '--b--', '', 'one', '--b--', '', 'two', '--b----')), ['one', 'two']);
    const nested = multipart(
      'b',
      '--b',
      'Content-Type: multipart/mixed; boundary=b--',
      '',
      '--b--',
      '',
      'x',
      '--b----',
    );
    assert.deepEqual(paths(nested), ['1 multipart/mixed', '1.1 text/plain']);
    const outer = multipart(
      'b--',
      '--b--',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      '',
      'x',
      '--b--',
      'y',
    );
    assert.deepEqual(paths(outer), ['1 multipart/mixed', '1.1 text/plain'], '--b-- closes the inner b');
  });

  test('of an outer multipart end an inner one that was never closed', () => {
    const inner = ['Content-Type: multipart/mixed; boundary=i', '', '--i', '', 'x'];
    const raw = multipart('o', '--o', ...inner, '--o', '', 'y', '--o--', '--i', '', 'late');
    assert.deepEqual(paths(raw), ['1 multipart/mixed', '1.1 text/plain', '2 text/plain']);
    assert.deepEqual(bodies(raw), ['x', 'y']);
  });

  test('end a message in a message', () => {
    const raw = multipart(
      'o',
      '--o',
      'Content-Type: message/rfc822',
      '',
      'Subject: x',
      '',
      'hi',
      '--o',
      '',
      'y',
      '--o--',
    );
    assert.deepEqual(paths(raw), ['1 message/rfc822', '1.1 text/plain', '2 text/plain']);
  });

  test('end a header too', () => {
    const raw = multipart('b', '--b', 'Content-Type: text/html', '--b', '--b', 'Content-Type: message/rfc822', '--b--');
    assert.deepEqual(paths(raw), ['1 text/html', '2 text/plain', '3 message/rfc822', '3.1 text/plain']);
    const reading = checkedReading(raw);
    const first = partOf(reading, '1');
    assert.equal(slice(raw, first.headerStart, first.headerEnd), 'Content-Type: text/html');
    assert.deepEqual(
      reading.parts.map((part) => part.bodyEnd - part.bodyStart),
      [0, 0, 0, 0],
    );
  });

  test('need not close: a cut-off message keeps the parts that it has', () => {
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '--b', '', 'tw')), ['one', 'tw']);
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '--b', 'Content-Ty')), ['one', '']);
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '--b')), ['one']);
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '--b', '')), ['one']);
    assert.deepEqual(bodies(multipart('b', '--b', '', 'one', '--')), ['one\r\n--']);
  });

  for (const length of [1, 70, 500, 1000]) {
    test(`work with a boundary of ${length} characters`, () => {
      const boundary = 'x'.repeat(length);
      assert.deepEqual(bodies(multipart(boundary, `--${boundary}`, '', 'one', `--${boundary}--`)), ['one']);
    });
  }

  test('of 0 or 10,000 characters are none: the message is shown as text', () => {
    const empty = checkedReading(multipart('', '--', '', 'one', '----'));
    assert.deepEqual(
      empty.parts.map((part) => part.type),
      ['text/plain'],
    );
    assert.equal(empty.analysis, 'complete');
    const boundary = 'x'.repeat(10_000);
    const huge = checkedReading(multipart(boundary, `--${boundary}`, '', 'one', `--${boundary}--`));
    assert.deepEqual(
      huge.parts.map((part) => part.type),
      ['text/plain'],
    );
    assert.equal(huge.analysis, 'limited');
  });
});
