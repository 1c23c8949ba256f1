// FETCH and SEARCH ask for no more at once than memory is sure to hold, whatever messages look like and whoever sent them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { FetchLine } from '../../src/imap/fetch-line.ts';
import type { FetchItem } from '../../src/imap/fetch-items.ts';
import { readMessage } from '../../src/quarantine/reading/read-message.ts';
import { newContent, newMessage } from '../helpers/messages.ts';
import { testNow } from '../helpers/quarantine.ts';
import { startTestServer } from '../helpers/server.ts';

const options = { timeout: 30_000 };

interface Reads {
  line: FetchLine;
  /** Bytes of each read, in order. */
  sizes: number[];
}

function lineOf(content: Buffer, items: FetchItem[]): Reads {
  const sizes: number[] = [];
  const reading = readMessage(content);
  const message = { number: 7, uid: 7, id: 'm', internalDate: 0, sizeBytes: content.length, flags: [] };
  const line = new FetchLine({ ...message, flagsChanged: false, reading }, items, (start, end) => {
    sizes.push(end - start);
    return Promise.resolve(content.subarray(start, end));
  });
  return { line, sizes };
}

async function written(line: FetchLine): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of line.pieces()) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

const field = (name: string): FetchItem => ({
  kind: 'section',
  label: `BODY[HEADER.FIELDS (${name})]`,
  section: { part: [], what: 'HEADER.FIELDS', fields: [name] },
  partial: null,
  peek: true,
});
const whole = (start: number): FetchItem => ({
  kind: 'section',
  label: `BODY[]<${start}>`,
  section: { part: [], what: 'ALL', fields: [] },
  partial: { start, length: 10_000_000 },
  peek: true,
});

describe('one line of FETCH', () => {
  it('holds a large header once, however many of its fields are asked for one by one', async () => {
    const header = `X-Last: here\r\n${`X-Filler: ${'y'.repeat(900)}\r\n`.repeat(3000)}`;
    const content = Buffer.from(`${header}\r\nbody\r\n`);
    const { line, sizes } = lineOf(content, [field('X-Last'), field('A'), field('B')]);
    assert.equal(await line.load(), true);
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 1024 * 1024, String(sizes));
    const empty = (name: string): string => `BODY[HEADER.FIELDS (${name})] {2}\r\n\r\n`;
    assert.equal(
      await written(line),
      `* 7 FETCH (BODY[HEADER.FIELDS (X-Last)] {16}\r\nX-Last: here\r\n\r\n ${empty('A')} ${empty('B')})\r\n`,
    );
  });

  it('is the same bytes whether they were loaded before or go out in pieces', async () => {
    const content = Buffer.from(`Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(200_000)}`);
    const { line, sizes } = lineOf(content, [whole(0), whole(5), { kind: 'size', label: 'RFC822.SIZE' }]);
    assert.equal(await line.load(), true);
    assert.deepEqual(sizes, [1024 * 1024]);
    const text = content.toString('latin1');
    assert.equal(
      await written(line),
      `* 7 FETCH (BODY[]<0> {${text.length}}\r\n${text} BODY[]<5> {${text.length - 5}}\r\n${text.slice(5)} RFC822.SIZE ${text.length})\r\n`,
    );
    assert.ok(Math.max(...sizes) <= 1024 * 1024);
  });

  it('does not begin when the content is gone, and fails when it goes in the middle', async () => {
    const content = Buffer.from(`Subject: large\r\n\r\n${'x'.repeat(3_000_000)}`);
    let left = 0;
    const reading = readMessage(content);
    const message = { number: 1, uid: 1, id: 'm', internalDate: 0, sizeBytes: content.length, flags: [] };
    const line = new FetchLine({ ...message, flagsChanged: false, reading }, [whole(0)], (start, end) =>
      Promise.resolve(left-- > 0 ? content.subarray(start, end) : null),
    );
    assert.equal(await line.load(), false);
    left = 2;
    assert.equal(await line.load(), true);
    await assert.rejects(written(line), { name: 'TemporaryError' });
  });
});

