// A session on one process hears of what happens on another, by change stream where the server that TEST_MONGODB_URL names has them, and by
// polling. How long it took is told and not judged: scripts/bench/processes.ts measures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Collection } from 'mongodb';
import type { Reply } from '../../test/helpers/raw-imap.ts';
import { startTwoServers } from './two-servers.ts';

process.env.TEST_STORE = process.env.TEST_MONGODB_URL;
assert.ok(process.env.TEST_STORE, 'TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

const rounds = 10;

test('arrival, flags and removal on one process are told to a session in IDLE on another', async (context) => {
  await listenElsewhere(context);
});

test('also where there are no change streams', async (context) => {
  // What the driver asks to find out whether there are any.
  const refusal = Object.assign(new Error('no change streams here'), { name: 'MongoChangeStreamError' });
  context.mock.method(Collection.prototype, 'watch', () => ({
    tryNext: () => Promise.reject(refusal),
    close: () => Promise.resolve(),
  }));
  const abilities = await listenElsewhere(context);
  assert.equal((abilities as { changeStreams?: boolean }).changeStreams, false);
});

async function listenElsewhere(context: TestContext): Promise<unknown> {
  await using servers = await startTwoServers();
  const { near, far, logged } = servers;
  const session = await far.open();
  const other = await near.open();
  const idling = await session.idle();
  const told: number[] = [];
  const expect = async (line: RegExp, cause: Promise<Reply | string>): Promise<void> => {
    const answer = await cause;
    assert.match(typeof answer === 'string' ? answer : answer.status, /^(250 .*|OK)$/);
    const since = performance.now();
    assert.match(await session.read(), line);
    told.push(Math.round(performance.now() - since));
  };
  for (let round = 1; round <= rounds; round++) {
    await expect(/^\* 1 EXISTS$/, near.handIn(`notice ${round}`));
    await other.command('NOOP');
    await expect(/^\* 1 FETCH \(UID \d+ FLAGS \(\\Seen\)\)$/, other.command('STORE 1 +FLAGS.SILENT (\\Seen)'));
    await expect(/^\* 1 EXPUNGE$/, other.command('UID MOVE 1:* "Not Spam"'));
  }
  assert.deepEqual((await idling.done()).untagged, []);
  told.sort((a, b) => a - b);
  const abilities = logged.findLast(({ fields }) => 'abilities' in fields)?.fields['abilities'];
  context.diagnostic(
    `${JSON.stringify(abilities)}: told ${told[Math.floor(told.length / 2)]} ms (median), ${told.at(-1)} ms (slowest) after the ` +
      'answer to whoever did it',
  );
  return abilities;
}
