import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCommand, type Incoming, type ReadingRules } from '../../src/imap/command-reader.ts';
import { InputStream } from '../../src/imap/input-stream.ts';

interface Heard {
  commands: string[];
  prompts: number;
  /** Most bytes that the input held back at once. */
  paused: number;
}

/** Reads everything from `bytes`, cut into pieces; the whole conversation as short strings. */
async function read(bytes: string | Buffer, pieceLength: number, rules: Partial<ReadingRules> = {}): Promise<Heard> {
  const heard: Heard = { commands: [], prompts: 0, paused: 0 };
  const input = new InputStream();
  input.attach({ pause: () => heard.paused++, resume: () => undefined });
  const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  for (let at = 0; at < all.length; at += pieceLength) input.receive(all.subarray(at, at + pieceLength));
  input.end();
  for (;;) {
    const incoming = await readCommand(input, {
      maxLineBytes: 100,
      maxLiteralBytes: () => 50,
      tellTooBig: () => 'too big',
      refuseLiteral: () => Promise.resolve(null),
      goAhead: () => Promise.resolve(void heard.prompts++),
      ...rules,
    });
    heard.commands.push(describeIncoming(incoming));
    if (incoming.kind === 'end' || incoming.kind === 'hopeless') return heard;
  }
}

function describeIncoming(incoming: Incoming): string {
  switch (incoming.kind) {
    case 'command':
      return [incoming.text, ...incoming.literals.map((bytes) => `<${bytes.toString('latin1')}>`)].join(' ');
    case 'refused':
      return `${incoming.tag} ${incoming.answer.response} ${incoming.answer.code ?? ''}`.trim();
    default:
      return incoming.kind;
  }
}

describe('commands are put together', { timeout: 20_000 }, () => {
  const conversation =
    'a NOOP\r\n\r\nb LOGIN {5}\r\nalice {6+}\r\ns3\r\n\0t\r\nc bare\nd X {0}\r\n {0+}\r\n\r\ne X {05+}\r\n12345\r\nf LAST\r\n';
  const expected = [
    'a NOOP',
    '',
    'b LOGIN {5}\r\n {6}\r\n <alice> <s3\r\n\0t>',
    'c bare',
    'd X {0}\r\n {0}\r\n <> <>',
    'e X {5}\r\n <12345>',
    'f LAST',
    'end',
  ];
  for (const pieceLength of [1, 2, 3, 7, 64, 1000]) {
    test(`from pieces of ${pieceLength} bytes`, async () => {
      const heard = await read(conversation, pieceLength);
      assert.deepEqual(heard.commands, expected);
      assert.equal(heard.prompts, 2, 'asks for synchronising literals, and only for those');
    });
  }

  test('and what is unfinished when the client goes away is none', async () => {
    assert.deepEqual((await read('a NOO', 1)).commands, ['end']);
    assert.deepEqual((await read('a X {5+}\r\nabc', 1)).commands, ['end']);
    assert.deepEqual((await read('a X {5+}\r\nabcde', 1)).commands, ['end']);
  });

  test('from a long line byte by byte, and from a large literal, without reading more than needed ahead', async () => {
    const line = `a X ${'1,'.repeat(30_000)}1`;
    const { commands } = await read(`${line}\r\n`, 1, { maxLineBytes: 65_536 });
    assert.deepEqual(commands, [line, 'end']);
    const message = Buffer.alloc(3_000_000, 'x');
    const upload = Buffer.concat([Buffer.from('a APPEND Spam {3000000+}\r\n'), message, Buffer.from('\r\n')]);
    const heard = await read(upload, 16_384, { maxLiteralBytes: () => 3_000_000 });
    assert.equal(heard.commands[0], `a APPEND Spam {3000000}\r\n <${message.toString('latin1')}>`);
    assert.ok(heard.paused > 0, 'the client is held back');
  });
});

