// Lines and messages made to break a mail server, against the whole one: every line is answered or refused while somebody else is being
// served, and every message that was accepted comes back byte for byte, to the mail program and to the next hop.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RawImap } from '../helpers/raw-imap.ts';
import type { Reply } from '../helpers/raw-imap.ts';
import { password, sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';
import { readWireValue } from '../quarantine/reading/wire-value.ts';
import type { WireValue } from '../quarantine/reading/wire-value.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const options = { timeout: 60_000 };

/** Somebody else, who wants to be served all the time. */
async function isServed(other: RawImap): Promise<void> {
  const reply = await other.command('UID FETCH 1 (RFC822.SIZE)');
  assert.equal(reply.status, 'OK', reply.text);
  assert.match(reply.untagged.join(), /^\* 1 FETCH \(UID 1 RFC822\.SIZE \d+\)$/);
}

/** Sends the line, has the other one served, and only then looks for the answer. */
async function whileServing(other: RawImap, attacker: RawImap, line: string): Promise<Reply> {
  const tag = attacker.tag();
  attacker.write(`${tag} ${line}\r\n`);
  await isServed(other);
  const reply = await attacker.readReply(tag);
  await isServed(other);
  return reply;
}

const manyMessages = Array.from({ length: 15_000 }, (_, i) => i * 2 + 1).join(',');

const strangersLines: [line: string, status: string][] = [
  ['LOGIN NIL NIL', 'BAD'],
  ['ID ("name" NIL)', 'OK'],
  ['ID NIL', 'OK'],
  ['AUTHENTICATE PLAIN NIL', 'BAD'],
  ['AUTHENTICATE PLAIN AAAA', 'BAD'],
  ['LOGIN alice@example.com wrong', 'NO'],
  ['SELECT Caught', 'BAD'],
  ['NIL', 'BAD'],
  ['LOGIN {3000000000}', 'NO'],
];

const usersLines: [line: string, status: string][] = [
  ['SEARCH SUBJECT NIL', 'BAD'],
  ['SEARCH CHARSET NIL ALL', 'BAD'],
  [`SEARCH ${'NOT '.repeat(10_000)}ALL`, 'NO'],
  [`SEARCH ${'('.repeat(20_000)}ALL${')'.repeat(20_000)}`, 'BAD'],
  [`UID SEARCH ${manyMessages.slice(0, 60_000).replace(/,\d*$/, '')}`, 'OK'],
  ['FETCH 1 NIL', 'BAD'],
  ['FETCH NIL FLAGS', 'BAD'],
  ['FETCH 1 BODY[HEADER.FIELDS NIL]', 'BAD'],
  [`FETCH 1 BODY.PEEK[${'1.'.repeat(20_000)}1]`, 'OK'],
  ['FETCH 1 BODY.PEEK[]<4294967295.4294967295>', 'OK'],
  ['STORE 1 FLAGS NIL', 'BAD'],
  [`STORE 1 +FLAGS (${'a'.repeat(60_000)})`, 'BAD'],
  ['COPY 1 NIL', 'BAD'],
  ['APPEND NIL {3}', 'BAD'],
  ['APPEND Spam {4294967296}', 'NO'],
  ['LIST "" "*%*%*%*%*%*%*%*%x"', 'OK'],
  [`LIST "" "${'*%'.repeat(10_000)}x"`, 'OK'],
  ['STATUS Caught (NIL)', 'BAD'],
  ['\0\0\0', 'BAD'],
  ['é ü 漢字', 'BAD'],
];

describe('a line that kills or stalls other servers', () => {
  let server: TestServer;
  let other: RawImap;
  before(async () => {
    server = await startTestServer();
    await server.handIn(sampleMail('one'));
    other = await server.open('Caught', 'bob@example.com').then(() => server.open('Caught', 'global'));
  });
  after(() => server.close());

  for (const [line, status] of strangersLines) {
    it(`is answered ${status} before login, and others are served: ${line}`, options, async () => {
      const stranger = await RawImap.connect(server.port('IMAPS'));
      const reply = await whileServing(other, stranger, line);
      assert.equal(reply.status, status, reply.text);
      // It is still in step, and may yet log in.
      assert.equal((await stranger.login('alice@example.com', password)).status, 'OK');
      await stranger.close();
    });
  }

  for (const [line, status] of usersLines) {
    const shown = JSON.stringify(line.length > 60 ? `${line.slice(0, 50)}… (${line.length})` : line);
    it(`is answered ${status} after login, and others are served: ${shown}`, options, async () => {
      const user = await server.open('Caught');
      const reply = await whileServing(other, user, line);
      assert.equal(reply.status, status, reply.text.slice(0, 200));
      assert.ok(reply.text.length < 1000, 'the line is not thrown back at the client');
      await isServed(user);
      await user.close();
    });
  }

  it('is never a command that was put behind STARTTLS in clear', options, async () => {
    for (const injected of [`t2 LOGIN alice@example.com "${password}"`, 't2 NOOP', 't2 APPEND Spam {3+}\r\nabc']) {
      const plain = await RawImap.connect(server.port('IMAP'), { tls: 'none' });
      plain.write(`t1 STARTTLS\r\n${injected}\r\n`);
      await isServed(other);
      assert.match(await plain.read(), /^t1 OK/);
      await plain.startTls();
      const reply = await plain.command('CAPABILITY');
      assert.deepEqual([reply.status, reply.untagged.length], ['OK', 1], 'nothing was answered that came in clear');
      assert.match(reply.untagged[0] ?? '', /^\* CAPABILITY .*AUTH=PLAIN/, 'nobody is logged in');
      await plain.close();
    }
    assert.equal((await server.storage.find({ role: 'global' }, { which: 'all' })).length, 1);
  });

  it('is never the end of the process: half a command, half a handshake, a reset in the middle', options, async () => {
    const cut = await server.open('Caught');
    cut.write('t9 APPEND Spam {1000}\r\n');
    assert.match(await cut.read(), /^\+/);
    cut.write('abc');
    cut.socket.destroy();
    const garbage = await RawImap.connect(server.port('IMAP'), { tls: 'none' });
    garbage.write('t1 STARTTLS\r\n');
    await garbage.read();
    garbage.write('t2 LOGIN in clear\r\n');
    await garbage.closed;
    const slow = await server.open('Caught');
    slow.write(`${'t1 FETCH 1 BODY.PEEK[]\r\n'.repeat(500)}`);
    slow.socket.destroy();
    await once(slow.socket, 'close');
    await isServed(other);
    assert.deepEqual(
      server.logged.filter(({ level }) => level === 'error'),
      [],
    );
  });
});

const crlf = (...lines: string[]): string => `${lines.join('\r\n')}\r\n`;
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const beginning = ['From: attacker@remote.example', 'Subject: hostile', 'MIME-Version: 1.0'];

function multiparts(depth: number): Buffer {
  const lines = [...beginning];
  for (let i = 0; i < depth; i++) lines.push(`Content-Type: multipart/mixed; boundary=b${i}x`, '', `--b${i}x`);
  lines.push('', 'innermost');
  for (let i = depth - 1; i >= 0; i--) lines.push(`--b${i}x--`);
  return bytes(crlf(...lines));
}

function embedded(depth: number): Buffer {
  const level = [...beginning, 'Content-Type: message/rfc822', ''];
  return bytes(crlf(...Array.from({ length: depth }, () => level).flat(), ...beginning, '', 'innermost'));
}

function parts(count: number): Buffer {
  const part = (_: unknown, i: number): string[] => ['--b', 'Content-Type: text/plain', '', `part ${i}`];
  return bytes(
    crlf(
      ...beginning,
      'Content-Type: multipart/mixed; boundary=b',
      '',
      ...Array.from({ length: count }, part).flat(),
      '--b--',
    ),
  );
}

const messages: [title: string, raw: Buffer][] = [
  ['an empty message', Buffer.alloc(0)],
  ['an empty line', bytes('\r\n')],
  ['no header, but a body', bytes('\r\nbody only\r\n')],
  ['text that is no header', bytes('hello world\r\nhow are you\r\n')],
  ['a header and nothing else', bytes(crlf(...beginning))],
  ['1 MB of bare CRs', bytes(`${crlf(...beginning, '')}${'\r'.repeat(1_000_000)}\r\n`)],
  ['1 MB of bare LFs', bytes(`${crlf(...beginning, '')}${'\n'.repeat(1_000_000)}\r\n`)],
  ['bare line ends around dots', bytes(`${crlf(...beginning, '')}a\n.\nb\r.\rc\r\n.d\r\n..\r\n\n.\r\n`)],
  ['a bare CR in the header', bytes(`Subject: a\rBcc: b\r\n\r\nbody\r\n`)],
  ['NUL bytes', bytes(`Sub\0ject: a\0b\r\nFrom: \0\r\n\r\n\0\0body\0\r\n\0`).subarray(0)],
  ['raw 8-bit bytes everywhere', bytes('Subject: \xe4\xf6\xff\r\nFrom: \xc3\xa4 <\xff@\xfe>\r\n\r\n\x80\xff\r\n')],
  ['a header line of 2 MB', bytes(crlf(`Subject: ${'x'.repeat(2_000_000)}`, ...beginning, '', 'body'))],
  [
    'a folded header line of 2 MB',
    bytes(crlf('Subject: y', ...Array<string>(30_000).fill(` ${'y'.repeat(70)}`), '', 'z')),
  ],
  [
    '50,000 addresses',
    bytes(crlf(`To: ${Array.from({ length: 50_000 }, (_, i) => `u${i}@remote.example`).join(', ')}`, '', 'x')),
  ],
  ['50,000 header lines', bytes(crlf(...Array.from({ length: 50_000 }, (_, i) => `X-${i}: ${i}`), '', 'x'))],
  ['multiparts 5,000 deep', multiparts(5_000)],
  ['messages in messages 1,000 deep', embedded(1_000)],
  ['10,000 parts', parts(10_000)],
  [
    'parentheses, quotes and backslashes',
    bytes(crlf(`Subject: ${'(")\\{3}'.repeat(2_000)}`, `From: ${'('.repeat(20_000)}`, '', 'x')),
  ],
  ['encoded words without end', bytes(crlf(`Subject: ${'=?utf-8?q?'.repeat(20_000)}`, '', 'x'))],
];

/** As SMTP carries it: only CRLF ends a line (DESIGN section 6), and the last line is ended. */
function onTheWire(raw: Buffer): Buffer {
  const text = raw.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n');
  return bytes(text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`);
}

/** What a FETCH answers for one item, read strictly. */
function itemValue(reply: Reply, item: string): WireValue {
  assert.equal(reply.status, 'OK', reply.text);
  const [line = ''] = reply.untagged;
  const prefix = `* 1 FETCH (${item} `;
  assert.equal(line.slice(0, prefix.length), prefix);
  assert.equal(line.at(-1), ')');
  return readWireValue(line.slice(prefix.length, -1));
}

function literalOf(reply: Reply, item: string): Buffer {
  const value = itemValue(reply, item);
  assert.equal(typeof value, 'string', item);
  return bytes(String(value));
}

describe('a message made to break a mail server', () => {
  let server: TestServer;
  let other: RawImap;
  before(async () => {
    server = await startTestServer();
    await server.handIn(sampleMail('of somebody else'), { recipients: ['bob@example.com'] });
    other = await server.open('Caught', 'bob@example.com');
  });
  after(() => server.close());

  for (const [title, sent] of messages) {
    it(`is kept, shown and released byte for byte while others are served: ${title}`, options, async () => {
      // SMTP ends the last line.
      const raw = sent.length && !sent.subarray(-2).equals(bytes('\r\n')) ? Buffer.concat([sent, bytes('\r\n')]) : sent;
      const [[answer]] = await Promise.all([server.handIn(sent, { sender: '' }), isServed(other)]);
      assert.match(answer ?? '', /^250/);
      const client = await server.open('Caught');
      const command = async (line: string): Promise<Reply> => {
        const [reply] = await Promise.all([client.command(line), isServed(other)]);
        assert.equal(reply.status, 'OK', `${line}: ${reply.text}`);
        return reply;
      };

      assert.equal(itemValue(await command('FETCH * (RFC822.SIZE)'), 'RFC822.SIZE'), raw.length);
      const envelope = itemValue(await command('FETCH * (ENVELOPE)'), 'ENVELOPE');
      assert.ok(Array.isArray(envelope) && envelope.length === 10, 'an ENVELOPE has ten fields');
      for (const item of ['BODY', 'BODYSTRUCTURE']) {
        assert.ok(Array.isArray(itemValue(await command(`FETCH * (${item})`), item)), item);
      }
      const header = literalOf(await command('FETCH * (BODY.PEEK[HEADER])'), 'BODY[HEADER]');
      const text = literalOf(await command('FETCH * (BODY.PEEK[TEXT])'), 'BODY[TEXT]');
      assert.ok(Buffer.concat([header, text]).equals(raw), 'header and text are the message');
      for (const section of ['1', '1.1.1.1.1.1.1.1', '9999', '1.MIME', 'HEADER.FIELDS (SUBJECT FROM)']) {
        await command(`FETCH * (BODY.PEEK[${section}])`);
      }
      for (const key of ['SUBJECT "hostile"', 'BODY "innermost"', 'TEXT "x" NOT FROM "nobody"', 'HEADER X-1 ""']) {
        await command(`SEARCH ${key}`);
      }
      assert.ok(literalOf(await command('FETCH * (BODY.PEEK[])'), 'BODY[]').equals(raw), 'the bytes that came in');

      await command('MOVE * "Release &- Train"');
      await Promise.all([server.server.worker?.idle(), isServed(other)]);
      const delivered = await server.farEnd.nextReceived();
      const trace = delivered.content.indexOf('\n') + 1;
      assert.match(delivered.content.toString('latin1', 0, trace), /^X-Lazaretto-Release: \S+ by \S+\r\n$/);
      assert.ok(delivered.content.subarray(trace).equals(onTheWire(raw)), 'the next hop got the same bytes');
      assert.deepEqual([delivered.sender, delivered.recipients], ['', ['alice@example.com']]);
      const examples = await server.learned('ham');
      assert.ok(
        examples.some((example) => example.equals(raw)),
        'the filter got the same bytes',
      );
      await client.close();
    });
  }

  it('is no reason for an error in the log, nor to be seen in the mailbox afterwards', options, async () => {
    assert.deepEqual(
      server.logged.filter(({ level }) => level === 'error'),
      [],
    );
    const client = await server.open('Caught', 'global');
    assert.deepEqual((await client.command('UID SEARCH ALL')).untagged, ['* SEARCH 1']);
  });
});

describe('an attachment of 50 MB', () => {
  it(
    'goes in, is read in pieces as Thunderbird does, and comes out equal, without filling the memory',
    options,
    async () => {
      const pieceBytes = 65_536;
      const maxMessageBytes = 80 * 1024 * 1024;
      await using server = await startTestServer({ policy: { maxMessageBytes } });
      const raw = largeMail(50 * 1024 * 1024);
      const digest = createHash('sha256').update(raw).digest('hex');
      assert.match((await server.handIn(raw)).join(), /^250/);
      const client = await server.open('Caught');
      const [line = ''] = (await client.command('FETCH 1 (RFC822.SIZE BODYSTRUCTURE)')).untagged;
      assert.ok(line.startsWith(`* 1 FETCH (RFC822.SIZE ${raw.length} BODYSTRUCTURE `));

      // From here on nobody needs the whole message: what the server keeps of it shows.
      const idle = memoryBytes();
      let highest = 0;
      const hash = createHash('sha256');
      for (let at = 0; at < raw.length; at += pieceBytes) {
        const { untagged } = await client.command(`UID FETCH 1 (UID BODY.PEEK[]<${at}.${pieceBytes}>)`);
        const [answer = ''] = untagged;
        const head = `* 1 FETCH (UID 1 BODY[]<${at}> {${Math.min(pieceBytes, raw.length - at)}}\r\n`;
        assert.ok(answer.startsWith(head));
        hash.update(answer.slice(head.length, -1), 'latin1');
        if ((at / pieceBytes) % 50 === 0) highest = Math.max(highest, memoryBytes());
      }
      assert.equal(hash.digest('hex'), digest);
      assert.ok(highest - idle < 2 * raw.length, `reading in pieces took ${highest - idle} bytes of memory`);

      // Ten mail programs that ask for the whole of it and stop reading: what is kept for each is a part of it.
      const undisturbed = memoryBytes();
      const lazy = await Promise.all(Array.from({ length: 10 }, () => server.open('Caught')));
      for (const one of lazy) {
        one.write('t9 FETCH 1 BODY.PEEK[]\r\n');
        await once(one.socket, 'data');
        one.socket.pause();
      }
      for (let i = 0; i < 50; i++) assert.equal((await client.command('NOOP')).status, 'OK');
      const waiting = memoryBytes() - undisturbed;
      assert.ok(waiting < 4 * raw.length, `ten clients that stopped reading took ${waiting} bytes of memory`);
      for (const one of lazy) await one.close();

      assert.equal((await client.command('UID MOVE 1 Release')).status, 'OK');
      await server.server.worker?.idle();
      const { content } = await server.farEnd.nextReceived();
      const received = content.subarray(content.indexOf('\n') + 1);
      assert.equal(createHash('sha256').update(received).digest('hex'), digest);
    },
  );

  it('over the limit is refused in the words of the protocol, and nothing is kept', options, async () => {
    await using server = await startTestServer({ policy: { maxMessageBytes: 1024 * 1024 } });
    assert.match((await server.handIn(largeMail(1024 * 1024))).join(), /^552 5\.3\.4/);
    assert.deepEqual(await server.storage.find({ role: 'global' }, { which: 'all' }), []);
  });
});

/** A message with one base64 attachment of so many bytes on the wire; no two lines alike. */
function largeMail(attachmentBytes: number): Buffer {
  const head = bytes(
    crlf(
      ...beginning,
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: application/octet-stream',
      'Content-Transfer-Encoding: base64',
      '',
    ),
  );
  const lineBytes = 78;
  const body = Buffer.alloc(Math.ceil(attachmentBytes / lineBytes) * lineBytes, `${'A'.repeat(76)}\r\n`);
  for (let line = 0; line * lineBytes < body.length; line++) {
    body.write(Math.imul(line, 2_654_435_761).toString(36).replace('-', 'Z'), line * lineBytes, 'latin1');
  }
  return Buffer.concat([head, body, bytes(crlf('--b--'))]);
}

/** What this process really holds on to, its threads included. */
function memoryBytes(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}
