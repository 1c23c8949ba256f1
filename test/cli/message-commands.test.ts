import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLazaretto } from './lazaretto-process.ts';

interface Listed {
  id: string;
  folder: string;
  owner: string;
  held: boolean;
  state: string;
  headers: { subject: string };
}

const hostile = [
  'From: =?utf-8?B?TcO8bGxlcg==?= <mueller@remote.example>',
  'To: alice@example.com',
  'Subject: =?utf-8?B?G1szMW1JbnZvaWNlG1sybSDCm1sybSDigK5mZHA=?=',
  'X-Envelope-To: alice@example.com',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Please <b>pay</b> at once.\u001b[2J</p>',
  '--b',
  'Content-Type: application/pdf; name="invoice.pdf"',
  'Content-Disposition: attachment; filename="invoice.pdf"',
  'Content-Transfer-Encoding: base64',
  '',
  'JVBERi0xLjQK',
  '--b--',
  '',
].join('\n');

test('messages are imported, listed, shown, released, trained, deleted and restored from the command line', async () => {
  await using lazaretto = await openLazaretto();
  const list = async (...args: string[]): Promise<Listed[]> =>
    (await lazaretto.json(['message', 'list', ...args])) as Listed[];
  await lazaretto.json([
    'domain',
    'add',
    'example.com',
    '--deliver-to',
    'smtp://127.0.0.1:9',
    '--alias',
    'example.net',
  ]);
  const mail = await lazaretto.write('mail/hostile.eml', hostile);
  await lazaretto.write('mail/lost.eml', 'Subject: nobody is named\n\nLost\n');
  await lazaretto.write('mail/other.eml', 'Subject: other\nDelivered-To: bob@example.net\n\nOther\n');

  const imported = await lazaretto.runAlone(['import', '--folder', 'caught', '--sender', '', 'mail']);
  assert.equal(imported.code, 1);
  assert.equal(imported.stdout, '2 stored, 1 failed.\n');
  assert.match(
    imported.stderr,
    /^lazaretto: mail\/lost\.eml: no recipient; expected --recipient or one of the headers [^\n]*\n$/,
  );
  const again = await lazaretto.json(['import', '--folder', 'caught', '--sender', '', mail]);
  assert.deepEqual(again, { stored: 0, known: 1, failed: [], stopped: null });

  const all = await list();
  assert.deepEqual(
    all.map(({ owner }) => owner),
    ['bob@example.com', 'alice@example.com'],
    'newest first',
  );
  assert.equal((await list('--as', 'alice@example.net')).length, 1);
  assert.equal((await list('--domain', 'example.net', '--limit', '1')).length, 1);
  const [one] = await list('--text', 'mueller');
  const found = one ?? (await list('--owner', 'Alice@example.com'))[0];
  assert.ok(found);
  const { id } = found;

  const text = await lazaretto.run(['message', 'list']);
  const shown = await lazaretto.run(['message', 'show', id]);
  const json = await lazaretto.run(['message', 'show', id, '--json']);
  for (const { code, stdout } of [text, shown, json]) {
    assert.equal(code, 0);
    assert.doesNotMatch(
      stdout,
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/,
      'mail cannot drive the terminal',
    );
    assert.match(stdout, /Invoice/);
  }
  assert.ok(text.stdout.split('\n').every((line) => line.length <= 80));
  assert.match(shown.stdout, /\nfrom +Müller <mueller@remote\.example>\n/);
  assert.match(shown.stdout, /\nsender +<>\nrecipient +alice@example\.com\n/);
  assert.match(shown.stdout, /\nattachment +invoice\.pdf \(application\/pdf, 9 B\)\n/);
  assert.match(shown.stdout, /\nPlease pay at once\./);
  const raw = await lazaretto.runAlone(['message', 'show', '--raw', id]);
  assert.equal(raw.stdout, hostile.replaceAll('\n', '\r\n'));

  const released = await lazaretto.run(['message', 'release', id, 'nothing']);
  assert.equal(released.code, 1, 'one of two could not be released');
  assert.equal(released.stdout, `${id}  held, delivery due\n`);
  assert.equal(released.stderr, 'lazaretto: There is no message nothing.\n');
  const [job] = (await lazaretto.json(['jobs', 'list'])) as { id: string; kind: string; state: string }[];
  assert.deepEqual([job?.id, job?.kind, job?.state], [id, 'delivery', 'due']);
  assert.match((await lazaretto.run(['message', 'restore', id])).stderr, new RegExp(`jobs cancel ${id}`));
  assert.equal((await lazaretto.run(['jobs', 'cancel', id])).code, 0);
  assert.deepEqual(await lazaretto.json(['jobs', 'list']), []);
  assert.equal((await lazaretto.run(['jobs', 'retry'])).stdout, 'No job was deferred.\n');

  await lazaretto.json(['message', 'train', 'ham', id]);
  const jobs = (await lazaretto.json(['jobs', 'list'])) as { target: string; verdict: string }[];
  assert.deepEqual(
    jobs.map(({ target, verdict }) => [target, verdict]),
    [['maildir', 'ham']],
  );
  await lazaretto.json(['message', 'delete', id]);
  assert.deepEqual(
    (await list()).map(({ owner }) => owner),
    ['bob@example.com'],
  );
  assert.equal((await list('--all')).filter(({ held }) => !held).length, 1);
  await lazaretto.json(['message', 'restore', id]);
  assert.equal((await list()).length, 2);
});
