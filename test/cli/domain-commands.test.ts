import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFarEnd } from '../helpers/far-end.ts';
import { openLazaretto } from './lazaretto-process.ts';

test('a domain is added, shown without the password of its target, changed and removed with its accounts', async () => {
  await using lazaretto = await openLazaretto();
  const target = 'smtp://relay:s3cret@mail.example.com';
  const add = [
    'domain',
    'add',
    'Bücher.Example',
    '--deliver-to',
    target,
    '--alias',
    'books.example',
    '--alias',
    'b.example',
  ];
  const added = await lazaretto.run([...add, '--retention', '30d']);
  assert.equal(added.code, 0, added.stderr);
  assert.doesNotMatch(added.stdout, /s3cret/);
  const list = await lazaretto.run(['domain', 'list']);
  assert.match(
    list.stdout,
    /^DOMAIN +DELIVER TO +HELD FOR +QUARANTINE\nxn--bcher-kva\.example +smtp:\/\/mail\.example\.com:25 +30d +on\n/,
  );
  assert.match(list.stdout, /\n {2}aliases: b\.example, books\.example\n/);
  assert.doesNotMatch(list.stdout, /s3cret/);

  const people = await lazaretto.write(
    'people.txt',
    'Anna  # the boss\nbert+x@books.example\n\n# nobody\n"carl"@bücher.example\n',
  );
  const set = ['domain', 'set', 'bücher.example', '--recipients', people, '--retention', 'default'];
  assert.deepEqual(
    await lazaretto.json([...set, '--remove-alias', 'b.example', '--quarantine-off', 'ANNA@books.example']),
    {
      name: 'xn--bcher-kva.example',
      aliases: ['books.example'],
      deliverTo: 'smtp://mail.example.com:25',
      subaddress: '+',
      recipients: ['anna', 'bert', 'carl'],
      quarantine: true,
      quarantineOff: ['anna@xn--bcher-kva.example'],
      retention: null,
    },
  );

  for (const name of ['bert@books.example', 'bücher.example', 'global']) {
    const { code } = await lazaretto.runAlone(['account', 'add', name, '--password-stdin'], {
      input: 'pillow fight\n',
    });
    assert.equal(code, 0, name);
  }
  const removed = await lazaretto.run(['domain', 'remove', 'bücher.example']);
  assert.equal(removed.stdout, 'Removed xn--bcher-kva.example and 2 accounts.\n');
  const accounts = await lazaretto.json(['account', 'list']);
  assert.ok(Array.isArray(accounts) && accounts.length === 1);
});

test('a domain that holds mail, or has deliveries due, is removed only by force, and it says how many', async () => {
  await using lazaretto = await openLazaretto();
  await lazaretto.json(['domain', 'add', 'example.com', '--deliver-to', 'smtp://127.0.0.1:9']);
  const mail = await lazaretto.write('mail/one.eml', 'Subject: one\n\nOne\n');
  const args = ['import', '--folder', 'caught', '--recipient', 'a@example.com', '--recipient', 'b@example.com', mail];
  assert.equal((await lazaretto.run(args)).stdout, '2 stored.\n');
  const [message] = (await lazaretto.json(['message', 'list', '--owner', 'a@example.com'])) as { id: string }[];
  await lazaretto.json(['message', 'release', message?.id ?? '']);
  const refused = await lazaretto.run(['domain', 'remove', 'example.com']);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /example\.com holds 2 messages and has deliveries or reports under way for 1 message\. With --force/,
  );
  assert.equal((await lazaretto.run(['domain', 'remove', 'example.com', '--force'])).code, 0);
  assert.equal(((await lazaretto.json(['message', 'list'])) as unknown[]).length, 2, 'global still sees the mail');
});

test('doctor tells whether deliveries will get through', async () => {
  await using lazaretto = await openLazaretto();
  const farEnd = await startFarEnd();
  await lazaretto.json(['domain', 'add', 'example.com', '--deliver-to', farEnd.url, '--alias', 'example.net']);
  const noDns = ['--dns', '127.0.0.1:9'];
  const well = await lazaretto.run(['doctor', 'example.net', ...noDns]);
  assert.equal(well.code, 0, well.stdout);
  assert.match(
    well.stdout,
    /^ok +example\.net is an alias of example\.com\nok +released mail is delivered to smtp:.*\nok +.* answers\n\n/,
  );
  assert.match(
    well.stdout,
    /_imaps\._tcp\.example\.net\. SRV 0 1 993 quarantine\.example\.test\. {2}; cannot be looked up: E\w+\n/,
  );
  await farEnd.close();
  const ill = await lazaretto.run(['doctor', 'example.com', '--json', ...noDns]);
  assert.equal(ill.code, 1);
  const { ok, findings, records } = JSON.parse(ill.stdout) as {
    ok: boolean;
    findings: { ok: boolean; text: string }[];
    records: { name: string; state: string }[];
  };
  assert.deepEqual(new Set(records.map(({ state }) => state)), new Set(['unknown']), 'told, and no fault');
  assert.equal(ok, false);
  assert.match(findings.at(-1)?.text ?? '', /takes no mail: .*ECONNREFUSED/);
});
