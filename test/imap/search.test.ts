import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionGone } from '../../src/imap/answers.ts';
import { parseLine } from '../../src/imap/arguments.ts';
import type { ImapConnection } from '../../src/imap/command.ts';
import { CommitWatch } from '../../src/imap/commit-watch.ts';
import { flaggedMessages } from '../../src/imap/flag-set.ts';
import { MessageSequence } from '../../src/imap/message-sequence.ts';
import { search } from '../../src/imap/search.ts';
import { OpenMailbox } from '../../src/imap/selected.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { newContent, newMessage } from '../helpers/messages.ts';
import { testNow } from '../helpers/quarantine.ts';
import { sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';

const options = { timeout: 30_000 };

/** Answers searches as the test says. */
function searching(search: Storage['search']): { wrapStorage: (storage: Storage) => Storage } {
  return { wrapStorage: (storage) => ({ ...storage, search }) };
}

describe('SEARCH', () => {
  it('answers in the numbers of the session, which other sessions do not change', options, async () => {
    await using server = await startTestServer();
    for (const name of ['one', 'two', 'three']) await server.handIn(sampleMail(name));
    const client = await server.open('Caught');
    const other = await server.open('Caught');
    await other.command('STORE 1 +FLAGS (\\Deleted)');
    await other.command('EXPUNGE');
    await server.handIn(sampleMail('four'));
    const both = async (what: string): Promise<string[]> => [
      ...(await client.command(`SEARCH ${what}`)).untagged,
      ...(await client.command(`SEARCH 1:2 ${what}`)).untagged,
    ];
    assert.deepEqual(
      await both('SUBJECT t'),
      ['* SEARCH 2 3', '* SEARCH 2'],
      'neither what left nor what is not told yet',
    );
    assert.deepEqual((await client.command('UID SEARCH SUBJECT t')).untagged, [
      '* SEARCH 2 3',
      '* 1 EXPUNGE',
      '* 3 EXISTS',
    ]);
    assert.deepEqual(await both('NOT SUBJECT three'), ['* SEARCH 1 3', '* SEARCH 1']);
  });

  it('answers 12,000 numbers in one line', options, async () => {
    await using server = await startTestServer();
    const content = newContent();
    for (let i = 0; i < 12; i++) {
      const messages = Array.from({ length: 1000 }, () => newMessage({ content }));
      await server.storage.insert({ content, messages, skipKnown: false }, testNow);
    }
    const client = await server.open('Caught');
    const { untagged } = await client.command('SEARCH NOT TEXT absent');
    assert.deepEqual(untagged, [`* SEARCH ${Array.from({ length: 12_000 }, (_, i) => i + 1).join(' ')}`]);
  });

  it('says so when it would take too long, and the session goes on', options, async () => {
    await using server = await startTestServer(searching(() => Promise.resolve(null)));
    await server.handIn(sampleMail('one'));
    const client = await server.open('Caught');
    const { status, code, text, untagged } = await client.command('SEARCH TEXT anything');
    assert.deepEqual([status, code, untagged], ['NO', 'LIMIT', []]);
    assert.match(text, /takes too long/);
    assert.equal((await client.command('NOOP')).status, 'OK');
  });

  it('ends when its client goes away, and until then says that it still works', options, async (t) => {
    await using server = await startTestServer();
    await server.handIn(sampleMail('one'));
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { storage } = server.quarantine;
    const ended = Promise.withResolvers<null>();
    const asked: (AbortSignal | undefined)[] = [];
    const waiting: Storage = {
      ...storage,
      search(_scope, _view, _condition, signal) {
        asked.push(signal);
        signal?.addEventListener('abort', () => ended.resolve(null));
        return ended.promise;
      },
    };
    const { connection, written, goAway } = await selected(server);
    const quarantine = { ...server.quarantine, storage: waiting };
    const command = search({ quarantine, dropFolders: 'empty', commits: new CommitWatch(waiting) });
    const call = { name: 'SEARCH', uid: false, args: parseLine('a SEARCH TEXT anything', []).args };
    const answer = command.handle(connection, call);
    t.mock.timers.tick(20_000);
    assert.deepEqual(written, ['* OK Still searching\r\n', '* OK Still searching\r\n']);
    assert.equal(asked[0]?.aborted, false);
    goAway();
    await assert.rejects(answer, ConnectionGone);
    t.mock.timers.tick(20_000);
    assert.equal(written.length, 2);
  });
});

/** A connection that has Caught open, seen from the command's side. */
async function selected({ quarantine, storage }: TestServer): Promise<{
  connection: ImapConnection<OpenMailbox>;
  written: string[];
  goAway: () => void;
}> {
  const scope = scopeOfLogin('alice@example.com');
  const folder = quarantine.folders.find('Caught', 'user');
  assert.ok(folder?.kind === 'view');
  const messages = MessageSequence.of(flaggedMessages(await storage.openMailbox(scope, 'caught')));
  const written: string[] = [];
  let isClosed = false;
  const listeners: (() => void)[] = [];
  const connection: Partial<ImapConnection<OpenMailbox>> = {
    selected: new OpenMailbox({
      ...{ quarantine, scope, folder, messages, readOnly: false, live: null, isHidden: false },
      commits: new CommitWatch(storage),
      onClose: () => undefined,
    }),
    get closed() {
      return isClosed;
    },
    write: async (bytes) => void written.push(String(bytes)),
    onClose: (listener) => void listeners.push(listener),
  };
  const goAway = (): void => {
    isClosed = true;
    for (const listener of listeners) listener();
  };
  return { connection: connection as ImapConnection<OpenMailbox>, written, goAway };
}