describe('what is too large is refused', { timeout: 20_000 }, () => {
  for (const pieceLength of [1, 5, 1000]) {
    test(`and nothing of it is taken for a command, from pieces of ${pieceLength} bytes`, async () => {
      const smuggled = 'x DELETE everything\r\n';
      const long = 'y'.repeat(120);
      const script = [
        `a X ${long}\r\n`,
        `b X ${long} {${smuggled.length}+}\r\n${smuggled}\r\n`,
        `c X {60}\r\n`,
        `d X {60+}\r\n${smuggled.repeat(3).slice(0, 60)} {21+}\r\n${smuggled}\r\n`,
        `e X {60+}\r\n${smuggled.repeat(3).slice(0, 60)} {5}\r\n`,
        `f X ${'{0+}\r\n '.repeat(30)}\r\n`,
        `g X ${'{40+}\r\n'.concat('z'.repeat(40), ' ').repeat(5)}\r\n`,
        'h NOOP\r\n',
      ].join('');
      const { commands, prompts } = await read(script, pieceLength);
      assert.deepEqual(commands, [
        'a BAD',
        'b BAD',
        'c NO TOOBIG',
        'd NO TOOBIG',
        'e NO TOOBIG',
        'f BAD',
        'g NO TOOBIG',
        'h NOOP',
        'end',
      ]);
      assert.equal(prompts, 0);
    });
  }

  test('and absurd announcements end the connection', async () => {
    assert.deepEqual((await read('a X {201+}\r\n', 1)).commands, ['hopeless']);
    assert.deepEqual((await read('a X {99999999999999999999999+}\r\n', 1)).commands, ['hopeless']);
    assert.deepEqual((await read('a X {99999999999999999999999}\r\nb NOOP\r\n', 1)).commands, [
      'a NO TOOBIG',
      'b NOOP',
      'end',
    ]);
  });

  test('and a line that never ends does, too', async () => {
    const input = new InputStream();
    input.attach({ pause: () => undefined, resume: () => undefined });
    input.receive(Buffer.alloc(401, 'x'));
    assert.deepEqual(await input.readLine(100), { kind: 'endless' });
  });
});

test('a literal can be refused for what precedes it, and is read away when it was not waited for', async () => {
  const asked: string[] = [];
  const refuseLiteral = (text: string, literals: readonly Buffer[]) => {
    asked.push(`${text}${literals.length}`);
    return Promise.resolve(
      text.includes('Caught') ? ({ response: 'NO', code: 'CANNOT', text: 'Not here' } as const) : null,
    );
  };
  const script = 'a APPEND Caught {5}\r\nb APPEND Caught {8+}\r\nx NOOP\r\n\r\nc APPEND {4+}\r\nSpam {1}\r\ny\r\n';
  const { commands, prompts } = await read(script, 3, { refuseLiteral });
  assert.deepEqual(commands, ['a NO CANNOT', 'b NO CANNOT', 'c APPEND {4}\r\n {1}\r\n <Spam> <y>', 'end']);
  assert.deepEqual(asked, ['a APPEND Caught 0', 'b APPEND Caught 0', 'c APPEND 0', 'c APPEND {4}\r\n 1']);
  assert.equal(prompts, 1);
});

test('what was received in clear is forgotten when another source is attached', async () => {
  const input = new InputStream();
  const source = { pause: () => undefined, resume: () => undefined };
  input.attach(source);
  input.receive(Buffer.from('a STARTTLS\r\ni LOGIN attacker right\r\nj LOGIN atta'));
  assert.deepEqual(await input.readLine(100), { kind: 'line', text: 'a STARTTLS' });
  input.attach(source);
  input.receive(Buffer.from('k NOOP\r\n'));
  assert.deepEqual(await input.readLine(100), { kind: 'line', text: 'k NOOP' });
});

test('who waits for something to arrive is told when it has, and of the end', async () => {
  const input = new InputStream();
  input.attach({ pause: () => undefined, resume: () => undefined });
  let hasArrived = false;
  const arrival = input.arrival().then(() => (hasArrived = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hasArrived, false);
  input.receive(Buffer.from('a NO'));
  await arrival;
  await input.arrival();
  input.receive(Buffer.from('OP\r\n'));
  assert.deepEqual(await input.readLine(100), { kind: 'line', text: 'a NOOP' });
  const end = input.arrival();
  input.end();
  await end;
  await input.arrival();
  assert.deepEqual(await input.readLine(100), { kind: 'end' });
});
