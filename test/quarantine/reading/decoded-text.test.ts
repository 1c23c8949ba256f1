import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodedHeader, decodedText } from '../../../src/quarantine/reading/decoded-text.ts';
import { readMessage } from '../../../src/quarantine/reading/read-message.ts';

const crlf = (...lines: string[]): string => lines.join('\r\n');

interface Decoded {
  text: string | null;
  /** Bytes that were asked for. */
  read: number;
  requests: number;
}

async function decode(raw: string | Buffer): Promise<Decoded> {
  const bytes = typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw;
  const decoded: Decoded = { text: null, read: 0, requests: 0 };
  decoded.text = await decodedText(readMessage(bytes), async (start, end) => {
    decoded.read += end - start;
    decoded.requests++;
    return bytes.subarray(start, end);
  });
  return decoded;
}

const part = (type: string, encoding: string, body: string, ...headers: string[]): string =>
  crlf('--B', `Content-Type: ${type}`, `Content-Transfer-Encoding: ${encoding}`, ...headers, '', body, '');
const multipart = (...parts: string[]): string =>
  crlf('Content-Type: multipart/mixed; boundary=B', '', `${parts.join('')}--B--`, '');

describe('the text of a message is', () => {
  const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
  const table: [string, string, RegExp, RegExp | null][] = [
    ['its body', 'Subject: head\r\n\r\nHello', /^\s*Hello$/, /head/],
    ['its body, in raw UTF-8', `A: b\r\n\r\n${utf8('grün')}`, /grün/, null],
    ['its body, in undeclared Latin-1', 'A: b\r\n\r\ngr\xfcn', /grün/, null],
    [
      'quoted-printable undone, over soft line breaks',
      crlf(
        'Content-Type: text/plain; charset=iso-8859-1',
        'Content-Transfer-Encoding: Quoted-Printable',
        '',
        'gr=FC=',
        'n',
      ),
      /grün/,
      /=FC/,
    ],
    [
      'base64 undone, over lines',
      crlf('Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: BASE64', '', '5pel5pys', '6Kqe', ''),
      /日本語/,
      null,
    ],
    [
      'HTML without tags, styles and scripts',
      crlf(
        'Content-Type: text/html',
        '',
        '<style>p{x}</style><p>one<b>two</b></p><p>three &amp; fo&uuml;r</p><script>s</script>',
      ),
      /onetwo\s+three & foür/,
      /<|p\{x\}/,
    ],
    [
      'where the links and pictures of HTML lead',
      crlf(
        'Content-Type: text/html',
        '',
        `<a class=x HREF = "https://evil.example/?a=1&amp;b=2">bank</a><img src='cid:logo'><form action=//post.example/in>`,
      ),
      /bank[\s\S]*https:\/\/evil\.example\/\?a=1&b=2\ncid:logo\n\/\/post\.example\/in$/,
      /class|<|"/,
    ],
    [
      'all of its text parts and no others',
      multipart(
        part('text/plain', '7bit', 'first'),
        part('image/png', 'base64', Buffer.from('inside a picture').toString('base64')),
        part('text/calendar', 'base64', Buffer.from('SUMMARY:meeting').toString('base64')),
      ),
      /first[\s\S]*SUMMARY:meeting/,
      /picture/,
    ],
    [
      'also the names of attachments',
      multipart(
        part('text/plain', '7bit', 'first'),
        part(
          'application/pdf',
          'base64',
          'AAAA',
          'Content-Disposition: attachment; filename="=?utf-8?q?Rechnung_f=C3=BCr_dich.pdf?="',
        ),
      ),
      /Rechnung für dich\.pdf/,
      null,
    ],
    [
      'also what an embedded message says, with its header',
      multipart(
        part(
          'message/rfc822',
          '7bit',
          crlf('Subject: =?iso-8859-1?q?gr=FC?=', ' =?iso-8859-1?q?n?=', '', 'inner words'),
        ),
      ),
      /Subject: grün[\s\S]*inner words/,
      null,
    ],
    ['nothing for an empty message', '', /^$/, null],
    ['nothing for a header alone', 'Subject: x\r\n', /^\s*$/, null],
    [
      'readable in spite of broken base64',
      crlf('Content-Type: text/plain', 'Content-Transfer-Encoding: base64', '', 'aGVs*bG8'),
      /hello/,
      null,
    ],
    [
      'readable in spite of an unknown charset',
      crlf('Content-Type: text/plain; charset=x-klingon', '', 'Qapla'),
      /Qapla/,
      null,
    ],
  ];
  for (const [what, raw, expected, absent] of table) {
    test(what, async () => {
      const { text } = await decode(raw);
      assert.match(text ?? '', expected);
      if (absent) assert.doesNotMatch(text ?? '', absent);
    });
  }

  test('gone when the content is', async () => {
    const raw = Buffer.from('A: b\r\n\r\nbody');
    assert.equal(await decodedText(readMessage(raw), async () => null), null);
    const two = Buffer.from(multipart(part('text/plain', '7bit', 'a'), part('text/plain', '7bit', 'b')));
    assert.equal(await decodedText(readMessage(two), async () => null), null);
  });
});

