// The first login of a person, in a real mail program's words: the help in INBOX, what can be done with it, and that a login never depends on it.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openAccounts } from '../../src/accounts/open-accounts.ts';
import { password, startTestServer } from '../helpers/server.ts';
import type { TestServerOptions } from '../helpers/server.ts';

const options = { timeout: 30_000 };
const login = 'alice@example.com';

async function newcomer(given: TestServerOptions = {}) {
  const server = await startTestServer({ ...given, logins: [] });
  await openAccounts(server.quarantine, given.parts?.accounts).create(login, password);
  return server;
}

it(
  'a new login finds one unread message that explains the folders, and so does the next mail program',
  options,
  async () => {
    await using server = await newcomer();
    for (const _ of ['laptop', 'telephone']) {
      const client = await server.open('INBOX', login);
      const status = await client.command('STATUS INBOX (MESSAGES UNSEEN)');
      assert.deepEqual(status.untagged, ['* STATUS "INBOX" (MESSAGES 1 UNSEEN 1)']);
      const { untagged } = await client.command('FETCH 1 (BODY.PEEK[1] BODY.PEEK[2])');
      const parts = /BODY\[1\] \{\d+\}\r\n(.*) BODY\[2\] \{\d+\}\r\n(.*)\)$/s.exec(untagged.join());
      assert.match(parts?.[1] ?? '', /^Release: Drag a message here to have it delivered to its recipients\.\r$/m);
      assert.match(parts?.[2] ?? '', /<th [^>]*>Release<\/th><td>Drag a message here/);
    }
  },
);

it('it can be read and deleted, and dragged nowhere', options, async () => {
  await using server = await newcomer();
  const client = await server.open('INBOX', login);
  for (const drop of ['Release', 'Spam', 'Not Spam']) {
    const reply = await client.command(`UID MOVE 1:* "${drop}"`);
    assert.deepEqual([reply.status, reply.code], ['NO', 'CANNOT'], drop);
    assert.match(reply.text, /This is a notice of the quarantine, not mail\./);
  }
  assert.match((await client.command('UID MOVE 1:* Trash')).text, /^1 message was deleted\.$/);
  assert.deepEqual((await (await server.imap(login)).command('STATUS INBOX (MESSAGES)')).untagged, [
    '* STATUS "INBOX" (MESSAGES 0)',
  ]);
});

it('a login does not depend on it: when it cannot be written, the next login tries again', options, async () => {
  let fails = true;
  await using server = await newcomer({
    wrapStorage: (storage) => ({
      ...storage,
      insert: (...given) => (fails ? Promise.reject(new Error('disk full')) : storage.insert(...given)),
    }),
  });
  const client = await server.open('INBOX', login);
  assert.deepEqual((await client.command('STATUS INBOX (MESSAGES)')).untagged, ['* STATUS "INBOX" (MESSAGES 0)']);
  const warned = server.logged.filter(({ fields }) => fields['event'] === 'account');
  assert.deepEqual(
    warned.map(({ level, fields }) => [level, fields['login']]),
    [['warn', login]],
  );
  fails = false;
  await server.imap(login);
  assert.deepEqual((await client.command('NOOP')).untagged, ['* 1 EXISTS'], 'who is there already is told');
});
