import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultHashCost, hashPassword, unmatchableHash, verifyPassword } from '../../src/accounts/password-hash.ts';

const cheap = { memoryKib: 8, passes: 1, parallelism: 1 };

test('a hash of the reference implementation is understood', async () => {
  const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  assert.equal((await verifyPassword('password', phc)).right, true);
  assert.equal((await verifyPassword('Password', phc)).right, false);
});

test('a password is hashed with the parameters that OWASP asks for and a salt of its own', async () => {
  const [one, two] = await Promise.all([hashPassword('pillow'), hashPassword('pillow')]);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
  assert.deepEqual(await verifyPassword('pillow', one), { right: true, rehash: false });
  assert.deepEqual(await verifyPassword('pillows', one), { right: false, rehash: false });
});

test('a hash made with other parameters is accepted and said to be due for renewal, but only to who knows the password', async () => {
  const old = await hashPassword('pillow', cheap);
  assert.deepEqual(await verifyPassword('pillow', old), { right: true, rehash: true });
  assert.deepEqual(await verifyPassword('pillow', old, { parallelism: 1, passes: 1, memoryKib: 8 }), {
    right: true,
    rehash: false,
  });
  assert.deepEqual(await verifyPassword('cushion', old), { right: false, rehash: false });
});

test('ü is the same letter from macOS and from Windows', async () => {
  const phc = await hashPassword('M\u00fcller', cheap);
  assert.equal((await verifyPassword('Mu\u0308ller', phc, cheap)).right, true);
  assert.equal((await verifyPassword('Muller', phc, cheap)).right, false);
});

test('the hash for unknown accounts has the same parameters and matches no password', async () => {
  const phc = unmatchableHash();
  assert.equal(phc.split('$')[3], `m=${defaultHashCost.memoryKib},t=${defaultHashCost.passes},p=1`);
  assert.equal((await verifyPassword('', phc)).right, false);
});

test('hashing leaves the event loop free', async () => {
  let turns = 0;
  let over = false;
  const spin = (): void => {
    turns++;
    if (!over) setImmediate(spin);
  };
  setImmediate(spin);
  await hashPassword('pillow');
  over = true;
  assert.ok(turns > 10, `the loop turned ${turns} times meanwhile`);
});

test('what is no argon2id hash, or one that would stop the server, is an error that does not repeat it', async () => {
  const salt = 'c29tZXNhbHQ';
  const hash = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  for (const phc of [
    '',
    'secret',
    '$2b$10$abcdefghijklmnopqrstuuOQYwAZfqsfpXKVUVBB5DsUzcqf1vIQS',
    `$argon2i$v=19$m=65536,t=2,p=1$${salt}$${hash}`,
    `$argon2id$v=16$m=65536,t=2,p=1$${salt}$${hash}`,
    `$argon2id$v=19$m=9999999,t=2,p=1$${salt}$${hash}`,
    `$argon2id$v=19$m=65536,t=99,p=1$${salt}$${hash}`,
    `$argon2id$v=19$m=65536,t=0,p=1$${salt}$${hash}`,
    `$argon2id$v=19$m=8,t=1,p=0$${salt}$${hash}`,
    `$argon2id$v=19$m=8,t=1,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=65536,t=2,p=1$c2E$${hash}`,
  ]) {
    await assert.rejects(verifyPassword('pillow', phc), /^Error: the stored password is not an argon2id hash/, phc);
  }
});
