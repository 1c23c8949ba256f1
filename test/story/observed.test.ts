// A whole server as those who watch over it see it: what /metrics counts, what the log tells, and when /readyz says no.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TemporaryError } from '../../src/quarantine/errors.ts';
import { logEvents } from '../../src/quarantine/log-events.ts';
import { sampleMail, startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';
import { valueOf } from '../web/exposition.ts';

const bob = 'bob@example.com';

async function ask(server: TestServer, path: string): Promise<{ status: number; text: string }> {
  const { port } = server.server.listening.find(({ name }) => name === 'HTTP') ?? assert.fail('no HTTP');
  // A connection for each, as balancers do; a kept one would outlive the server in fetch's pool.
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  return { status: answer.status, text: await answer.text() };
}

describe('what happens to a message', { timeout: 60_000 }, () => {
  test('is counted where it happens, and told in the log in one line each', async () => {
    await using server = await startTestServer();
    assert.match((await server.handIn(sampleMail('one'))).join(), /^250 /);
    assert.match((await server.handIn(sampleMail('two'), { recipients: ['alice@example.com', bob] })).join(), /^250 /);
    assert.match((await server.handIn(sampleMail('three'), { recipients: ['x@elsewhere.example'] })).join(), /^550 /);
    const client = await server.open('Caught');
    assert.equal((await client.command('UID MOVE 1 Release')).status, 'OK');
    assert.equal((await client.command('UID COPY 2 "Not Spam"')).status, 'OK');
    assert.equal((await client.command('UID MOVE 2 INBOX')).status, 'NO');
    assert.equal((await client.command('UID MOVE 1')).status, 'BAD');
    assert.equal((await client.command('NONSENSE')).status, 'BAD');
    await server.pass(0);
    const { text } = await ask(server, '/metrics');
    const value = (name: string, labels?: Record<string, string>) => valueOf(text, `lazaretto_${name}`, labels);

    assert.equal(value('arrivals_total', { folder: 'Caught', outcome: 'kept' }), 3);
    assert.equal(value('arrivals_total', { folder: 'Caught', outcome: 'refused' }), 1);
    assert.equal(value('refusals_total', { protocol: 'lmtp', code: '5.1.2' }), 1);
    assert.equal(value('actions_total', { folder: 'Release', cause: 'MOVE' }), 1);
    assert.equal(value('actions_total', { folder: 'Not Spam', cause: 'COPY' }), 1);
    assert.equal(value('refusals_total', { protocol: 'imap', code: 'CANNOT' }), 1);
    assert.equal(value('refusals_total', { protocol: 'imap', code: 'BAD' }), 1);
    assert.equal(value('deliveries_total', { target: 'smtp', outcome: 'done' }), 1);
    assert.equal(value('reports_total', { target: 'maildir', outcome: 'done' }), 1);
    assert.equal(value('logins_total', { outcome: 'ok' }), 1);
    assert.equal(value('imap_sessions'), 1);
    assert.equal(value('imap_command_duration_seconds_count', { command: 'UID MOVE' }), 3);
    assert.equal(value('imap_command_duration_seconds_count', { command: 'NONSENSE' }), null);
    assert.equal(value('store_duration_seconds_count', { operation: 'insert', outcome: 'ok' }), 2);
    assert.equal(value('messages_held', { folder: 'Caught' }), 2);
    assert.equal(value('oldest_due_job_age_seconds'), 0);
    for (const check of ['serving', 'store', 'worker', 'certificate'])
      assert.equal(value('check_passed', { check }), 1);
    assert.ok((value('certificate_expiry_timestamp_seconds') ?? 0) > Date.now() / 1000);
    assert.ok(!/example|alice|bob/.test(text), 'no address and no domain is a label');

    await client.close();
    while (!server.logged.some(({ fields }) => fields['event'] === 'session')) await turn();
    const told = server.logged.filter(({ level }) => level !== 'debug').map(({ fields }) => String(fields['event']));
    assert.deepEqual(told.sort(), [
      'arrival',
      'arrival',
      'certificate',
      'delivery',
      'drop',
      'drop',
      'login',
      'refuse',
      'reject',
      'report',
      'session',
      'started',
    ]);
  });

  test('is told with the fields that the table in README names', async () => {
    await using server = await startTestServer({
      farEnd: { script: [{ rcpt: '450 4.2.1 later' }] },
    });
    await server.handIn(sampleMail('one'));
    const client = await server.open('Caught');
    await client.command('UID MOVE 1 INBOX');
    await client.command('APPEND Caught ', sampleMail('two'));
    await client.command('UID MOVE 1 Release');
    await client.command('LOGOUT');
    await server.pass(0);
    const stranger = await server.imap('global').catch(() => null);
    await stranger?.close();
    while (server.logged.filter(({ fields }) => fields['event'] === 'session').length < 2) await turn();
    for (const { fields } of server.logged) {
      const { event, ...others } = fields;
      assert.ok(typeof event === 'string' && event in logEvents, `${String(event)} is no event`);
      const known = logEvents[event as keyof typeof logEvents].fields.split(', ');
      if (['login', 'session', 'refuse', 'drop', 'delivery', 'arrival'].includes(event))
        for (const field of known.filter((name) => !['why', 'from'].includes(name)))
          assert.ok(field in others, `${event} has no ${field}: ${JSON.stringify(others)}`);
    }
    const line = (event: string) => server.logged.find(({ fields }) => fields['event'] === event)?.fields;
    assert.deepEqual(line('delivery')?.['outcome'], 'deferred');
    assert.deepEqual(line('delivery')?.['reply'], '450 4.2.1 later');
    assert.deepEqual(line('refuse')?.['code'], 'CANNOT');
    assert.deepEqual(line('refuse')?.['login'], 'alice@example.com');
    assert.deepEqual(line('session')?.['ended'], 'by the client');
  });
});

describe('a server', { timeout: 60_000 }, () => {
  test('that is in order is ready', async () => {
    await using server = await startTestServer();
    const { status, text } = await ask(server, '/readyz');
    assert.equal(status, 200, text);
    assert.deepEqual(
      text.split('\n').map((line) => line.replace(/:.*/, '')),
      ['ready', 'ok   serving', 'ok   store', 'ok   worker', 'ok   certificate', ''],
    );
  });

  test('whose store is gone lives and is not ready, until it is back', async () => {
    let isGone = false;
    await using server = await startTestServer({
      wrapStorage: (storage) => ({
        ...storage,
        dropStatus: (...asked) =>
          isGone ? Promise.reject(new TemporaryError('The store is out of reach.')) : storage.dropStatus(...asked),
      }),
    });
    isGone = true;
    const gone = await ask(server, '/readyz');
    assert.equal(gone.status, 503);
    assert.match(gone.text, /^not ready\n.*\nfail store: /);
    assert.equal((await ask(server, '/livez')).status, 200);
    assert.equal(valueOf((await ask(server, '/metrics')).text, 'lazaretto_check_passed', { check: 'store' }), 0);
    isGone = false;
    assert.equal((await ask(server, '/readyz')).status, 200);
  });

  test('that is told to stop is not ready from that moment, and lives until what is under way has ended', async () => {
    const reached = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<string>();
    const end = (): Promise<string> => {
      reached.resolve();
      return verdict.promise;
    };
    await using server = await startTestServer({ farEnd: { script: [{ end }] } });
    await server.handIn(sampleMail('slow'));
    const client = await server.open('Caught');
    await client.command('UID MOVE 1 Release');
    await client.close();
    await reached.promise;
    const closed = server.server.close();
    const { status, text } = await ask(server, '/readyz');
    assert.equal(status, 503);
    assert.match(text, /^not ready\nfail serving: the server is stopping/);
    assert.equal((await ask(server, '/livez')).status, 200);
    verdict.resolve('250 2.0.0 taken');
    await closed;
    await assert.rejects(ask(server, '/livez'), { name: 'TypeError' });
    const [message] = await server.storage.find({ role: 'global' }, { which: 'all' });
    assert.equal(message?.delivery?.state, 'done');
  });
});
