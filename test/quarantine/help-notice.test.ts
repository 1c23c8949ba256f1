// The help for new logins: once in the life of an account, whatever goes wrong, and of those folders alone that the login has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import german from '../../src/languages/de.ts';
import { storeFlags, expunge } from '../../src/quarantine/flags.ts';
import { greet } from '../../src/quarantine/help-notice.ts';
import { sweep } from '../../src/quarantine/retention.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { openTestQuarantine, testDomain, testLog, testNow } from '../helpers/quarantine.ts';
import type { TestQuarantine, TestQuarantineOptions } from '../helpers/quarantine.ts';

const dayMs = 86_400_000;
const logins = ['global', 'example.com', 'alice@example.com', 'bob@example.com'];

/** A quarantine with accounts that have never logged in. */
async function openScene(options: TestQuarantineOptions = {}) {
  const test = await openTestQuarantine(options);
  for (const name of logins) await test.storage.accounts.put({ name, passwordHash: 'x', createdAt: testNow - dayMs });
  return {
    ...test,
    [Symbol.asyncDispose]: () => test.close(),
    async logIn(name: string, quarantine = test.quarantine) {
      const account = await quarantine.storage.accounts.get(name);
      assert.ok(account);
      await greet(quarantine, account);
    },
    notices: (name: string) => noticesOf(test, name),
  };
}

/** What is shown in the INBOX, as it is. */
async function noticesOf({ storage }: TestQuarantine, login: string): Promise<string[]> {
  const scope = scopeOfLogin(login);
  const messages = await storage.find(scope, { view: 'notices', which: 'held' });
  return Promise.all(messages.map(async ({ id }) => String(await storage.content(scope, id))));
}

/** The lines about folders, by the folder's name. */
function linesOf(notice: string): Record<string, string> {
  const [, plain = ''] = notice.split(/^--=_.*\r\n/m);
  const body = plain.slice(plain.indexOf('\r\n\r\n') + 4);
  const lines = [...body.matchAll(/^(\p{Lu}[^:.\r]{2,20}): (.*)\r$/gmu)];
  return Object.fromEntries(lines.map(([, name = '', text = '']): [string, string] => [name, text]));
}

