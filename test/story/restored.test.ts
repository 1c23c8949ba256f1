// A store is lost and put back from a backup. What was delivered since is not delivered again, mail programs begin anew, and the
// administrator decides what becomes of the rest.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startServer } from '../../src/main.ts';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { listJobs, retryJobs } from '../../src/quarantine/jobs.ts';
import { defaultSettings } from '../../src/settings.ts';
import type { Settings } from '../../src/settings.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { backUpSqlite } from '../../src/storage/sqlite/backup.ts';
import { RawImap } from '../helpers/raw-imap.ts';
import { password, sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';

const dayMs = 86_400_000;

function uidValidity(untagged: readonly string[]): number {
  const [, value] = /UIDVALIDITY (\d+)/.exec(untagged.join('\n')) ?? [];
  assert.ok(value, untagged.join('\n'));
  return Number(value);
}

function subjects({ farEnd }: TestServer): string[] {
  return farEnd.received.map(({ content }) => /^Subject: (.*)\r$/m.exec(content.toString())?.[1] ?? '');
}

function trace(content: Buffer | undefined): string | undefined {
  return /^X-Lazaretto-Release: (.*)\r$/m.exec(content?.toString() ?? '')?.[1];
}

function settingsFor(server: TestServer): Settings {
  const settings = defaultSettings(server.directory);
  return {
    ...settings,
    http: { ...settings.http, port: 0 },
    imap: {
      ...settings.imap,
      listen: settings.imap.listen.map((each) => ({ ...each, address: '127.0.0.1', port: 0 })),
    },
    intake: settings.intake.map((each) => ({ ...each, port: 0 })),
    delivery: { ...settings.delivery, outgoing: server.farEnd.url },
  };
}

describe('a store that was put back from a backup', { timeout: 60_000 }, () => {
  it('delivers nothing a second time by itself, and mail programs fetch everything anew', async () => {
    await using server = await startTestServer({ farEnd: { script: [{ mail: '451 4.3.0 later' }] } });
    await server.handIn(sampleMail('Deferred'));
    await server.handIn(sampleMail('Held'));
    await server.handIn(sampleMail('Ordered later'));
    const before = await server.imap();
    const validity = uidValidity((await before.command('SELECT Caught')).untagged);
    assert.equal((await before.command('UID MOVE 1 Release')).status, 'OK');
    await server.server.worker?.idle();
    assert.deepEqual(subjects(server), []);

    // Beside the running server.
    const backup = join(server.directory, 'backup.db');
    backUpSqlite(server.storeUrl.slice('sqlite:'.length), backup);
    await server.pass(dayMs / 24);
    assert.equal((await before.command('UID MOVE 2 Release')).status, 'OK');
    await server.server.worker?.idle();
    await server.handIn(sampleMail('Too late for the backup'));
    assert.deepEqual(subjects(server), ['Deferred', 'Held']);
    await server.server.close();

    const storage = await openStorage(`sqlite:${backup}`, { log: server.quarantine.log });
    const quarantine = { ...server.quarantine, storage, domains: await openDomainDirectory(storage) };
    const restored = await startServer(settingsFor(server), quarantine);
    try {
      server.clock.advance(dayMs);
      await restored.worker?.idle();
      assert.deepEqual(subjects(server), ['Deferred', 'Held'], 'nothing was delivered a second time');

      const port = restored.listening.find(({ name }) => name === 'IMAPS')?.port ?? 0;
      const client = await RawImap.connect(port);
      assert.equal((await client.login('alice@example.com', password)).status, 'OK');
      const selected = await client.command('SELECT Caught');
      assert.ok(uidValidity(selected.untagged) > validity, 'UIDs that a mail program remembers mean nothing any more');
      const seen = (await client.command('UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])')).untagged.join('\n');
      assert.deepEqual(
        [...seen.matchAll(/^Subject: (.*)\r$/gm)].map(([, subject]) => subject),
        ['Held', 'Ordered later'],
        'mail that came after the backup is simply not there',
      );
      // What a person orders now was not ordered before the backup.
      assert.equal((await client.command('UID MOVE 3 Release')).status, 'OK');
      await restored.worker?.idle();
      assert.deepEqual(subjects(server), ['Deferred', 'Held', 'Ordered later']);

      const jobs = await listJobs(quarantine, { ended: false, limit: 9 });
      assert.deepEqual(
        jobs.map(({ state }) => state),
        ['parked'],
      );
      assert.deepEqual(await retryJobs(quarantine, 'parked'), { retried: 1, parked: 0 });
      await restored.worker?.idle();
      assert.deepEqual(
        subjects(server),
        ['Deferred', 'Held', 'Ordered later', 'Deferred'],
        'the administrator said go',
      );
      const [first, , , again] = server.farEnd.received;
      assert.ok(trace(first?.content));
      assert.equal(trace(again?.content), trace(first?.content), 'the far end can tell that it is the same delivery');
      await client.close();
    } finally {
      await restored.close();
      await storage.close();
    }
  });
});
