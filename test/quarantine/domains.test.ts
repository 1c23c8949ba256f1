import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openTestQuarantine, testDomain } from '../helpers/quarantine.ts';

const domains = [
  { name: 'example.com', aliases: ['example.net', 'xn--bcher-kva.example'] },
  { name: 'plain.example', subaddress: '', recipients: ['alice', 'bob+x', '"a b"'] },
  { name: 'list.example', recipients: ['alice', '"a b"'], quarantineOff: ['bob@list.example'] },
  { name: 'off.example', quarantine: false },
];

describe('whose mail an address is', () => {
  const rows: [address: string, owner: string | undefined][] = [
    ['alice@example.com', 'alice@example.com'],
    ['ALICE+News@Example.COM.', 'alice@example.com'],
    ['alice@example.net', 'alice@example.com'],
    ['alice@BÜCHER.example', 'alice@example.com'],
    ['"Alice"@example.com', 'alice@example.com'],
    ['alice+news@plain.example', 'alice+news@plain.example'],
    ['x@sub.example.com', undefined],
    ['x@example.org', undefined],
    ['alice', undefined],
    ['', undefined],
    ['@example.com', undefined],
    ['example.com', undefined],
  ];
  test('is decided by the domain in any of its names, without case and sub-address', async (t) => {
    const { quarantine, close } = await openTestQuarantine({ domains });
    t.after(close);
    for (const [address, owner] of rows) {
      const domain = owner?.slice(owner.lastIndexOf('@') + 1);
      assert.deepEqual(quarantine.domains.ownerOf(address), owner && { domain, address: owner }, address);
    }
    assert.equal(quarantine.domains.find('example.net')?.name, 'example.com');
    assert.equal(quarantine.domains.find('example.org'), undefined);
    assert.equal(quarantine.domains.list().length, domains.length);
  });
});

describe('a domain that lists its recipients', () => {
  test('has those and no others; a domain that lists none has everybody', async (t) => {
    const { quarantine, close } = await openTestQuarantine({ domains });
    t.after(close);
    const isRecipient = (address: string): boolean => quarantine.domains.isRecipient(address);
    for (const address of [
      'anybody@example.com',
      'alice@list.example',
      'Alice+x@list.example',
      '"a b"@list.example',
      '"A\\ B+x"@list.example',
      'bob+x@plain.example',
    ])
      assert.equal(isRecipient(address), true, address);
    for (const address of ['bob@list.example', 'bob@plain.example', 'alice+x@plain.example', 'x@example.org', ''])
      assert.equal(isRecipient(address), false, address);
  });
});

test('who is switched off sees nothing; the logins above go on seeing the mail', async (t) => {
  const { quarantine, close } = await openTestQuarantine({ domains });
  t.after(close);
  const sees = (login: string): boolean => quarantine.domains.isSeenBy(scopeOfLogin(login));
  assert.deepEqual(
    ['global', 'example.com', 'alice@example.com', 'list.example', 'alice@list.example'].filter(sees).length,
    5,
  );
  for (const login of ['bob@list.example', 'off.example', 'x@off.example', 'unknown.example', 'x@unknown.example'])
    assert.equal(sees(login), false, login);
});

test('a change is known when refresh resolves, and a slow earlier read never undoes it', async (t) => {
  const { storage, close } = await openTestQuarantine({ domains });
  t.after(close);
  const reads: (() => void)[] = [];
  let isSlow = false;
  const directory = await openDomainDirectory({
    ...storage,
    domains: {
      ...storage.domains,
      async list() {
        const list = await storage.domains.list();
        if (isSlow) await new Promise<void>((resolve) => reads.push(resolve));
        return list;
      },
    },
  });
  isSlow = true;
  const early = directory.refresh();
  while (!reads.length) await new Promise((resolve) => setImmediate(resolve));
  await storage.domains.put(testDomain({ name: 'new.example' }));
  isSlow = false;
  const late = directory.refresh();
  for (const goOn of reads) goOn();
  await Promise.all([early, late]);
  assert.equal(directory.find('new.example')?.name, 'new.example');
});

test('a store that cannot be read leaves what was known, tells who asked, and is asked again', async (t) => {
  const { storage, close } = await openTestQuarantine({ domains });
  t.after(close);
  let isBroken = false;
  const directory = await openDomainDirectory({
    ...storage,
    domains: {
      ...storage.domains,
      list: () => (isBroken ? Promise.reject(new Error('out of reach')) : storage.domains.list()),
    },
  });
  isBroken = true;
  await assert.rejects(directory.refresh(), /out of reach/);
  assert.equal(directory.find('example.com')?.name, 'example.com');
  isBroken = false;
  await storage.domains.put(testDomain({ name: 'new.example' }));
  await directory.refresh();
  assert.equal(directory.find('new.example')?.name, 'new.example');
});

test('who watches is told of what changed, and not of readings that found nothing new', async (t) => {
  const { quarantine, storage, close } = await openTestQuarantine({ domains });
  t.after(close);
  let told = 0;
  const stop = quarantine.domains.watch(() => told++);
  await quarantine.domains.refresh();
  assert.equal(told, 0);
  await storage.domains.put(testDomain({ name: 'new.example' }));
  await quarantine.domains.refresh();
  assert.equal(told, 1);
  stop();
  await storage.domains.remove('new.example');
  await quarantine.domains.refresh();
  assert.equal(told, 1);
});
