// TLS where it can be had, certificates where they matter, and passwords only where they are safe.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SmtpTargetOptions } from '../../src/targets/smtp.ts';
import { farEndCertificate, farEndName } from '../helpers/far-end-certificate.ts';
import { attemptTo, brief, newFarEnd, newTarget, outcomesWith } from './delivery.ts';

test('STARTTLS is used where it is offered, and a self-signed certificate of another name does not hinder plain smtp and lmtp', async (t) => {
  for (const protocol of ['smtp', 'lmtp'] as const) {
    const { outcomes, farEnd } = await outcomesWith(t, {}, { farEnd: { protocol, tls: 'starttls' } });
    assert.equal(outcomes[0]?.outcome, 'accepted');
    assert.equal((await farEnd.nextReceived()).tls, true);
  }
});

test('where STARTTLS is refused or fails, the message goes out unencrypted over a new connection', async (t) => {
  const refused = await outcomesWith(t, { starttls: '454 4.7.0 TLS not available' }, { farEnd: { tls: 'starttls' } });
  assert.equal(refused.outcomes[0]?.outcome, 'accepted');
  assert.equal((await refused.farEnd.nextReceived()).tls, false);
  assert.equal(refused.farEnd.sessions.length, 2);
  for (const handshake of ['this is no TLS at all', 'drop', 'reset', 'silence']) {
    const farEnd = await newFarEnd(t, { tls: 'starttls', script: [{ handshake }] });
    const [outcome] = await newTarget(t, { timeouts: { greetingMs: 500 } }).deliver(attemptTo(farEnd.url));
    assert.equal(outcome?.outcome, 'accepted', handshake);
    assert.equal((await farEnd.nextReceived()).tls, false);
    assert.equal(farEnd.sessions.length, 2);
  }
});

test('smtps checks the certificate of a host elsewhere', async (t) => {
  const farEnd = await newFarEnd(t, { tls: 'implicit' });
  const lookup: SmtpTargetOptions['lookup'] = (_host, _options, callback) =>
    callback(null, [{ address: '127.0.0.1', family: 4 }]);
  const url = (host: string): string => `smtps://${host}:${farEnd.port}`;
  const distrustful = await newTarget(t, { lookup }).deliver(attemptTo(url(farEndName)));
  assert.deepEqual(brief(distrustful), [
    "temporary the server's certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)",
  ]);
  const trusting = newTarget(t, { lookup, ca: farEndCertificate });
  const wrongName = await trusting.deliver(attemptTo(url('other.example.test')));
  assert.deepEqual(brief(wrongName), [
    "temporary the server's certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)",
  ]);
  assert.equal(farEnd.received.length, 0);
  const rightName = await trusting.deliver(attemptTo(url(farEndName)));
  assert.deepEqual(brief(rightName), ['accepted 250 2.0.0 accepted']);
  assert.equal(farEnd.received[0]?.tls, true);
});

test('smtps on this very machine takes any certificate, and never goes on without TLS', async (t) => {
  const { outcomes, farEnd } = await outcomesWith(t, {}, { farEnd: { tls: 'implicit' } });
  assert.equal(outcomes[0]?.outcome, 'accepted');
  assert.equal(farEnd.received[0]?.tls, true);
  const plain = await newFarEnd(t);
  const target = newTarget(t, { timeouts: { greetingMs: 200 } });
  const [outcome] = await target.deliver(attemptTo(plain.url.replace('smtp:', 'smtps:')));
  assert.equal(outcome?.outcome, 'temporary');
  assert.equal(plain.received.length, 0);
  assert.equal(plain.sessions.length, 1);
});

test('a user name in the URL logs in, and a refused password is temporary and appears nowhere', async (t) => {
  const farEnd = await newFarEnd(t, {
    tls: 'starttls',
    extensions: ['AUTH PLAIN LOGIN'],
    script: [{}, { auth: '535 5.7.8 bad password s3cret%' }],
  });
  const url = farEnd.url.replace('//', '//us%40er:s3cret%25@');
  const [first] = await newTarget(t).deliver(attemptTo(url));
  assert.equal(first?.outcome, 'accepted');
  const login = farEnd.sessions[0]?.lines.find((line) => line.startsWith('AUTH'));
  assert.equal(login, `AUTH PLAIN ${Buffer.from('\0us@er\0s3cret%').toString('base64')}`);
  const [second] = await newTarget(t).deliver(attemptTo(url));
  assert.deepEqual(brief(second ? [second] : []), [
    'temporary the server refused our user name or password (535 5.7.8)',
  ]);
});

test('a password is not sent where there is no TLS, except on this very machine', async (t) => {
  const farEnd = await newFarEnd(t, { extensions: ['AUTH PLAIN'] });
  const lookup: SmtpTargetOptions['lookup'] = (_host, _options, callback) =>
    callback(null, [{ address: '127.0.0.1', family: 4 }]);
  const elsewhere = await newTarget(t, { lookup }).deliver(attemptTo(`smtp://user:pass@${farEndName}:${farEnd.port}`));
  assert.deepEqual(brief(elsewhere), ['temporary the server offers no TLS, and a password is not sent without it']);
  assert.ok(!farEnd.sessions[0]?.lines.some((line) => line.startsWith('AUTH')));
  const here = await newTarget(t).deliver(attemptTo(farEnd.url.replace('//', '//user:pass@')));
  assert.equal(here[0]?.outcome, 'accepted');
});

test('with a password, a failing STARTTLS does not end in an unencrypted login', async (t) => {
  const farEnd = await newFarEnd(t, {
    tls: 'starttls',
    extensions: ['AUTH PLAIN'],
    script: [{ starttls: '454 4.7.0 no' }],
  });
  const [outcome] = await newTarget(t).deliver(attemptTo(farEnd.url.replace('//', '//user:pass@')));
  assert.deepEqual(outcome && brief([outcome]), ['temporary 454 4.7.0 no']);
  assert.equal(farEnd.sessions.length, 1);
});
