import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountsOptions, LoginResult } from '../../src/accounts/accounts.ts';
import { createHashingLanes } from '../../src/accounts/hashing-lanes.ts';
import { openAccounts } from '../../src/accounts/open-accounts.ts';
import { hashPassword } from '../../src/accounts/password-hash.ts';
import { Refusal, TemporaryError } from '../../src/quarantine/errors.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';

const cheap = { memoryKib: 8, passes: 1, parallelism: 1 };
const home = '192.0.2.1';
const evil = '203.0.113.9';

async function setUp(options: AccountsOptions & { wrapStorage?: (storage: Storage) => Storage } = {}) {
  const test = await openTestQuarantine(options);
  const delays: number[] = [];
  const accounts = openAccounts(test.quarantine, {
    hashCost: cheap,
    delay: (ms) => Promise.resolve(delays.push(ms)),
    ...options,
  });
  let connections = 0;
  const login = (
    username: string,
    password: string,
    { from = home, connectionId = `c${connections++}` } = {},
  ): Promise<LoginResult> => accounts.authenticate({ username, password, remoteAddress: from, connectionId });
  return { ...test, accounts, delays, login };
}

const wrong = { ok: false, code: 'AUTHENTICATIONFAILED', text: 'The user name or the password is wrong.' } as const;

function nameOf(result: LoginResult): string {
  return result.ok ? result.login.name : result.code;
}

function refusal(code: string, text: RegExp) {
  return (error: unknown): boolean => error instanceof Refusal && error.code === code && text.test(error.message);
}

test('people log in with the names they know: any case, alias domain, sub-address, international domain', async () => {
  await using quarantine = await openTestQuarantine({
    domains: [
      { name: 'example.com', aliases: ['example.net'] },
      { name: 'xn--bcher-kva.example' },
      { name: 'plain.example', subaddress: '' },
    ],
  });
  const accounts = openAccounts(quarantine.quarantine, { hashCost: cheap });
  const made: string[] = [];
  for (const name of ['GLOBAL', 'Example.COM', 'Alice+news@Example.net', 'Eva@Bücher.example', 'a+b@plain.example']) {
    made.push((await accounts.create(name, 'pillow fight')).name);
  }
  assert.deepEqual(made, [
    'global',
    'example.com',
    'alice@example.com',
    'eva@xn--bcher-kva.example',
    'a+b@plain.example',
  ]);
  const login = async (username: string): Promise<LoginResult> =>
    accounts.authenticate({ username, password: 'pillow fight', remoteAddress: home, connectionId: 'c' });
  assert.deepEqual(await login('Global'), { ok: true, login: { name: 'global', scope: { role: 'global' } } });
  assert.deepEqual(await login('EXAMPLE.com.'), {
    ok: true,
    login: { name: 'example.com', scope: { role: 'domain', domain: 'example.com' } },
  });
  for (const username of ['alice@example.com', 'ALICE@EXAMPLE.NET', ' alice+x@example.com ', '"alice"@example.net']) {
    assert.deepEqual(await login(username), {
      ok: true,
      login: {
        name: 'alice@example.com',
        scope: { role: 'user', domain: 'example.com', address: 'alice@example.com' },
      },
    });
  }
  assert.equal(nameOf(await login('eva@bücher.example')), 'eva@xn--bcher-kva.example');
  assert.equal(nameOf(await login('a@plain.example')), 'AUTHENTICATIONFAILED');
});

test('wrong, unknown, alias domain and nonsense get one and the same answer, and each costs one password hash', async () => {
  let hashes = 0;
  const lanes = {
    run<T>(task: () => Promise<T>): Promise<T> {
      hashes++;
      return task();
    },
  };
  await using context = await setUp({ lanes });
  await context.accounts.create('alice@example.com', 'pillow fight');
  await context.accounts.create('example.com', 'pillow fight');
  const names = [
    'alice@example.com',
    'nobody@example.com',
    'example.net',
    'nowhere.example',
    'x@nowhere.example',
    'a b',
    '',
  ];
  for (const [index, name] of names.entries()) {
    const from = `198.51.100.${index}`;
    const password = name === 'alice@example.com' ? 'pillow' : 'pillow fight';
    assert.deepEqual(await context.login(name, password, { from }), wrong, name);
    assert.equal(hashes, index + 1, name);
  }
  const whys = context.logged.filter(({ text }) => text === 'login refused').map(({ fields }) => fields['why']);
  assert.deepEqual(whys, [
    'wrong password',
    'no such account',
    'alias',
    'unknown domain',
    'unknown domain',
    'malformed',
    'malformed',
  ]);
});

