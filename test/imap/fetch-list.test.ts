// Lists are the same bytes, whatever of them is packed; a slow client is waited for, and a lost one keeps nothing busy.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as breathe } from 'node:timers/promises';
import { ConnectionGone } from '../../src/imap/answers.ts';
import type { ImapConnection } from '../../src/imap/command.ts';
import { fetchList } from '../../src/imap/fetch-list.ts';
import { planList } from '../../src/imap/list-plan.ts';
import type { OpenMailbox } from '../../src/imap/selected.ts';
import type { PackedMessages, ScopedStorage } from '../../src/quarantine/ports.ts';
import { LIST_HEADER_FIELDS } from '../../src/quarantine/reading/list-header.ts';
import { sequenceOf } from '../helpers/message-sequence.ts';
import { newContent, newMessage } from '../helpers/messages.ts';
import { testNow } from '../helpers/quarantine.ts';
import { startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';

const options = { timeout: 60_000 };
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** What mail programs ask for when they list a folder, and more. */
const requests = [
  `UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (${LIST_HEADER_FIELDS.join(' ')})])`,
  'UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)',
  'FETCH 1:* ALL',
  'FETCH 2:4,6 (BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (date subject from to)] ENVELOPE)',
  'FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Priority)])',
  'UID FETCH 3:999 (INTERNALDATE)',
  'FETCH 1:* (BODY.PEEK[])',
  'UID FETCH 1:* (FLAGS BODY.PEEK[] ENVELOPE RFC822.SIZE)',
];

const contents = [
  'From: a@remote.example\r\nSubject: plain\r\n\r\ntext\r\n',
  latin1('From: \xfc\xff\x80 <b@remote.example>\r\nSubject: nul\0 and \xc3\r\nTo: x@remote.example\r\n\r\n'),
  `To: ${'<somebody@remote.example>, '.repeat(3000)}<a@remote.example>\r\nSubject: large\r\n\r\n`,
  '',
  'Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\nContent-Type: text/html\r\n\r\ntwo\r\n--x--\r\n',
  'Subject: without an end',
  'X-Unknown: nothing that is listed\r\n\r\nbody',
  `Subject: many pieces\r\n\r\n${'a line\r\n'.repeat(100_000)}`,
].map((source) => newContent(source));

/** A server with these messages; `packing` decides which of them the storage answers packed, by their place. */
async function serverWith(packing: { has: (index: number) => boolean }): Promise<TestServer> {
  const server = await startTestServer({
    wrapStorage: (storage) => ({
      ...storage,
      async listPacked(scope, view, ranges, query) {
        const page = await storage.listPacked(scope, view, ranges, query);
        const width = query.values.length * 2;
        page.uids.forEach((_, i) => {
          if (!packing.has(i)) page.positions.fill(-1, i * width, (i + 1) * width);
        });
        return page;
      },
    }),
  });
  for (const [i, content] of contents.entries()) {
    const internalDate = testNow - i * 86_399_999 * 40;
    await server.storage.insert(
      { content, messages: [newMessage({ content, internalDate })], skipKnown: false },
      testNow,
    );
  }
  return server;
}

describe('a list', () => {
  it('is the same bytes whether all, some or none of its values are packed', options, async () => {
    const packing = { has: (_index: number) => true };
    await using server = await serverWith(packing);
    const client = await server.open('Caught');
    await client.command('UID STORE 2:3 +FLAGS (\\Seen $Forwarded)');
    await client.command('UID STORE 5 +FLAGS (\\Flagged)');
    for (const request of requests) {
      packing.has = () => false;
      const expected = await client.command(request);
      assert.equal(expected.status, 'OK', expected.text);
      assert.ok(expected.untagged.length >= 4);
      for (const has of [() => true, (i: number) => i % 2 === 0, (i: number) => i % 3 === 0, (i: number) => i > 4]) {
        packing.has = has;
        assert.deepEqual(await client.command(request), expected, request);
      }
    }
  });

  it('has room for items that repeat each other', options, async () => {
    await using server = await startTestServer();
    const content = newContent(`To: ${'<somebody@remote.example>, '.repeat(200)}<a@remote.example>\r\n\r\nbody`);
    const messages = Array.from({ length: 30 }, () => newMessage({ content }));
    await server.storage.insert({ content, messages, skipKnown: false }, testNow);
    const client = await server.open('Caught');
    const fields = LIST_HEADER_FIELDS.filter((field) => field !== 'To');
    const items = fields.map((field) => `BODY.PEEK[HEADER.FIELDS (To ${field})]`);
    const { status, untagged } = await client.command(`FETCH 1:* (${items.join(' ')})`);
    assert.equal(status, 'OK');
    const [first, ...others] = untagged.map((line) => line.replace(/^\* \d+ /, ''));
    assert.equal(others.length, 29);
    assert.equal(first?.split('somebody').length, 200 * items.length + 1);
    assert.ok(others.every((line) => line === first));
  });

  it('names each message once and in order, however many there are', options, async () => {
    await using server = await startTestServer();
    const content = newContent();
    const messages = Array.from({ length: 2500 }, () => newMessage({ content }));
    await server.storage.insert({ content, messages, skipKnown: false }, testNow);
    const client = await server.open('Caught');
    const numbers = async (command: string): Promise<number[]> =>
      (await client.command(command)).untagged.map((line) =>
        Number(/^\* (\d+) FETCH \(UID \d+ ENVELOPE/.exec(line)?.[1]),
      );
    const all = Array.from({ length: 2500 }, (_, i) => i + 1);
    assert.deepEqual(await numbers('UID FETCH 1:* (ENVELOPE)'), all);
    assert.deepEqual(
      await numbers('UID FETCH 1:1100,1200:2400,2450,2500:9999 (ENVELOPE)'),
      all.filter((uid) => uid <= 1100 || (uid >= 1200 && uid <= 2400) || uid === 2450 || uid === 2500),
    );
  });

  it('leaves out what left the mailbox meanwhile, and counts as the client does', options, async () => {
    await using server = await startTestServer();
    for (let i = 0; i < 6; i++) await server.handIn(latin1(`Subject: ${i}\r\n\r\n`));
    const client = await server.open('Caught');
    const other = await server.open('Caught');
    await other.command('UID MOVE 2,5 Release');
    await server.handIn(latin1('Subject: new\r\n\r\n'));
    const { untagged } = await client.command('FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (Subject)])');
    assert.deepEqual(
      untagged.map((line) => line.slice(0, 17)),
      ['* 1 FETCH (UID 1 ', '* 3 FETCH (UID 3 ', '* 4 FETCH (UID 4 ', '* 6 FETCH (UID 6 '],
    );
  });

  it('tells flags that are not announced once more, and no others', options, async () => {
    await using server = await startTestServer();
    for (let i = 0; i < 3; i++) await server.handIn(latin1(`Subject: ${i}\r\n\r\n`));
    const client = await server.open('Caught');
    const other = await server.open('Caught');
    await other.command('UID STORE 1,3 +FLAGS (\\Flagged)');
    const { untagged } = await client.command('FETCH 1:2 (FLAGS ENVELOPE)');
    assert.match(untagged[0] ?? '', /^\* 1 FETCH \(FLAGS \(\\Flagged\) ENVELOPE/);
    assert.deepEqual((await client.command('NOOP')).untagged, ['* 3 FETCH (UID 3 FLAGS (\\Flagged))']);
  });
});

/** A page of messages whose one packed value is 1 kB. */
function pageOf(first: number, count: number): PackedMessages {
  const bytes = Buffer.alloc(1000, 'x');
  return {
    uids: Uint32Array.from({ length: count }, (_, i) => first + i),
    flags: new Uint32Array(),
    flagSets: [],
    sizeBytes: new Uint32Array(),
    internalDates: new Float64Array(),
    bytes,
    positions: Int32Array.from({ length: 2 * count }, (_, i) => (i % 2) * bytes.length),
    [Symbol.dispose]: () => undefined,
  };
}

/** Lists 100,000 messages to a connection that does what `writeThrough` does. */
function listTo(writeThrough: () => Promise<void>): { done: Promise<void>; asked: number[] } {
  const asked: number[] = [];
  const storage: Pick<ScopedStorage, 'listPacked'> = {
    listPacked(_scope, _view, [range], { limit }) {
      asked.push(range?.from ?? 0);
      return Promise.resolve(pageOf(range?.from ?? 0, limit));
    },
  };
  const messages = sequenceOf(Array.from({ length: 100_000 }, (_, i) => i + 1));
  const plan = planList([{ kind: 'envelope', label: 'ENVELOPE' }]);
  assert.ok(plan);
  const done = fetchList(
    {
      storage,
      connection: { closed: false, writeThrough } as Partial<
        ImapConnection<OpenMailbox>
      > as ImapConnection<OpenMailbox>,
      mailbox: { scope: { role: 'global' }, messages, wasToldMore: false } as Partial<OpenMailbox> as OpenMailbox,
      view: 'caught',
      plan,
      fetchUnpacked: () => Promise.resolve(),
    },
    [{ from: 1, to: 100_000 }],
  );
  return { done, asked };
}

describe('a client', () => {
  it('that does not read is waited for: no more than the next page is asked for', options, async () => {
    let written = 0;
    let gate = Promise.withResolvers<void>();
    const { done, asked } = listTo(() => {
      written++;
      return gate.promise;
    });
    for (let i = 0; i < 100; i++) await breathe();
    assert.deepEqual([written, asked.length], [1, 2]);
    gate.resolve();
    gate = Promise.withResolvers();
    for (let i = 0; i < 100; i++) await breathe();
    assert.deepEqual([written, asked.length], [2, 2]);
    gate.resolve();
    await done;
    assert.ok(written > 300);
  });

  it('that is lost ends its list at once', options, async () => {
    const { done, asked } = listTo(() => Promise.reject(new ConnectionGone()));
    await assert.rejects(done, ConnectionGone);
    for (let i = 0; i < 100; i++) await breathe();
    assert.ok(asked.length <= 2);
  });
});
