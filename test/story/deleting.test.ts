// Deleting as mail programs do it: by moving to a trash folder of one name or another, by \Deleted and EXPUNGE, by making the folder first.
// With the setting folders.trash and without it, it works or fails in words; it never trains and never delivers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestLogin, TestServer } from '../helpers/server.ts';

const options = { timeout: 30_000 };
/** As Outlook, Apple Mail and iOS, and everybody else call it. */
const names = ['Trash', 'Deleted Items', 'Deleted Messages'];

async function serverWith(trash: boolean): Promise<TestServer> {
  const server = await startTestServer({ folders: { trash } });
  await server.handIn(sampleMail('one'));
  await server.handIn(sampleMail('two'));
  return server;
}

async function caughtBy(server: TestServer, login: TestLogin): Promise<number> {
  const { untagged } = await (await server.imap(login)).command('STATUS Caught (MESSAGES)');
  return Number(/MESSAGES (\d+)/.exec(untagged.join())?.[1]);
}

async function leaveNoTrace(server: TestServer): Promise<void> {
  await server.pass(0);
  assert.equal(server.farEnd.received.length, 0, 'nothing was delivered');
  assert.deepEqual([...(await server.learned('ham')), ...(await server.learned('spam'))], [], 'nothing was taught');
  assert.equal(await caughtBy(server, 'example.com'), 2, 'the domain still sees both');
}

describe('with the folder Trash', () => {
  it(
    'it is listed once, with its special use, and is there already for whoever wants to make it',
    options,
    async () => {
      await using server = await serverWith(true);
      const client = await server.imap();
      const listed = await client.command('LIST "" "*"');
      assert.deepEqual(
        listed.untagged.filter((line) => /Trash|Deleted/.test(line)),
        ['* LIST (\\HasNoChildren \\Noinferiors \\Trash) "/" "Trash"'],
      );
      for (const name of names) {
        const reply = await client.command(`CREATE "${name}"`);
        assert.deepEqual([reply.status, reply.code], ['NO', 'ALREADYEXISTS'], name);
        assert.match(reply.text, /This folder is here already, as it always is\.$/);
      }
    },
  );

  for (const name of names) {
    it(
      `a message moved to "${name}" leaves the login's view, and a message that is gone is no fault`,
      options,
      async () => {
        await using server = await serverWith(true);
        const client = await server.open('Caught');
        const watcher = await server.open('Caught');
        const moved = await client.command(`UID MOVE 1 "${name}"`);
        assert.match(moved.text, /^1 message was deleted\.$/);
        assert.deepEqual(moved.untagged.at(-1), '* 1 EXPUNGE');
        assert.deepEqual((await watcher.command('NOOP')).untagged, ['* 1 EXPUNGE']);
        assert.equal((await client.command(`UID MOVE 1 "${name}"`)).status, 'OK');
        await leaveNoTrace(server);
      },
    );
  }

  it('copied there and then expunged, as Apple Mail does, a message is gone once', options, async () => {
    await using server = await serverWith(true);
    const client = await server.open('Caught');
    assert.match(
      (await client.command('UID COPY 1 "Deleted Messages"')).text,
      /Nothing was deleted: Trash deletes what is moved there/,
    );
    await client.command('UID STORE 1 +FLAGS.SILENT (\\Deleted)');
    assert.deepEqual((await client.command('UID EXPUNGE 1')).untagged, ['* 1 EXPUNGE']);
    await leaveNoTrace(server);
  });
});

describe('without the folder Trash', () => {
  for (const name of names) {
    it(
      `neither making "${name}" nor moving there does anything, and both say what to do instead`,
      options,
      async () => {
        await using server = await serverWith(false);
        const client = await server.open('Caught');
        const why =
          /The folder Trash is switched off in this quarantine\. Let your mail program mark messages as deleted/;
        for (const [command, code] of [
          [`CREATE "${name}"`, 'CANNOT'],
          [`UID MOVE 1 "${name}"`, 'NONEXISTENT'],
          [`UID COPY 1 "${name}"`, 'NONEXISTENT'],
          [`STATUS "${name}" (MESSAGES)`, 'NONEXISTENT'],
        ]) {
          const reply = await client.command(command ?? '');
          assert.deepEqual([reply.status, reply.code], ['NO', code], command);
          assert.match(reply.text, why);
        }
        assert.equal((await client.command(`SUBSCRIBE "${name}"`)).status, 'OK', 'what Thunderbird does next');
        assert.deepEqual((await client.command('NOOP')).untagged, []);
        await leaveNoTrace(server);
      },
    );
  }

  it(
    'a message marked as deleted, and expunged at once or never, as Outlook and those that were refused do it',
    options,
    async () => {
      await using server = await serverWith(false);
      const client = await server.open('Caught');
      await client.command('UID STORE 1:2 +FLAGS (\\Seen \\Deleted)');
      assert.equal(await caughtBy(server, 'alice@example.com'), 2, 'until they are purged, they are struck through');
      assert.deepEqual((await client.command('EXPUNGE')).untagged, ['* 2 EXPUNGE', '* 1 EXPUNGE']);
      assert.equal(await caughtBy(server, 'alice@example.com'), 0);
      await leaveNoTrace(server);
    },
  );

  it('a folder that is no trash of anybody cannot be made either', options, async () => {
    await using server = await serverWith(false);
    const client = await server.imap();
    for (const name of ['Drafts', 'Gel&APY-schte Elemente', 'Trash/2026', 'My folder/']) {
      const reply = await client.command(`CREATE "${name}"`);
      assert.deepEqual([reply.status, reply.code], ['NO', 'CANNOT'], name);
      assert.match(reply.text, /The folders of the quarantine are fixed: none can be made, renamed or deleted\.$/);
    }
  });
});