test('no password ever reaches the log, nor what was typed for a name and may be one', async () => {
  await using context = await setUp();
  await context.accounts.create('alice@example.com', 'pillow fight');
  await context.login('alice@example.com', 'pillow fight');
  await context.login('alice@example.com', 'mistyped');
  await context.login('pillow fight', 'alice@example.com');
  const log = JSON.stringify(context.logged);
  assert.match(log, /"login":"alice@example.com","remoteAddress":"192.0.2.1"/);
  assert.doesNotMatch(log, /pillow|mistyped/);
});

test('an account cannot be made for an alias, an unknown domain, a stranger to the list, or twice; each refusal says what to do', async () => {
  await using quarantine = await openTestQuarantine({
    domains: [
      { name: 'example.com', aliases: ['example.net'] },
      { name: 'small.example', recipients: ['anna'] },
    ],
  });
  const accounts = openAccounts(quarantine.quarantine, { hashCost: cheap });
  await accounts.create('alice@example.com', 'pillow fight');
  const refused: [string, string, RegExp][] = [
    ['example.net', 'CANNOT', /alias of example\.com .* Create the account example\.com instead/],
    ['bob@nowhere.example', 'CANNOT', /nowhere\.example is not known here\. Add it first, with "domain add"/],
    ['nowhere.example', 'CANNOT', /nowhere\.example is not known here/],
    ['berta@small.example', 'CANNOT', /small\.example keeps a list of its recipients and berta@small\.example is not/],
    ['Alice+x@example.net', 'ALREADYEXISTS', /account alice@example\.com already\. Use "account passwd"/],
    ['@example.com', 'CANNOT', /is no login name/],
    ['a\u0000b@example.com', 'CANNOT', /is no login name/],
  ];
  for (const [name, code, text] of refused)
    await assert.rejects(accounts.create(name, 'pillow fight'), refusal(code, text));
  await accounts.create('anna@small.example', 'pillow fight');
  for (const password of ['', 'two\nlines', 'nul\0', 'x'.repeat(1025)]) {
    await assert.rejects(accounts.create('bob@example.com', password), refusal('CANNOT', /password/));
  }
});

test('a new password counts at once, the old one no longer, and a removed account is gone', async () => {
  await using context = await setUp();
  const { accounts, login } = context;
  await accounts.create('alice@example.com', 'first password');
  assert.equal(nameOf(await login('alice@example.com', 'first password')), 'alice@example.com');
  await accounts.setPassword('Alice@example.net', 'second password');
  assert.deepEqual(await login('alice@example.com', 'first password'), wrong);
  assert.equal(nameOf(await login('alice@example.com', 'second password')), 'alice@example.com');
  await accounts.setPassword('alice@example.com', 'first password');
  assert.equal(nameOf(await login('alice@example.com', 'first password')), 'alice@example.com');
  await accounts.remove('alice@example.com');
  assert.deepEqual(await login('alice@example.com', 'first password'), wrong);
  for (const change of [accounts.remove('alice@example.com'), accounts.setPassword('alice@example.com', 'x'.repeat(9))])
    await assert.rejects(change, refusal('NONEXISTENT', /no account alice@example\.com/));
});

test('accounts are listed by domain, and one that outlived its domain can be removed but not used', async () => {
  await using context = await setUp();
  const { accounts, storage, quarantine } = context;
  for (const name of ['bob@example.com', 'global', 'example.com', 'alice@example.com'])
    await accounts.create(name, 'pillow fight');
  await storage.accounts.put({
    name: 'old.example',
    passwordHash: await hashPassword('pillow fight', cheap),
    createdAt: 1,
  });
  assert.deepEqual(
    (await accounts.list()).map(({ name, role }) => [name, role]),
    [
      ['global', 'global'],
      ['example.com', 'domain'],
      ['alice@example.com', 'user'],
      ['bob@example.com', 'user'],
      ['old.example', 'domain'],
    ],
  );
  assert.deepEqual(await context.login('old.example', 'pillow fight'), wrong);
  await accounts.remove('old.example');
  await storage.domains.remove('example.com');
  await quarantine.domains.refresh();
  assert.deepEqual(await context.login('alice@example.com', 'pillow fight'), wrong);
  await accounts.remove('alice@example.com');
  assert.equal((await accounts.list()).length, 3);
});

