import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import { makeSelfSigned } from '../../src/certificates/self-signed.ts';
import { testNow } from '../helpers/quarantine.ts';
import { RawSmtp } from '../helpers/raw-smtp.ts';
import { openTestIntake } from './open-test-intake.ts';

const yearMs = 365 * 86_400_000;
const madeFor = (name: string): { key: string; cert: string } =>
  makeSelfSigned({ names: [name], notBefore: new Date(testNow - yearMs), notAfter: new Date(testNow + yearMs) });
const first = madeFor('first.example');
const second = madeFor('second.example');

const from = 'MAIL FROM:<sender@remote.example>';

describe('STARTTLS', () => {
  test('is offered with a certificate, starts a new session, and mail goes in', async (t) => {
    const { client, held } = await openTestIntake(t, { tls: first });
    const c = await client();
    assert.match(await c.command('LHLO again'), /^250-STARTTLS$/m);
    await c.command(from);
    assert.match(await c.command('STARTTLS'), /^220 /);
    const socket = await c.startTls();
    assert.equal(socket.getPeerCertificate().subject.CN, 'first.example');
    assert.match(await c.command('RCPT TO:<alice@example.com>'), /^503 /, 'what was said in clear is forgotten');
    assert.doesNotMatch(await c.command('LHLO again'), /STARTTLS/);
    assert.match(await c.command('STARTTLS'), /^503 /);
    await c.pipeline(from, 'RCPT TO:<alice@example.com>');
    assert.match((await c.data('Subject: x\r\n\r\n..\r\n')).join(), /^250 /);
    assert.equal((await held()).length, 1);
  });

  test('drops what a third party put behind it in clear', async (t) => {
    const { client, held } = await openTestIntake(t, { tls: first });
    const c = await client();
    c.write(`STARTTLS\r\nLHLO evil\r\n${from}\r\nRCPT TO:<alice@example.com>\r\nDATA\r\nsmuggled\r\n.\r\n`);
    assert.match(await c.reply(), /^220 /);
    await c.startTls();
    assert.match(await c.command('LHLO client'), /^250-quarantine\.example\.test$/m);
    assert.match(await c.command('RCPT TO:<alice@example.com>'), /^503 /);
    assert.equal((await held()).length, 0);
  });

  test('serves a new certificate to new sessions as soon as it is set', async (t) => {
    const { client, intake } = await openTestIntake(t, { tls: first });
    for (const certificate of [first, second]) {
      intake.setCertificates(certificate);
      const c = await client();
      await c.command('STARTTLS');
      const socket = await c.startTls();
      assert.equal(socket.getPeerCertificate().subject.CN, certificate === first ? 'first.example' : 'second.example');
    }
  });

  test('is offered once there is a certificate; before, the one that comes with smtp-server is not served', async (t) => {
    const { client, intake } = await openTestIntake(t);
    const c = await client();
    assert.match(await c.command('STARTTLS'), /^50\d /);
    intake.setCertificates(first);
    assert.match(await c.command('LHLO again'), /^250-STARTTLS$/m);
    await c.command('STARTTLS');
    assert.equal((await c.startTls()).getPeerCertificate().subject.CN, 'first.example');
  });

  test('does not go below TLS 1.2', async (t) => {
    const { client } = await openTestIntake(t, { tls: first });
    const c = await client();
    await c.command('STARTTLS');
    c.socket.removeAllListeners();
    const failed = new Promise<Error>((resolve) =>
      connect({
        socket: c.socket,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      }).once('error', resolve),
    );
    assert.match((await failed).message, /protocol version|unsupported protocol|wrong version/i);
  });

  test('that never gets on with its handshake does not keep the listener from closing', async (t) => {
    const { client, intake } = await openTestIntake(t, { tls: first, closeGraceMs: 20 });
    const [silent, garbled] = [await client(), await client()];
    for (const c of [silent, garbled]) assert.match(await c.command('STARTTLS'), /^220 /);
    garbled.write('no handshake at all, but a line of text\r\n');
    await garbled.closed();
    assert.match(await (await client()).command('NOOP'), /^250 /);
    await intake.close();
    await silent.closed();
    await assert.rejects(RawSmtp.connect(intake.port), { code: 'ECONNREFUSED' });
  });
});
