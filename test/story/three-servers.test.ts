// Three whole servers on one store, as behind a balancer: people on all of them release the same mail at the same time while one of the
// servers goes away. Each message is delivered once, by whichever server, and everybody sees the same mailbox.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { startServer } from '../../src/main.ts';
import type { RunningServer, ServerParts } from '../../src/main.ts';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { RawImap } from '../helpers/raw-imap.ts';
import { RawSmtp, stuffed } from '../helpers/raw-smtp.ts';
import { password, sampleMail, startTestServer, testSettings } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';

const people = ['alice@example.com', 'bob@example.com', 'carol@example.com'];
const perPerson = 20;
const parts: ServerParts = { drainMs: 100 };

/** One more server on the store of the first one; what it opened is closed with it. */
async function another(first: TestServer, name: string): Promise<RunningServer> {
  const storage = await openStorage(first.storeUrl, { log: first.quarantine.log });
  const quarantine = { ...first.quarantine, storage, domains: await openDomainDirectory(storage) };
  const server = await startServer(testSettings(join(first.directory, name), first.farEnd.url), quarantine, parts);
  let closed: Promise<void> | null = null;
  return { ...server, close: () => (closed ??= server.close().then(() => storage.close())) };
}

function portOf({ listening }: RunningServer, name: 'IMAPS' | 'LMTP', folder?: string): number {
  const found = listening.find((one) => one.name === name && one.folder === folder);
  assert.ok(found);
  return found.port;
}

async function hand(server: RunningServer, subject: string, recipient: string): Promise<void> {
  const client = await RawSmtp.greet(portOf(server, 'LMTP', 'caught'), 'LHLO filter.example');
  await client.command('MAIL FROM:<sender@remote.example>');
  await client.command(`RCPT TO:<${recipient}>`);
  assert.match(await client.command('DATA'), /^354/);
  client.write(stuffed(sampleMail(subject)));
  assert.match(await client.reply(), /^250/);
  await client.command('QUIT');
}

async function openCaught(server: RunningServer, login: string): Promise<RawImap> {
  const client = await RawImap.connect(portOf(server, 'IMAPS'));
  assert.equal((await client.login(login, password)).status, 'OK');
  assert.equal((await client.command('SELECT Caught')).status, 'OK');
  return client;
}

const subjectOf = (content: Buffer): string => /^Subject: (.*)\r$/m.exec(content.toString())?.[1] ?? '';

it('deliver each released message once, also when one of them goes away meanwhile', { timeout: 120_000 }, async () => {
  const ready = Promise.withResolvers<string>();
  // More than three servers may try at once: all that is tried first waits for the test.
  const script = Array.from({ length: 15 }, () => ({ data: () => ready.promise }));
  await using first = await startTestServer({ farEnd: { script }, parts });
  const { farEnd } = first;
  const [second, third] = [await another(first, 'second'), await another(first, 'third')];
  const servers = [first.server, second, third];
  const clients: RawImap[] = [];
  try {
    const subjects: string[] = [];
    for (const [i, recipient] of people.entries())
      await Promise.all(
        Array.from({ length: perPerson }, (_, number) => {
          const subject = `Mail ${number} to ${recipient}`;
          subjects.push(subject);
          return hand(servers[(i + number) % 3] ?? first.server, subject, recipient);
        }),
      );
    const places: [RunningServer, string][] = [
      [first.server, 'alice@example.com'],
      [third, 'alice@example.com'],
      [second, 'bob@example.com'],
      [third, 'example.com'],
      [first.server, 'global'],
    ];
    for (const [server, login] of places) clients.push(await openCaught(server, login));
    const [alice, , bob] = clients;

    const replies = await Promise.all(clients.map((client) => client.command('UID MOVE 1:* Release')));
    assert.deepEqual(
      replies.map(({ status }) => status),
      replies.map(() => 'OK'),
      replies.map(({ text }) => text).join('\n'),
    );
    const atData = (): number => farEnd.sessions.filter(({ lines }) => lines.at(-1) === 'DATA').length;
    while (atData() < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    await second.close();
    assert.match((await bob?.read()) ?? '', /^\* BYE /);
    assert.ok(farEnd.sessions.length <= 15, `${farEnd.sessions.length} at once`);
    assert.equal(farEnd.received.length, 0);
    ready.resolve('354 go ahead');

    while (farEnd.received.length < subjects.length) await farEnd.nextReceived();
    await first.server.worker?.idle();
    await third.worker?.idle();
    assert.deepEqual(farEnd.received.map(({ content }) => subjectOf(content)).sort(), subjects.sort());
    const messages = await first.storage.find({ role: 'global' }, { which: 'all', limit: 100 });
    assert.deepEqual(
      messages.map(({ delivery, visibleTo }) => [delivery?.state, delivery?.attempts, visibleTo.length]),
      subjects.map(() => ['done', 1, 0]),
    );
    assert.deepEqual(
      first.logged.filter(({ level }) => level === 'error'),
      [],
    );
    assert.match((await alice?.command('STATUS Caught (MESSAGES)'))?.untagged.join() ?? '', /MESSAGES 0/);
  } finally {
    ready.resolve('354 go ahead');
    await Promise.all(clients.map((client) => client.close()));
    await second.close();
    await third.close();
  }
});