test('a hash made with older parameters is renewed at the next login, without a change for the person', async () => {
  await using context = await setUp({ hashCost: { memoryKib: 16, passes: 1, parallelism: 1 } });
  const { storage, login } = context;
  const passwordHash = await hashPassword('pillow fight', cheap);
  await storage.accounts.put({ name: 'alice@example.com', passwordHash, createdAt: 5 });
  assert.deepEqual(await login('alice@example.com', 'pillow'), wrong);
  assert.equal((await storage.accounts.get('alice@example.com'))?.passwordHash, passwordHash);
  assert.equal(nameOf(await login('alice@example.com', 'pillow fight')), 'alice@example.com');
  const renewed = await storage.accounts.get('alice@example.com');
  assert.match(renewed?.passwordHash ?? '', /m=16,/);
  assert.equal(renewed?.createdAt, 5);
  assert.equal(nameOf(await login('alice@example.com', 'pillow fight')), 'alice@example.com');
});

test('guessing is stopped at the attacker’s address; the person passes from another, and there too after the wait', async () => {
  await using context = await setUp();
  const { accounts, login, clock } = context;
  await accounts.create('alice@example.com', 'pillow fight');
  for (let i = 0; i < 5; i++) assert.deepEqual(await login('alice@example.com', `guess ${i}`, { from: evil }), wrong);
  const throttled = await login('alice@example.com', 'pillow fight', { from: evil });
  assert.deepEqual(throttled, {
    ok: false,
    code: 'UNAVAILABLE',
    text: 'Too many wrong passwords came from your network. Please wait 30 seconds and try again.',
  });
  assert.equal(nameOf(await login('alice@example.com', 'pillow fight', { from: home })), 'alice@example.com');
  clock.advance(30_000);
  assert.equal(nameOf(await login('alice@example.com', 'pillow fight', { from: evil })), 'alice@example.com');
});

test('an account that does not exist is throttled like one that does', async () => {
  await using context = await setUp();
  for (let i = 0; i < 5; i++) assert.deepEqual(await context.login('nobody@example.com', `guess ${i}`), wrong);
  assert.match(JSON.stringify(await context.login('nobody@example.com', 'guess 6')), /UNAVAILABLE.*wait 30 seconds/);
});

test('Thunderbird sends a wrong password twice: it counts once, and the second answer asks for a new one too', async () => {
  await using context = await setUp();
  const { accounts, login } = context;
  await accounts.create('alice@example.com', 'pillow fight');
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await login('alice@example.com', `guess ${i}`, { connectionId: `c${i}` }), wrong);
    assert.deepEqual(await login('alice@example.com', `guess ${i}`, { connectionId: `c${i}` }), wrong);
    const isLast = i === 4;
    assert.equal((await login('bob@example.com', 'x')).ok, false);
    assert.equal(
      nameOf(await login('alice@example.com', 'pillow fight', { from: isLast ? evil : '198.51.100.1' })),
      'alice@example.com',
    );
  }
  assert.equal(nameOf(await login('alice@example.com', 'pillow fight')), 'UNAVAILABLE');
});

test('a phone that repeats an old password for days does not keep the laptop at home out', async () => {
  await using context = await setUp();
  const { accounts, login, clock } = context;
  await accounts.create('alice@example.com', 'new password');
  for (let i = 0; i < 200; i++) {
    assert.deepEqual(await login('alice@example.com', 'old password'), wrong);
    clock.advance(60_000);
  }
  assert.equal(nameOf(await login('alice@example.com', 'new password')), 'alice@example.com');
});

