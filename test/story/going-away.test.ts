// A server is told to stop while people and mail servers are at work: nobody loses anything, everybody is told, and another process on
// the same store goes on at once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import german from '../../src/languages/de.ts';
import { startServer } from '../../src/main.ts';
import { defaultSettings } from '../../src/settings.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { RawImap } from '../helpers/raw-imap.ts';
import { RawSmtp, stuffed } from '../helpers/raw-smtp.ts';
import { password, sampleMail, startTestServer } from '../helpers/server.ts';

const bye = '* BYE The quarantine is stopping. Please connect again later.';

/** A store whose writes wait, once the gate is shut, until it opens. */
function gatedWrites() {
  let gate: PromiseWithResolvers<void> | null = null;
  let waiting = 0;
  let wake = (): void => undefined;
  const pass = async (): Promise<void> => {
    if (gate === null) return;
    waiting++;
    wake();
    await gate.promise;
  };
  return {
    shut: () => (gate = Promise.withResolvers<void>()),
    open: () => gate?.resolve(),
    /** Resolves when so many writes wait. */
    async held(count: number) {
      while (waiting < count) await new Promise<void>((resolve) => (wake = resolve));
    },
    wrapStorage: (storage: Storage): Storage => ({
      ...storage,
      async commit(changes, drop) {
        await pass();
        return storage.commit(changes, drop);
      },
      async insert(arrival, now) {
        await pass();
        return storage.insert(arrival, now);
      },
    }),
  };
}

describe('a server that is told to stop', { timeout: 60_000 }, () => {
  it('accepts nobody any more, answers what is under way, and then says goodbye', async () => {
    const writes = gatedWrites();
    await using server = await startTestServer({ wrapStorage: writes.wrapStorage });
    await server.handIn(sampleMail('To be released'));
    const [moving, idling, still] = [await server.open('Caught'), await server.open('Caught'), await server.imap()];
    await idling.idle();
    const sending = await RawSmtp.greet(server.door('caught'), 'LHLO filter.example');
    await sending.pipeline('MAIL FROM:<sender@remote.example>', 'RCPT TO:<bob@example.com>');
    assert.match(await sending.command('DATA'), /^354 /);
    const waiting = await RawSmtp.greet(server.door('outgoing'), 'LHLO filter.example');

    writes.shut();
    moving.write('m UID MOVE 1 Release\r\n');
    sending.write(stuffed(sampleMail('Under way')));
    await writes.held(2);
    const closed = server.server.close();

    for (const client of [idling, still]) {
      assert.equal(await client.read(), bye);
      await client.closed;
    }
    assert.match(await waiting.reply(), /^421 4\.3\.2 /);
    for (const port of [server.port('IMAPS'), server.port('IMAP')])
      await assert.rejects(RawImap.connect(port), { code: 'ECONNREFUSED' });
    for (const folder of ['caught', 'outgoing', 'training'] as const)
      await assert.rejects(RawSmtp.connect(server.door(folder)), { code: 'ECONNREFUSED' });

    writes.open();
    const moved = await moving.readReply('m');
    assert.equal(moved.status, 'OK');
    assert.ok(moved.untagged.includes('* 1 EXPUNGE'), moved.untagged.join());
    assert.equal(await moving.read(), bye);
    assert.match(await sending.reply(), /^250 /);
    assert.match(await sending.reply(), /^421 4\.3\.2 /);
    await closed;

    const messages = await server.storage.find({ role: 'global' }, { which: 'all' });
    const states = messages.map(({ owner, delivery }) => [owner.address, delivery?.state]);
    // Nobody was left to deliver it: it is due for whoever comes next.
    assert.deepEqual(Object.fromEntries(states), { 'alice@example.com': 'due', 'bob@example.com': undefined });
  });

  it('waits only so long for those who stall', async () => {
    const writes = gatedWrites();
    await using server = await startTestServer({ wrapStorage: writes.wrapStorage, parts: { drainMs: 20 } });
    await server.handIn(sampleMail('To be released'));
    const moving = await server.open('Caught');
    const sending = await RawSmtp.greet(server.door('caught'), 'LHLO filter.example');
    await sending.pipeline('MAIL FROM:<sender@remote.example>', 'RCPT TO:<bob@example.com>', 'DATA');
    sending.write('Subject: never ending');
    writes.shut();
    moving.write('m UID MOVE 1 Release\r\n');
    await writes.held(1);
    await server.server.close();
    assert.equal(await moving.read(), bye);
    assert.match(await sending.reply(), /^421 4\.3\.2 /);
    writes.open();
  });

  it('gives a slow delivery back, and another process makes it at once', async () => {
    // The clock stands still, so that no lease runs out: what is claimed a second time was given back.
    await using server = await startTestServer({ farEnd: { script: [{ mail: 'silence' }] }, parts: { drainMs: 20 } });
    await server.handIn(sampleMail('To be delivered'));
    const client = await server.open('Caught');
    assert.equal((await client.command('UID MOVE 1 Release')).status, 'OK');
    while (!server.farEnd.sessions[0]?.lines.some((line) => line.startsWith('MAIL')))
      await new Promise((resolve) => setImmediate(resolve));

    const storage = await openStorage(server.storeUrl, { log: server.quarantine.log });
    const settings = { ...defaultSettings(server.directory), roles: ['worker' as const] };
    const other = await startServer(
      { ...settings, http: { ...settings.http, port: 0 } },
      { ...server.quarantine, storage },
    );
    try {
      await other.worker?.idle();
      assert.equal(server.farEnd.received.length, 0);
      await server.server.close();
      const { recipients } = await server.farEnd.nextReceived();
      assert.deepEqual(recipients, ['alice@example.com']);
      await other.worker?.idle();
    } finally {
      await other.close();
      await storage.close();
    }
    assert.equal(server.farEnd.sessions.length, 2);
    const [message] = await server.storage.find({ role: 'global' }, { which: 'all' });
    // Given back means not tried: the delivery counts one attempt, that of the other process.
    assert.deepEqual([message?.delivery?.state, message?.delivery?.attempts], ['done', 1]);
  });
});

it('who is refused at the door, and who is sent away, is told so in the language of the settings', async () => {
  const utf8 = (text: string): string => Buffer.from(text, 'latin1').toString();
  await using server = await startTestServer({ sentences: german });
  const clear = await RawImap.connect(server.port('IMAP'), { tls: 'none' });
  const refused = await clear.login('alice@example.com', password);
  assert.equal(utf8(refused.text), `[PRIVACYREQUIRED] ${german.sessions.passwordInClear}`);
  await clear.close();
  const stranger = await RawImap.connect(server.port('IMAPS'));
  const wrong = await stranger.login('alice@example.com', 'a guess');
  assert.equal(utf8(wrong.text), `[AUTHENTICATIONFAILED] ${german.sessions.wrongPassword}`);
  const person = await server.imap();
  await Promise.all([server.server.close(), person.closed, stranger.closed]);
  assert.equal(utf8(await person.read()), `* BYE ${german.sessions.endings.stopping}`);
});