describe('looking for text stays cheap', () => {
  test('an attachment of 5 MB before and after the text is not read', async () => {
    const attachment = part('application/zip', 'base64', `${'A'.repeat(76)}\r\n`.repeat(70_000));
    const { text, read } = await decode(multipart(attachment, part('text/plain', '7bit', 'the text'), attachment));
    assert.match(text ?? '', /the text/);
    assert.ok(read < 1000, `${read} bytes read`);
  });

  test('text parts side by side are read at once', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => part('text/plain', '7bit', `number ${i}.`));
    const { text, requests } = await decode(multipart(...texts));
    assert.match(text ?? '', /number 199\./);
    assert.equal(requests, 1);
  });

  test('no more than 2 MB of a message are decoded, cut without harm', async () => {
    const cyrillic = Buffer.from('ж'.repeat(2_000_000), 'utf8');
    const raw = Buffer.concat([Buffer.from('Content-Type: text/plain; charset=utf-8\r\n\r\nx'), cyrillic]);
    const { text, read } = await decode(raw);
    assert.ok(read <= 2 * 1024 * 1024);
    assert.match(text ?? '', /^\s*xж+$/);
  });

  test('bodies made to be slow are not', async () => {
    const size = 1_000_000;
    const bodies = [
      '=',
      '<',
      '<!--',
      '<style>',
      '&',
      '&#',
      '=?',
      '\r',
      '\0',
      ' ',
      '=\r\n',
      '<a ',
      'href="',
      'href=         ',
      '\xff',
    ];
    for (const type of ['text/plain', 'text/html; charset=utf-8']) {
      for (const encoding of ['7bit', 'quoted-printable', 'base64']) {
        for (const body of bodies) {
          const raw = crlf(
            `Content-Type: ${type}`,
            `Content-Transfer-Encoding: ${encoding}`,
            '',
            body.repeat(size / body.length),
          );
          const startedAt = process.cpuUsage();
          await decode(raw);
          assert.ok(process.cpuUsage(startedAt).user < 3_000_000, `${type} ${encoding} ${JSON.stringify(body)}`);
        }
      }
    }
  });
});

test('a header is decoded line by line', () => {
  const header =
    'Subject: =?utf-8?q?gr=C3=BC?=\r\n =?utf-8?q?n?= and\r\n\tred\r\nFrom: =?utf-8?q?A?=\r\nTo: =?utf-8?q?B?=\r\n\r\n';
  assert.equal(decodedHeader(Buffer.from(header)), 'Subject: grün and\tred\r\nFrom: A\r\nTo: B\r\n\r\n');
});