test('a password that was wrong becomes right when the administrator sets it', async () => {
  await using context = await setUp();
  const { accounts, login } = context;
  await accounts.create('alice@example.com', 'first password');
  assert.deepEqual(await login('alice@example.com', 'second password'), wrong);
  await accounts.setPassword('alice@example.com', 'second password');
  assert.equal(nameOf(await login('alice@example.com', 'second password')), 'alice@example.com');
});

test('of a thousand guesses sent at once no more are looked at than one after the other', async () => {
  await using context = await setUp({ lanes: createHashingLanes({ parallel: 1, waiting: 4000 }) });
  await context.accounts.create('alice@example.com', 'pillow fight');
  const guesses = Array.from({ length: 1000 }, (_, i) => (i === 900 ? 'pillow fight' : `guess ${i}`));
  const results = await Promise.all(guesses.map((guess) => context.login('alice@example.com', guess, { from: evil })));
  const codes = results.map(nameOf);
  assert.equal(codes.filter((code) => code === 'AUTHENTICATIONFAILED').length, 5);
  assert.equal(codes.filter((code) => code === 'UNAVAILABLE').length, 995);
});

test('five connections at once with one password cost one hash, and so do the next ones within the hour', async () => {
  let hashes = 0;
  const lanes = {
    run<T>(task: () => Promise<T>): Promise<T> {
      hashes++;
      return task();
    },
  };
  await using context = await setUp({ lanes });
  await context.accounts.create('alice@example.com', 'pillow fight');
  const logins = await Promise.all(Array.from({ length: 5 }, () => context.login('alice@example.com', 'pillow fight')));
  assert.ok(logins.every(({ ok }) => ok));
  assert.equal(hashes, 1);
  context.clock.advance(59 * 60_000);
  assert.equal((await context.login('alice@example.net', 'pillow fight', { from: evil })).ok, true);
  assert.equal(hashes, 1);
  context.clock.advance(60_000);
  assert.equal((await context.login('alice@example.com', 'pillow fight')).ok, true);
  assert.equal(hashes, 2);
});

test('an attack from many addresses delays wrong answers, and nobody’s right password', async () => {
  await using context = await setUp();
  const { accounts, login, delays } = context;
  await accounts.create('alice@example.com', 'pillow fight');
  for (let i = 0; i < 22; i++) await login('alice@example.com', `guess ${i}`, { from: `198.51.100.${i}` });
  assert.deepEqual(delays, [250, 500, 1000]);
  assert.equal(nameOf(await login('alice@example.com', 'pillow fight')), 'alice@example.com');
  assert.equal(delays.length, 3);
});

test('a store that is down is not a wrong password: UNAVAILABLE, with a sentence, and nothing is counted', async () => {
  let isDown = true;
  await using context = await setUp({
    wrapStorage: (storage) => ({
      ...storage,
      accounts: {
        ...storage.accounts,
        get: (name) =>
          isDown
            ? Promise.reject(new TemporaryError('The quarantine cannot be reached right now.'))
            : storage.accounts.get(name),
      },
    }),
  });
  await context.storage.accounts.put({
    name: 'alice@example.com',
    passwordHash: await hashPassword('pillow fight', cheap),
    createdAt: 1,
  });
  for (let i = 0; i < 10; i++) {
    assert.deepEqual(await context.login('alice@example.com', `guess ${i}`), {
      ok: false,
      code: 'UNAVAILABLE',
      text: 'The quarantine cannot be reached right now.',
    });
  }
  isDown = false;
  assert.equal(nameOf(await context.login('alice@example.com', 'pillow fight')), 'alice@example.com');
});

test('a stored hash that cannot be read is told to the administrator, and to the person as a fault that is not theirs', async () => {
  await using context = await setUp();
  await context.storage.accounts.put({ name: 'alice@example.com', passwordHash: 'plain', createdAt: 1 });
  const result = await context.login('alice@example.com', 'plain');
  assert.equal(nameOf(result), 'UNAVAILABLE');
  const [line] = context.logged.filter(({ level }) => level === 'error');
  assert.match(String(line?.fields['err']), /not an argon2id hash/);
});

test('a password of a megabyte is refused without being hashed as such', async () => {
  await using context = await setUp();
  await context.accounts.create('alice@example.com', 'pillow fight');
  assert.deepEqual(await context.login('alice@example.com', 'x'.repeat(1_000_000)), wrong);
});