describe('the help for a new login', () => {
  it('is in its INBOX and in nobody else’s', async () => {
    await using scene = await openScene();
    for (const login of logins) {
      await scene.logIn(login);
      const counts = await Promise.all(logins.map(async (other) => (await scene.notices(other)).length));
      assert.deepEqual(
        counts,
        logins.map((_, i) => (i <= logins.indexOf(login) ? 1 : 0)),
        login,
      );
      assert.match((await scene.notices(login))[0] ?? '', new RegExp(`^This account \\(${login}\\) shows`, 'm'));
    }
  });

  it('has one line for each folder that the login has, and none for others', async () => {
    await using scene = await openScene({ folders: { trash: false } });
    for (const login of logins) await scene.logIn(login);
    const user = ['Caught', 'Training Requested', 'Release', 'Release & Train', 'Not Spam', 'Spam'];
    const named = async (login: string) => Object.keys(linesOf((await scene.notices(login))[0] ?? ''));
    assert.deepEqual(await named('alice@example.com'), user);
    for (const login of ['global', 'example.com'])
      assert.deepEqual(await named(login), ['Caught', 'Caught (Outgoing)', ...user.slice(1)]);
    await using other = await openScene({ folders: { trash: true, training: false, outgoing: false } });
    await other.logIn('global');
    const [notice = ''] = await other.notices('global');
    assert.deepEqual(Object.keys(linesOf(notice)), [
      'Caught',
      'Release',
      'Release & Train',
      'Not Spam',
      'Spam',
      'Trash',
    ]);
  });

  it('is plain text and HTML that say the same, in bytes that can be searched', async () => {
    await using scene = await openScene();
    await scene.logIn('alice@example.com');
    const [notice = ''] = await scene.notices('alice@example.com');
    assert.match(notice, /^Content-Type: multipart\/alternative; boundary=/m);
    assert.deepEqual(notice.match(/^Content-T.*: (text|8bit).*/gm), [
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ]);
    const html = notice.slice(notice.indexOf('<!DOCTYPE'));
    for (const [name, text] of Object.entries(linesOf(notice)))
      assert.ok(html.includes(`>${name.replace('&', '&#38;')}</th><td>${text}</td>`), name);
    assert.doesNotMatch(notice, /[^\r]\n|\r[^\n]/);
    for (const line of notice.split('\r\n')) assert.ok(Buffer.byteLength(line) < 998, 'RFC 5322 section 2.1.1');
    const [found] = await scene.storage.find(scopeOfLogin('alice@example.com'), { view: 'notices' });
    const [reading] = await scene.storage.readings(scopeOfLogin('alice@example.com'), [found?.id ?? '']);
    assert.deepEqual(reading?.summary, {
      subject: 'How this quarantine works',
      from: 'Quarantine <quarantine@quarantine.example.test>',
      to: 'alice@example.com',
      cc: '',
      date: testNow,
      messageId: `<${found?.id}@quarantine.example.test>`,
    });
  });

  it('speaks the language of the settings', async () => {
    await using scene = await openScene({ sentences: german });
    await scene.logIn('alice@example.com');
    const [notice = ''] = await scene.notices('alice@example.com');
    assert.match(notice, /^Content-Language: de\r$/m);
    assert.match(notice, /<html lang="de">/);
    assert.equal(linesOf(notice)['Release'], german.folders['Release']);
  });

  it('is unread, and written once, however many programs log in at once, in whatever processes', async () => {
    await using scene = await openScene();
    const storage = await openStorage(scene.storeUrl, { log: testLog().log });
    try {
      const other = { ...scene.quarantine, storage };
      await Promise.all([1, 2, 3, 4, 5].map((n) => scene.logIn('alice@example.com', n % 2 ? other : scene.quarantine)));
      assert.equal((await scene.notices('alice@example.com')).length, 1);
      const status = await scene.storage.mailboxStatus(scopeOfLogin('alice@example.com'), 'notices');
      assert.deepEqual([status.messages, status.unseen], [1, 1]);
    } finally {
      await storage.close();
    }
  });

  it('is not written again when it was deleted, also when nobody remembers it any more', async () => {
    await using scene = await openScene();
    await scene.logIn('alice@example.com');
    const scope = scopeOfLogin('alice@example.com');
    const { uidNext } = await scene.storage.mailboxStatus(scope, 'notices');
    const uids = [uidNext - 1];
    await storeFlags(scene.quarantine, { scope, view: 'notices', uids, action: 'add', flags: ['\\Deleted'] });
    assert.deepEqual(await expunge(scene.quarantine, { scope, view: 'notices', uids }), uids);
    await scene.logIn('alice@example.com');
    for (const days of [3, 100]) {
      scene.clock.advance(days * dayMs);
      await sweep(scene.quarantine);
    }
    assert.deepEqual(await scene.storage.find(scope, { view: 'notices', which: 'all' }), [], 'it is forgotten');
    await scene.logIn('alice@example.com');
    assert.deepEqual(await scene.notices('alice@example.com'), []);
  });

  it('is there once when the store failed before it was noted down', async () => {
    let fails = true;
    await using scene = await openScene({
      wrapStorage: (storage) => ({
        ...storage,
        accounts: {
          ...storage.accounts,
          markGreeted: (...given) =>
            fails ? Promise.reject(new Error('gone')) : storage.accounts.markGreeted(...given),
        },
      }),
    });
    await assert.rejects(scene.logIn('alice@example.com'), /gone/);
    fails = false;
    await scene.logIn('alice@example.com');
    assert.equal((await scene.notices('alice@example.com')).length, 1);
    assert.equal((await scene.storage.accounts.get('alice@example.com'))?.greetedAt, testNow);
  });

  it('waits until the login sees something: a quarantine that is off has nothing to explain', async () => {
    await using scene = await openScene({ domains: [{ name: 'example.com', quarantine: false }] });
    await scene.logIn('alice@example.com');
    await scene.storage.domains.put(testDomain({ name: 'example.com' }));
    await scene.quarantine.domains.refresh();
    assert.deepEqual(await scene.notices('alice@example.com'), []);
    await scene.logIn('alice@example.com');
    assert.equal((await scene.notices('alice@example.com')).length, 1);
  });

  it('is for an account that was made anew, too, which is somebody else’s', async () => {
    await using scene = await openScene();
    await scene.logIn('alice@example.com');
    await scene.storage.accounts.remove('alice@example.com');
    await scene.storage.accounts.put({ name: 'alice@example.com', passwordHash: 'y', createdAt: testNow });
    await scene.logIn('alice@example.com');
    assert.equal((await scene.notices('alice@example.com')).length, 2);
  });
});
