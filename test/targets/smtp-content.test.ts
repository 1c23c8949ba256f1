// A released copy is the original: to the byte, with one header line on top and CRLF where SMTP needs it. Whatever the bytes are.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SmtpTarget } from '../../src/targets/smtp.ts';
import { type FarEnd, startFarEnd } from '../helpers/far-end.ts';
import { attemptTo, traceLine } from './delivery.ts';

let pipelined: FarEnd;
let lmtp: FarEnd;
const target = new SmtpTarget();

before(async () => {
  pipelined = await startFarEnd();
  lmtp = await startFarEnd({ protocol: 'lmtp', tls: 'starttls', extensions: ['8BITMIME', 'SIZE'] });
});
after(async () => {
  await target.close();
  await Promise.all([pipelined.close(), lmtp.close()]);
});

/** What must arrive, said independently of how it is done. */
function onTheWire(content: Buffer): Buffer {
  const text = content.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n');
  return Buffer.concat([traceLine, Buffer.from(text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1')]);
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The same bytes in every run: line ends, dots and a letter in all orders, across the borders of what is read at once. */
function jumble(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 42;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = '\r\n.a'.charCodeAt((state >>> 16) % 4);
  }
  return bytes;
}

const header = 'From: a@example.net\r\nSubject: x\r\n\r\n';
const contents: Record<string, Buffer> = {
  'an ordinary message': Buffer.from(`${header}Hello.\r\n`),
  'a message without any header': Buffer.from('just words\r\n'),
  'an empty message': Buffer.alloc(0),
  'a message that begins with an empty line': Buffer.from('\r\nbody\r\n'),
  'a message that ends without a line end': Buffer.from(`${header}no end`),
  'a message that ends with a bare CR': Buffer.from(`${header}end\r`),
  'a message that ends with a bare LF': Buffer.from(`${header}end\n`),
  'a message that ends with half a final dot': Buffer.from(`${header}end\r\n.`),
  'NUL bytes': Buffer.from(`${header}a\u0000b\u0000\u0000\r\n\u0000`),
  '8-bit bytes that are no UTF-8': Buffer.concat([
    Buffer.from(header),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  ]),
  'raw 8-bit headers': Buffer.from('Subject: gr\xfcn\r\n\r\nx\r\n', 'latin1'),
  'lines of 100,000 characters': Buffer.from(`${header}${'x'.repeat(100_000)}\r\n.${'y'.repeat(100_000)}\r\n`),
  'dots at the beginning of lines': Buffer.from(`${header}.\r\n..\r\n...\r\n.a\r\n\r\n.\r\n`),
  'a dot alone on a line, with bare line ends around it': Buffer.from(`${header}a\n.\nb\r.\rc\r\n.\nd\n.\r\ne\r.\r\n`),
  'commands after what looks like the end': Buffer.from(`${header}\n.\nMAIL FROM:<eve@example.com>\r\n`),
  'bare line ends': Buffer.from('a: b\nc: d\r\rbody\n\n\rmore\r\r\n\n\r\n'),
  'a first line that begins with a dot': Buffer.from('.first\r\n'),
  '1 MB of bare CRs': Buffer.alloc(1_000_000, '\r'),
  'all orders of CR, LF, dot and letter': jumble(300_000),
  '5 MB': Buffer.concat([Buffer.from(header), Buffer.alloc(5_000_000, 'attachment line 0123456789\r\n')]),
};

for (const [name, content] of Object.entries(contents)) {
  test(`${name}: arrives as it is, over SMTP and LMTP`, async () => {
    const expected = onTheWire(content);
    const before = Buffer.from(content);
    for (const farEnd of [pipelined, lmtp]) {
      const [outcome] = await target.deliver(attemptTo(farEnd.url, { content }));
      assert.equal(outcome?.outcome, 'accepted');
      const received = await farEnd.nextReceived();
      assert.equal(received.content.length, expected.length);
      // Digests, because a difference of 5 MB is nothing to print.
      assert.equal(digestOf(received.content), digestOf(expected));
      assert.ok(received.mailLine.endsWith(` SIZE=${expected.length}`), received.mailLine);
      const isEightBit = content.some((byte) => byte > 127);
      assert.equal(received.mailLine.includes(' BODY=8BITMIME'), isEightBit);
    }
    assert.ok(before.equals(content), 'the content itself is left alone');
  });
}

test('a far end without 8BITMIME gets 8-bit bytes as they are, because nothing may be re-encoded', async (t) => {
  const farEnd = await startFarEnd({ extensions: [] });
  t.after(() => farEnd.close());
  const content = Buffer.from(`${header}\xe4\xf6\xfc\r\n`, 'latin1');
  await target.deliver(attemptTo(farEnd.url, { content }));
  const received = await farEnd.nextReceived();
  assert.deepEqual(received.content, onTheWire(content));
  assert.equal(received.mailLine, 'MAIL FROM:<sender@example.net>');
});