describe('a mailbox', () => {
  it('is listed with a few messages at once in memory', options, async () => {
    const asked: number[] = [];
    await using server = await startTestServer({
      wrapStorage: (storage) => ({
        ...storage,
        readings(scope, ids) {
          asked.push(ids.length);
          return storage.readings(scope, ids);
        },
      }),
    });
    const content = newContent();
    const messages = Array.from({ length: 70 }, () => newMessage({ content }));
    await server.storage.insert({ content, messages, skipKnown: false }, testNow);
    const client = await server.open('Caught');
    const listed = await client.command('FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY)');
    assert.equal(listed.untagged.length, 70);
    assert.match(listed.untagged[69] ?? '', /^\* 70 FETCH \(ENVELOPE/);
    assert.ok(asked.length > 0 && Math.max(...asked) <= 20, String(asked));
  });
});

describe('large messages', () => {
  it('are begun to be read while the one before goes out, and no further', options, async ({ signal }) => {
    const asked = new Map<string, number>();
    const second = Promise.withResolvers<null>();
    // Else nothing would be closed, and the run would not end.
    signal.addEventListener('abort', () => second.reject(new Error('the second message was not begun')));
    await using server = await startTestServer({
      wrapStorage: (storage) => ({
        ...storage,
        content(scope, id, start = 0, end = Infinity) {
          asked.set(id, (asked.get(id) ?? 0) + end - start);
          if (asked.size === 2) second.resolve(null);
          return storage.content(scope, id, start, end);
        },
      }),
    });
    // More than sockets take while nobody reads.
    const raw = Buffer.from(`Subject: large\r\n\r\n${'a line of text\r\n'.repeat(1_250_000)}`);
    const content = newContent(raw);
    const messages = Array.from({ length: 3 }, () => newMessage({ content }));
    await server.storage.insert({ content, messages, skipKnown: false }, testNow);
    const [slow, other] = [await server.open('Caught'), await server.open('Caught')];
    slow.socket.pause();
    const answer = slow.command('FETCH 1:* (BODY.PEEK[])');
    await second.promise;
    for (let turn = 0; turn < 5; turn++) await other.command('NOOP');
    assert.equal(asked.size, 2);
    const [, bytes = 0] = asked.values();
    assert.ok(bytes <= 1024 * 1024, String(bytes));
    slow.socket.resume();
    const { untagged } = await answer;
    assert.equal(untagged.length, 3);
    for (const line of untagged) assert.ok(line.endsWith(`{${raw.length}}\r\n${raw.toString('latin1')})`));
  });
});

describe('a message that is lost while it is sent', () => {
  it('ends the connection without a word, which the client would take for a part of it', options, async () => {
    await using server = await startTestServer({
      wrapStorage: (storage) => ({
        ...storage,
        content: (scope, id, start = 0, end) =>
          start < 1_000_000 ? storage.content(scope, id, start, end) : Promise.resolve(null),
      }),
    });
    const raw = Buffer.concat([
      Buffer.from('Subject: large\r\n\r\n'),
      Buffer.from('a line of text\r\n'.repeat(150_000)),
    ]);
    await server.handIn(raw);
    const client = await server.open('Caught');
    const bytes: Buffer[] = [];
    client.socket.on('data', (chunk: Buffer) => bytes.push(chunk));
    client.write('x UID FETCH 1 BODY.PEEK[]\r\n');
    await client.closed;
    const received = Buffer.concat(bytes);
    const start = received.indexOf('}\r\n') + 3;
    assert.ok(received.length > 1_000_000);
    assert.ok(raw.subarray(0, received.length - start).equals(received.subarray(start)));
  });
});

describe('a FETCH that fails in the middle', () => {
  it('leaves nothing untold: each message has its flags in the answer or announced', options, async () => {
    let [readings, pages] = [0, 0];
    const failingSecond = (call: number): void => {
      if (call === 2) throw new TemporaryError('The store is away for a moment.');
    };
    await using server = await startTestServer({
      wrapStorage: (storage) => ({
        ...storage,
        async readings(scope, ids) {
          failingSecond(++readings);
          return storage.readings(scope, ids);
        },
        async listPacked(scope, view, ranges, query) {
          failingSecond(++pages);
          return storage.listPacked(scope, view, ranges, { ...query, limit: 10 });
        },
      }),
    });
    const content = newContent();
    const messages = Array.from({ length: 30 }, () => newMessage({ content }));
    await server.storage.insert({ content, messages, skipKnown: false }, testNow);
    const [client, other] = [await server.open('Caught'), await server.open('Caught')];
    const told = async (command: string): Promise<string[]> => {
      const answers = [await client.command(command), await client.command('NOOP')];
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['NO', 'OK'],
      );
      return answers.flatMap(({ untagged }) =>
        untagged.map((line) => line.replace(/^\* (\d+) .*FLAGS (\(.*?\)).*$/s, '$1 $2')),
      );
    };
    const all = (flags: string): string[] => Array.from({ length: 30 }, (_, i) => `${i + 1} ${flags}`);
    assert.deepEqual(await told('FETCH 1:* (BODY[])'), all('(\\Seen)'));
    await other.command('STORE 1:* FLAGS (\\Flagged)');
    assert.deepEqual(await told('FETCH 1:* (FLAGS RFC822.SIZE)'), all('(\\Flagged)'));
  });
});
