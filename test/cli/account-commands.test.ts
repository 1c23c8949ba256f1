import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAccounts } from '../../src/accounts/open-accounts.ts';
import { openQuarantine } from '../../src/open-quarantine.ts';
import { defaultSettings } from '../../src/settings.ts';
import { openLazaretto } from './lazaretto-process.ts';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('a login is added with a password from stdin, which then works, and changed beside a running server', async () => {
  await using lazaretto = await openLazaretto();
  await lazaretto.json(['domain', 'add', 'example.com', '--deliver-to', 'mx', '--alias', 'example.net']);
  const added = await lazaretto.runAlone(['account', 'add', 'Alice+x@example.NET', '--password-stdin'], {
    input: 'pillow fight\r\n',
  });
  assert.deepEqual(added, { code: 0, stdout: 'Added the account alice@example.com.\n', stderr: '' });

  const { quarantine, close } = await openQuarantine(defaultSettings(lazaretto.directory), { log });
  try {
    const accounts = openAccounts(quarantine, { delay: () => Promise.resolve() });
    const canLogIn = async (password: string): Promise<boolean> => {
      const attempt = { username: 'alice@example.com', password, remoteAddress: '192.0.2.1', connectionId: 'c' };
      return (await accounts.authenticate(attempt)).ok;
    };
    assert.equal(await canLogIn('pillow fight'), true);
    const changed = await lazaretto.runAlone(['account', 'passwd', 'alice@example.com', '--password-stdin'], {
      input: 'grüße',
    });
    assert.equal(changed.code, 0);
    assert.match(changed.stderr, /fewer than 8 characters/);
    assert.equal(await canLogIn('pillow fight'), false);
    assert.equal(await canLogIn('grüße'), true);
    await lazaretto.json(['account', 'remove', 'alice@example.com']);
    assert.equal(await canLogIn('grüße'), false);
  } finally {
    await close();
  }
});

test('what is no usable password or name is refused before anything is stored', async () => {
  await using lazaretto = await openLazaretto();
  await lazaretto.json(['domain', 'add', 'example.com', '--deliver-to', 'mx', '--alias', 'example.net']);
  const add = async (name: string, input: string): Promise<[number | null, string]> => {
    const { code, stderr } = await lazaretto.runAlone(['account', 'add', name, '--password-stdin'], { input });
    return [code, stderr];
  };
  assert.deepEqual(await add('global', ''), [1, 'lazaretto: The password is empty.\n']);
  assert.deepEqual(await add('global', 'one\ntwo\n'), [
    2,
    'lazaretto: stdin holds more than the one line of the password.\n',
  ]);
  const [aliasCode, aliasText] = await add('example.net', 'pillow fight\n');
  assert.equal(aliasCode, 1);
  assert.match(
    aliasText,
    /example\.net is an alias of example\.com and has no login of its own\. Create the account example\.com/,
  );
  assert.deepEqual(await lazaretto.json(['account', 'list']), []);
  assert.equal(
    (await lazaretto.run(['account', 'list'])).stdout,
    'There are no accounts yet. Add one with "account add NAME".\n',
  );
});
