// FETCH of FLAGS and UID alone: the same bytes as ever, from memory, as the mailbox is in all processes together.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlagLines } from '../../src/imap/flag-lines.ts';
import { FlagSet } from '../../src/imap/flag-set.ts';
import { storeFlags } from '../../src/quarantine/flags.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { newContent, newMessage } from '../helpers/messages.ts';
import { testNow } from '../helpers/quarantine.ts';
import { startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';

const options = { timeout: 60_000 };
const alice = scopeOfLogin('alice@example.com');

async function insert(server: TestServer, flags: readonly string[][]): Promise<void> {
  const content = newContent();
  const messages = flags.map((user) => newMessage({ content, flags: { global: [], domain: [], user } }));
  await server.storage.insert({ content, messages, skipKnown: false }, testNow);
}

const change = (quarantine: Quarantine, uids: number[], action: 'add' | 'remove', ...flags: string[]) =>
  storeFlags(quarantine, { scope: alice, view: 'caught', uids, action, flags });

describe('FETCH of flags', () => {
  it('answers each message once, with numbers of any length, in the order that was asked for', options, async () => {
    await using server = await startTestServer();
    const flagsOf = (i: number): string[] => [...(i % 3 ? [] : ['\\Seen']), ...(i % 1000 ? [] : [`word${i}`])];
    const all = Array.from({ length: 1234 }, (_, i) => i + 1);
    await insert(server, all.map(flagsOf));
    const client = await server.open('Caught');
    const text = (i: number): string => `(${flagsOf(i).join(' ')})`;
    const answers: [command: string, expected: string[]][] = [
      ['UID FETCH 1:* (FLAGS)', all.map((i) => `* ${i} FETCH (UID ${i} FLAGS ${text(i)})`)],
      ['FETCH 9:11,1000,* FLAGS', [9, 10, 11, 1000, 1234].map((i) => `* ${i} FETCH (FLAGS ${text(i)})`)],
      ['FETCH 2 (FLAGS UID)', ['* 2 FETCH (FLAGS () UID 2)']],
      ['FETCH 2 (UID FLAGS)', ['* 2 FETCH (UID 2 FLAGS ())']],
      ['UID FETCH 3,7 UID', ['* 3 FETCH (UID 3)', '* 7 FETCH (UID 7)']],
      ['UID FETCH 99999 (FLAGS)', []],
    ];
    for (const [command, expected] of answers) {
      const reply = await client.command(command);
      assert.deepEqual([reply.status, reply.untagged], ['OK', expected], command);
    }
  });

  it('holds a slow client back and mixes nothing up where many ask at once', options, async () => {
    await using server = await startTestServer();
    const all = Array.from({ length: 2000 }, (_, i) => i + 1);
    const long = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(100, 'x'));
    await insert(
      server,
      all.map(() => long),
    );
    const clients = await Promise.all(Array.from({ length: 8 }, () => server.open('Caught')));
    const expected = all.map((i) => `* ${i} FETCH (UID ${i} FLAGS (${long.join(' ')}))`);
    for (const client of clients.slice(4)) client.socket.pause();
    const asked = clients.map((client) => client.command('UID FETCH 1:* (FLAGS)'));
    for (const answer of asked.slice(0, 4)) assert.deepEqual((await answer).untagged, expected);
    for (const client of clients) client.socket.resume();
    for (const answer of asked) assert.deepEqual((await answer).untagged, expected);
  });

  it('shows what any process has committed, and passes over what has gone', options, async () => {
    await using server = await startTestServer();
    await insert(server, [[], [], []]);
    const client = await server.open('Caught');
    const storage = await openStorage(server.storeUrl, { log: server.quarantine.log });
    try {
      const elsewhere: Quarantine = { ...server.quarantine, storage };
      await change(elsewhere, [2], 'add', '\\Seen');
      assert.deepEqual((await client.command('FETCH 1:* (FLAGS)')).untagged, [
        '* 1 FETCH (FLAGS ())',
        '* 2 FETCH (FLAGS (\\Seen))',
        '* 3 FETCH (FLAGS ())',
      ]);
      const other = await server.open('Caught');
      await other.command('UID MOVE 1 "Not Spam"');
      assert.deepEqual((await client.command('FETCH 1:* (UID FLAGS)')).untagged, [
        '* 2 FETCH (UID 2 FLAGS (\\Seen))',
        '* 3 FETCH (UID 3 FLAGS ())',
      ]);
    } finally {
      await storage.close();
    }
  });

  it('takes as much room for a line as its flags need', () => {
    const lines = new FlagLines(
      [
        { kind: 'uid', label: 'UID' },
        { kind: 'flags', label: 'FLAGS' },
      ],
      Buffer.alloc(200),
    );
    const long = new FlagSet(Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(128, 'x')));
    assert.equal(lines.add(4_294_967_295, 4_294_967_295, long), true);
    assert.equal(lines.add(1, 1, long), false);
    assert.equal(lines.bytes.toString(), `* 4294967295 FETCH (UID 4294967295 FLAGS ${long.text})\r\n`);
    lines.clear();
    const short = new FlagSet(['\\Seen']);
    for (let i = 1; lines.add(i, i, short); i++) assert.ok(i < 1000);
    assert.match(lines.bytes.toString(), /^(\* (\d+) FETCH \(UID \2 FLAGS \(\\Seen\)\)\r\n)+$/);
  });
});

describe('flags that a client was told', () => {
  for (const items of ['(FLAGS)', '(FLAGS RFC822.SIZE)']) {
    it(`by FETCH ${items} and that are as before again are announced`, options, async () => {
      await using server = await startTestServer();
      await insert(server, [[]]);
      const client = await server.open('Caught');
      await change(server.quarantine, [1], 'add', 'x');
      assert.match((await client.command(`FETCH 1 ${items}`)).untagged.join(), /FLAGS \(x\)/);
      await change(server.quarantine, [1], 'remove', 'x');
      assert.deepEqual((await client.command('NOOP')).untagged, ['* 1 FETCH (UID 1 FLAGS ())']);
      assert.deepEqual((await client.command('NOOP')).untagged, []);
    });

    it(`by STORE, then others by FETCH ${items}, are announced when they are back`, options, async () => {
      await using server = await startTestServer();
      await insert(server, [[]]);
      const client = await server.open('Caught');
      assert.deepEqual((await client.command('STORE 1 +FLAGS (x)')).untagged, ['* 1 FETCH (FLAGS (x))']);
      await change(server.quarantine, [1], 'remove', 'x');
      assert.match((await client.command(`FETCH 1 ${items}`)).untagged.join(), /FLAGS \(\)/);
      await change(server.quarantine, [1], 'add', 'x');
      assert.deepEqual((await client.command('NOOP')).untagged, ['* 1 FETCH (UID 1 FLAGS (x))']);
    });
  }

  it('silently replacing flags also tells of our marks, which it leaves alone', options, async () => {
    await using server = await startTestServer();
    await insert(server, [[]]);
    const client = await server.open('Caught');
    await client.command('UID COPY 1 "Not Spam"');
    assert.deepEqual((await client.command('STORE 1 FLAGS.SILENT (\\Seen)')).untagged, []);
    assert.deepEqual((await client.command('NOOP')).untagged, ['* 1 FETCH (UID 1 FLAGS (\\Seen $Reported))']);
  });
});
