// A session on one process hears of what happens on another, by change stream or, where the server that TEST_MONGODB_URL names has none, by
// polling. How long it took is told and not judged: scripts/bench/processes.ts measures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTwoServers } from './two-servers.ts';

process.env.TEST_STORE = process.env.TEST_MONGODB_URL;
assert.ok(process.env.TEST_STORE, 'TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

test('arrival, flags and removal on one process are told to a session in IDLE on another', async (context) => {
  await using servers = await startTwoServers();
  const { near, far, logged } = servers;
  const session = await far.open();
  const other = await near.open();
  const idling = await session.idle();
  const told: number[] = [];
  const expect = async (line: string, cause: Promise<unknown>): Promise<void> => {
    await cause;
    const since = performance.now();
    assert.equal(await session.read(), line);
    told.push(Math.round(performance.now() - since));
  };
  for (let round = 1; round <= 10; round++) {
    await expect('* 1 EXISTS', near.handIn(`notice ${round}`));
    await other.command('NOOP');
    await expect(`* 1 FETCH (UID ${round} FLAGS (\\Seen))`, other.command('STORE 1 +FLAGS.SILENT (\\Seen)'));
    await expect('* 1 EXPUNGE', other.command('UID MOVE 1:* "Not Spam"'));
  }
  assert.deepEqual((await idling.done()).untagged, []);
  const abilities = logged.findLast(({ fields }) => 'abilities' in fields)?.fields['abilities'];
  told.sort((a, b) => a - b);
  context.diagnostic(
    `${JSON.stringify(abilities)}: told ${told[15]} ms (median), ${told.at(-1)} ms (slowest) after the answer to the one who did it`,
  );
});
