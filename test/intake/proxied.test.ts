// A filter that comes through a TCP balancer: `allow` counts the filter's own address, never the balancer's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { binaryHeader, headerLine, localHeader } from '../helpers/proxy-headers.ts';
import { RawSmtp } from '../helpers/raw-smtp.ts';
import { openTestIntake } from './open-test-intake.ts';

const mail = 'From: Sender <sender@remote.example>\r\nSubject: Win a prize\r\n\r\nDear friend\r\n';
const from = 'MAIL FROM:<sender@remote.example>';
const behindBalancer = { trustedProxies: ['127.0.0.1'], allow: ['203.0.113.0/24'] };

describe('a door behind a balancer', { timeout: 20_000 }, () => {
  test('takes mail of a client that is allowed, with either version of the header', async (t) => {
    const { intake, held } = await openTestIntake(t, behindBalancer);
    for (const preface of [headerLine('203.0.113.9'), binaryHeader()]) {
      const c = await RawSmtp.connect(intake.port, { preface });
      assert.match(c.greeting, /^220 /);
      await c.pipeline('LHLO filter.example', from, 'RCPT TO:<alice@example.com>');
      assert.match((await c.data(mail)).join(), /^250 /);
      await c.quit();
    }
    assert.equal((await held()).length, 2);
  });

  test('takes all that comes in one packet with the header', async (t) => {
    const { intake, held } = await openTestIntake(t, behindBalancer);
    const commands = Buffer.from(`LHLO filter.example\r\n${from}\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n`);
    const c = await RawSmtp.connect(intake.port, { preface: Buffer.concat([binaryHeader(), commands]) });
    for (const code of [/^250/, /^250/, /^250/, /^354/]) assert.match(await c.reply(), code);
    c.write(`${mail}.\r\n`);
    assert.match(await c.reply(), /^250 /);
    await c.quit();
    assert.equal((await held()).length, 1);
  });

  test('refuses a client that is not allowed, and names it in the log', async (t) => {
    const { intake, logged } = await openTestIntake(t, behindBalancer);
    const c = await RawSmtp.connect(intake.port, { preface: headerLine('198.51.100.7') });
    assert.match(c.greeting, /^554 5\.7\.1 /);
    await c.closed();
    assert.equal(logged.find(({ level }) => level === 'warn')?.fields['client'], '198.51.100.7');
  });

  test('is closed to those who connect without the balancer, or without its header', async (t) => {
    const direct = await openTestIntake(t, { ...behindBalancer, trustedProxies: ['192.0.2.1'] });
    await assert.rejects(RawSmtp.connect(direct.intake.port, { preface: headerLine('203.0.113.9') }));
    const { intake, logged } = await openTestIntake(t, behindBalancer);
    await assert.rejects(RawSmtp.connect(intake.port, { preface: Buffer.from('LHLO filter.example\r\n') }));
    for (const lines of [direct.logged, logged])
      assert.deepEqual(
        lines.filter(({ level }) => level !== 'debug').map(({ level, fields }) => [level, fields['event']]),
        [['warn', 'proxy']],
      );
  });

  test('answers the balancer that asks how it is, without noise in the log, and takes no mail from it', async (t) => {
    const { intake, logged, held } = await openTestIntake(t, behindBalancer);
    const c = await RawSmtp.connect(intake.port, { preface: localHeader });
    assert.match(c.greeting, /^220 /);
    assert.match(await c.command('LHLO balancer.example'), /^250/);
    assert.deepEqual(
      logged.filter(({ level }) => level !== 'debug'),
      [],
    );
    assert.match(await c.command(from), /^451 4\.7\.1 /);
    assert.match(await c.command('RCPT TO:<alice@example.com>'), /^503 /);
    await c.quit();
    assert.equal((await held()).length, 0);
  });

  test('makes a filter whose name the balancer keeps to itself try again, rather than send its mail back', async (t) => {
    const { intake, logged } = await openTestIntake(t, behindBalancer);
    const c = await RawSmtp.connect(intake.port, { preface: Buffer.from('PROXY UNKNOWN\r\n') });
    assert.match(await c.command('LHLO filter.example'), /^250/);
    assert.match(await c.command(from), /^451 4\.7\.1 .*balancer/);
    assert.deepEqual(
      logged.filter(({ level }) => level === 'warn').map(({ fields }) => [fields['event'], fields['client']]),
      [['defer', '127.0.0.1']],
    );
    await c.quit();
  });

  test('takes mail from the balancer where the balancer is allowed to hand it in', async (t) => {
    const { intake, held } = await openTestIntake(t, { ...behindBalancer, allow: ['127.0.0.1'] });
    const c = await RawSmtp.connect(intake.port, { preface: Buffer.from('PROXY UNKNOWN\r\n') });
    await c.pipeline('LHLO filter.example', from, 'RCPT TO:<alice@example.com>');
    assert.match((await c.data(mail)).join(), /^250 /);
    await c.quit();
    assert.equal((await held()).length, 1);
  });

  test('does not wait with closing for a header', async (t) => {
    const { intake, logged } = await openTestIntake(t, behindBalancer);
    const silent = connect(intake.port, '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await intake.close();
    await closed;
    assert.deepEqual(
      logged.filter(({ level }) => level === 'warn'),
      [],
      'nobody waited until the header was late',
    );
  });

  test('is not opened when a network of trustedProxies is none', async (t) => {
    await assert.rejects(openTestIntake(t, { trustedProxies: ['haproxy'] }), /"haproxy" is no network/);
  });
});
