// A process loses its store for a while: it says so in plain words, and when the store is back, its sessions hear of everything that
// happened meanwhile, once, and its worker goes on. Against the server that TEST_MONGODB_URL names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { password } from '../../test/helpers/server.ts';
import { login, startTwoServers } from './two-servers.ts';

process.env.TEST_STORE = process.env.TEST_MONGODB_URL;
assert.ok(process.env.TEST_STORE, 'TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

test('a session in IDLE hears of all that happened while its process had lost the store, each once', async () => {
  await using servers = await startTwoServers();
  const { near, far, relay } = servers;
  for (const subject of ['one', 'two', 'three']) assert.match(await near.handIn(subject), /^250 /);
  const session = await far.open();
  const idling = await session.idle();
  const other = await near.open();

  for (let outage = 0; outage < 3; outage++) {
    // Each time one arrives that stays, one that is gone before the session could hear of it, and one goes that it knows.
    relay.cut();
    assert.match(await near.handIn(`stays ${outage}`), /^250 /);
    assert.match(await near.handIn(`comes and goes ${outage}`), /^250 /);
    await other.command('NOOP');
    const { untagged } = await other.command('UID SEARCH ALL');
    const uids = /^\* SEARCH (.*)$/m.exec(untagged.join('\n'))?.[1]?.split(' ') ?? [];
    assert.equal((await other.command(`UID MOVE ${uids[0]},${uids.at(-1)} "Not Spam"`)).status, 'OK');
    relay.mend();
    // Read together, one gone and one come; the EXPUNGE goes first.
    assert.deepEqual([await session.read(), await session.read()], ['* 1 EXPUNGE', '* 3 EXISTS']);
  }
  const { status, untagged } = await idling.done();
  assert.deepEqual([status, untagged], ['OK', []]);
  const [seen, there] = [await session.command('UID SEARCH ALL'), await other.command('UID SEARCH ALL')];
  assert.deepEqual(
    seen.untagged,
    [there.untagged.at(-1)],
    'nothing is announced a second time, and nothing is missing',
  );
});

test('a process without its store says so, refuses nothing for good, and goes on when it is back', async () => {
  await using servers = await startTwoServers();
  const { near, far, relay, farEnd } = servers;
  assert.match(await near.handIn('to be released'), /^250 /);
  const session = await far.open();
  const ready = (): Promise<Response> => fetch(`http://127.0.0.1:${far.port('HTTP')}/readyz`);
  assert.equal((await ready()).status, 200);

  relay.cut();
  for (const command of ['STATUS Caught (MESSAGES)', 'UID MOVE 1 Release', 'SELECT Caught']) {
    const { status, code, text } = await session.command(command);
    assert.deepEqual([status, code], ['NO', 'UNAVAILABLE'], command);
    assert.match(text, /cannot reach its stored mail just now\. Please try again later\./);
  }
  const stranger = await RawImap.connect(far.port('IMAPS'));
  assert.equal((await stranger.login(login, password)).code, 'UNAVAILABLE');
  await stranger.close();
  assert.match(await far.handIn('in vain'), /^4\d\d 4\.\d\.\d /);
  const unready = await ready();
  assert.equal(unready.status, 503);
  assert.match(await unready.text(), /^fail store: the store did not answer/m);
  assert.equal((await fetch(`http://127.0.0.1:${far.port('HTTP')}/livez`)).status, 200);
  // Only the cut process has a worker.
  assert.equal((await (await near.open()).command('UID MOVE 1 Release')).status, 'OK');

  relay.mend();
  const { recipients } = await farEnd.nextReceived();
  assert.deepEqual(recipients, [login]);
  while ((await ready()).status !== 200);
  const again = await session.command('SELECT Caught');
  assert.equal(again.status, 'OK');
  assert.ok(again.untagged.includes('* 0 EXISTS'));
  assert.match(await far.handIn('once more'), /^250 /);
  assert.equal((await session.command('NOOP')).untagged.at(-1), '* 1 EXISTS');
  assert.equal(farEnd.received.length, 1);
});
