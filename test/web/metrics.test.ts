// The figures as Prometheus reads them: what was counted, what the store says, and what is left out when it says nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { counters, durations, levels } from '../../src/quarantine/meter.ts';
import type { WorkerStorage } from '../../src/quarantine/ports.ts';
import { addCertificateGauge, addStoreGauges } from '../../src/web/gauges.ts';
import { createMetrics } from '../../src/web/metrics.ts';
import { insertMessage } from '../helpers/messages.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import { valueOf } from './exposition.ts';

describe('the metrics', () => {
  test('are named as Prometheus wants it, with their unit and a sentence', () => {
    const all = Object.values({ ...counters, ...durations, ...levels });
    for (const { name, help } of all) {
      assert.match(name, /^lazaretto_[a-z_]+$/);
      assert.match(help, /^[A-Z].*\.$/, name);
    }
    for (const { name } of Object.values(counters)) assert.match(name, /_total$/);
    for (const { name } of Object.values(durations)) assert.match(name, /_duration_seconds$/);
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  });

  test('count, time and stand where they were set', async () => {
    const metrics = createMetrics('1.2.3');
    metrics.count('actions', { folder: 'Release', cause: 'MOVE' });
    metrics.count('actions', { folder: 'Release', cause: 'MOVE' }, 4);
    metrics.count('actions', { folder: 'Spam', cause: 'COPY' }, 0);
    metrics.time('imapCommand', { command: 'UID MOVE' }, 0.003);
    metrics.time('imapCommand', { command: 'UID MOVE' }, 7);
    metrics.set('imapSessions', 3);
    metrics.set('imapSessions', 2);
    const { type, text } = await metrics.exposition();
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    assert.equal(valueOf(text, 'lazaretto_actions_total', { folder: 'Release', cause: 'MOVE' }), 5);
    assert.equal(valueOf(text, 'lazaretto_actions_total', { folder: 'Spam', cause: 'COPY' }), null);
    const duration = 'lazaretto_imap_command_duration_seconds';
    assert.equal(valueOf(text, `${duration}_count`, { command: 'UID MOVE' }), 2);
    assert.equal(valueOf(text, `${duration}_bucket`, { command: 'UID MOVE', le: '0.005' }), 1);
    assert.equal(valueOf(text, 'lazaretto_imap_sessions'), 2);
    assert.equal(valueOf(text, 'lazaretto_build_info', { version: '1.2.3' }), 1);
    assert.ok((valueOf(text, 'nodejs_eventloop_lag_p99_seconds') ?? -1) >= 0);
  });

  test('of two servers in one process are kept apart', async () => {
    const [one, other] = [createMetrics('1'), createMetrics('1')];
    one.count('logins', { outcome: 'ok' });
    assert.equal(valueOf((await other.exposition()).text, 'lazaretto_logins_total', { outcome: 'ok' }), null);
  });
});

describe('the figures of the store', () => {
  const held = 'lazaretto_messages_held';
  const oldest = 'lazaretto_oldest_due_job_age_seconds';

  test('tell what each folder holds, and how long the oldest job has waited', async () => {
    await using test = await openTestQuarantine();
    await insertMessage(test.storage);
    await insertMessage(test.storage);
    const registry = new Registry();
    addStoreGauges(registry, test.quarantine);
    const text = await registry.metrics();
    assert.equal(valueOf(text, held, { folder: 'Caught' }), 2);
    assert.equal(valueOf(text, held, { folder: 'Caught (Outgoing)' }), 0);
    assert.equal(valueOf(text, held, { folder: 'INBOX' }), null);
    assert.equal(valueOf(text, oldest), 0);
  });

  test('count the waiting from when a job could have been tried', async () => {
    const worker = (storage: WorkerStorage, dueAt: number): WorkerStorage => ({
      ...storage,
      nextDueAt: () => Promise.resolve(dueAt),
    });
    for (const [agoSeconds, age] of [
      [90, 90],
      [-90, 0],
    ] as const) {
      await using test = await openTestQuarantine();
      const { quarantine, storage, clock } = test;
      const registry = new Registry();
      const dueAt = clock.now() - agoSeconds * 1000;
      addStoreGauges(registry, { ...quarantine, storage: { ...storage, worker: worker(storage.worker, dueAt) } });
      assert.equal(valueOf(await registry.metrics(), oldest), age);
    }
  });

  test('are asked for once, however many want to know, until they are too old', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    let asked = 0;
    const counted = {
      ...storage,
      mailboxStatus: (...given: Parameters<typeof storage.mailboxStatus>) => {
        asked++;
        return storage.mailboxStatus(...given);
      },
    };
    const scrapes = async (maxAgeMs: number) => {
      asked = 0;
      const registry = new Registry();
      addStoreGauges(registry, { ...quarantine, storage: counted }, { maxAgeMs });
      await Promise.all([registry.metrics(), registry.metrics()]);
      await registry.metrics();
      return asked;
    };
    assert.equal(await scrapes(3_600_000), 3, 'once for each view');
    assert.ok((await scrapes(-1)) > 3);
  });

  test('are left out while the store does not answer, and come back with it', async () => {
    await using test = await openTestQuarantine();
    const { quarantine, storage } = test;
    let trouble: 'fails' | 'hangs' | null = null;
    const troubled = {
      ...storage,
      mailboxStatus: (...given: Parameters<typeof storage.mailboxStatus>) => {
        if (trouble === 'fails') return Promise.reject(new TemporaryError('locked'));
        return trouble === 'hangs' ? new Promise<never>(() => undefined) : storage.mailboxStatus(...given);
      },
    };
    const registry = new Registry();
    addStoreGauges(registry, { ...quarantine, storage: troubled }, { maxAgeMs: -1, patienceMs: 2_000 });
    const seen = async () => {
      const text = await registry.metrics();
      return [valueOf(text, held, { folder: 'Caught' }), valueOf(text, oldest)];
    };
    assert.deepEqual(await seen(), [0, 0]);
    trouble = 'fails';
    assert.deepEqual(await seen(), [null, null]);
    trouble = 'hangs';
    assert.deepEqual(await seen(), [null, null]);
    trouble = null;
    assert.deepEqual(await seen(), [0, 0]);
  });
});

test('the end of the first certificate is told in Unix time, and nothing while there is none', async () => {
  let validTo: number | null = null;
  const registry = new Registry();
  addCertificateGauge(registry, () => validTo);
  const name = 'lazaretto_certificate_expiry_timestamp_seconds';
  assert.equal(valueOf(await registry.metrics(), name), null);
  validTo = 1_800_000_000_500;
  assert.equal(valueOf(await registry.metrics(), name), 1_800_000_000.5);
});
