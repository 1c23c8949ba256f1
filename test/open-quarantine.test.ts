import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openQuarantine, policyOf } from '../src/open-quarantine.ts';
import type { Log } from '../src/quarantine/ports.ts';
import { defaultSettings, loadSettings } from '../src/settings.ts';
import { testDomain, testPolicy } from './helpers/quarantine.ts';

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-open-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function reached(isReached: () => boolean): Promise<void> {
  while (!isReached()) await nextTurn();
}

test('a domain that one process adds is known to another that runs, and gone when it is removed', async () => {
  await inDirectory(async (directory) => {
    const settings = defaultSettings(directory);
    const server = await openQuarantine(settings, { log });
    const command = await openQuarantine(settings, { log });
    try {
      const { domains } = server.quarantine;
      await command.quarantine.storage.domains.put(testDomain({ name: 'new.example', aliases: ['alias.example'] }));
      await reached(() => domains.find('alias.example') !== undefined);
      assert.equal(domains.ownerOf('A+x@alias.example')?.address, 'a@new.example');
      await command.quarantine.storage.domains.remove('new.example');
      await reached(() => domains.find('new.example') === undefined);
    } finally {
      await command.close();
      await server.close();
    }
  });
});

test('the data directory is made for its owner alone', async () => {
  await inDirectory(async (directory) => {
    const opened = await openQuarantine(defaultSettings(directory), { log });
    await opened.close();
    const { mode } = await stat(join(directory, 'data'));
    assert.equal(mode & 0o777, 0o700);
  });
});

test('a store that cannot be opened is an error, and nothing is left open', async () => {
  await inDirectory(async (directory) => {
    await writeFile(join(directory, 'data'), 'a file where the directory should be');
    await assert.rejects(openQuarantine(defaultSettings(directory), { log }), /EEXIST|ENOTDIR/);
  });
});

test('the rules are those of the settings', async () => {
  await inDirectory(async (directory) => {
    const { hostname } = defaultSettings(directory);
    assert.deepEqual(
      policyOf(defaultSettings(directory)),
      testPolicy({
        hostname,
        maxMessageBytes: 50_000_000,
        releaseRights: { spam: ['global', 'domain', 'user'], virus: ['global'] },
      }),
    );
    const file = join(directory, 'lazaretto.yaml');
    await writeFile(
      file,
      [
        'hostname: q.example.net',
        'retention: { caught: 1d, outgoing: 2d, training: 3d, undo: 1h, history: 9d }',
        'delivery: { retryFor: 5h }',
        'rights: { release: { spam: [global] }, outgoing: [domain, global] }',
        'limits: { messageBytes: 1MB }',
        'training: [ { type: maildir, name: archive } ]',
        'confirmCaught: true',
        'trustedHosts: [ filter.example.net ]',
      ].join('\n'),
    );
    const dayMs = 86_400_000;
    assert.deepEqual(policyOf(loadSettings(file)), {
      hostname: 'q.example.net',
      retentionMs: { caught: dayMs, outgoing: 2 * dayMs, training: 3 * dayMs, notices: 2 * dayMs },
      undoMs: 3_600_000,
      historyMs: 9 * dayMs,
      retryForMs: 5 * 3_600_000,
      releaseRights: { spam: ['global'], virus: ['global'] },
      outgoingRights: ['domain', 'global'],
      confirmCaught: true,
      reportTargets: ['archive'],
      maxMessageBytes: 1_000_000,
      trustedHosts: ['filter.example.net'],
    });
  });
});
