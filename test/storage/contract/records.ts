// Contract: domain and account records.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../../../src/quarantine/errors.ts';
import type { DomainRecord } from '../../../src/quarantine/ports.ts';
import { withStore } from './store.ts';
import type { OpenStore } from './store.ts';

function domain(name: string, more: Partial<DomainRecord> = {}): DomainRecord {
  return {
    name,
    aliases: [],
    deliverTo: 'smtp://127.0.0.1:25',
    subaddress: '+',
    recipients: null,
    retentionMs: null,
    quarantine: true,
    quarantineOff: [],
    ...more,
  };
}

export function recordContract(open: OpenStore): void {
  test(
    'domains are listed by name, with everything that was said about them, after a restart, too',
    withStore(open, async ({ storage, reopen }) => {
      assert.deepEqual(await storage.domains.list(), []);
      const b = domain('b.example', {
        aliases: ['b2.example', 'b3.example'],
        recipients: ['alice'],
        retentionMs: 86_400_000,
        quarantine: false,
        quarantineOff: ['bob@b.example'],
        subaddress: '',
      });
      await storage.domains.put(b);
      await storage.domains.put(domain('a.example'));
      assert.deepEqual(await storage.domains.list(), [domain('a.example'), b]);
      await storage.close();
      assert.deepEqual(await (await reopen()).domains.list(), [domain('a.example'), b]);
    }),
  );

  test(
    'a domain that is put again is replaced, and its former aliases are free',
    withStore(open, async ({ storage }) => {
      await storage.domains.put(domain('a.example', { aliases: ['x.example', 'y.example'] }));
      await storage.domains.put(domain('a.example', { aliases: ['y.example'], deliverTo: 'mx' }));
      await storage.domains.put(domain('b.example', { aliases: ['x.example'] }));
      assert.deepEqual(await storage.domains.list(), [
        domain('a.example', { aliases: ['y.example'], deliverTo: 'mx' }),
        domain('b.example', { aliases: ['x.example'] }),
      ]);
    }),
  );

  test(
    'a name belongs to one domain: a refusal names the other one, and nothing changes',
    withStore(open, async ({ storage }) => {
      await storage.domains.put(domain('a.example', { aliases: ['x.example'] }));
      await storage.domains.put(domain('b.example'));
      const before = await storage.domains.list();
      const refused: [DomainRecord, RegExp][] = [
        [domain('b.example', { aliases: ['free.example', 'x.example'] }), /x\.example already belongs .* a\.example/],
        [domain('b.example', { aliases: ['a.example'] }), /a\.example already belongs .* a\.example/],
        [domain('x.example'), /x\.example already belongs .* a\.example/],
        [domain('b.example', { aliases: ['b.example'] }), /b\.example/],
      ];
      for (const [record, text] of refused)
        await assert.rejects(storage.domains.put(record), (error: unknown) => {
          assert.ok(error instanceof Refusal, String(error));
          assert.match(error.message, text);
          return true;
        });
      assert.deepEqual(await storage.domains.list(), before);
      await storage.domains.put(domain('c.example', { aliases: ['free.example'] }));
    }),
  );

  test(
    'of two who claim the same alias at once one gets it',
    withStore(open, async ({ storage, reopen }) => {
      const other = await reopen();
      const outcomes = await Promise.allSettled([
        storage.domains.put(domain('a.example', { aliases: ['x.example'] })),
        other.domains.put(domain('b.example', { aliases: ['x.example'] })),
      ]);
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await storage.domains.list()).length, 1);
    }),
  );

  test(
    'a domain that is removed is gone with its aliases',
    withStore(open, async ({ storage }) => {
      await storage.domains.put(domain('a.example', { aliases: ['x.example'] }));
      assert.equal(await storage.domains.remove('x.example'), false);
      assert.equal(await storage.domains.remove('a.example'), true);
      assert.equal(await storage.domains.remove('a.example'), false);
      await storage.domains.put(domain('x.example'));
      assert.deepEqual(await storage.domains.list(), [domain('x.example')]);
    }),
  );

  test(
    'an account is marked as greeted without a change of its password; one that was made anew meanwhile is not',
    withStore(open, async ({ storage, reopen }) => {
      const account = { name: 'global', passwordHash: '$argon2id$1', createdAt: 1 };
      await storage.accounts.put(account);
      await storage.accounts.put({ ...account, passwordHash: '$argon2id$2' });
      assert.equal(await storage.accounts.markGreeted(account, 7), true);
      const other = await reopen();
      const greeted = { ...account, passwordHash: '$argon2id$2', greetedAt: 7 };
      assert.deepEqual(await other.accounts.get('global'), greeted);
      assert.deepEqual(await other.accounts.list(), [greeted]);
      await other.accounts.put({ ...greeted, passwordHash: '$argon2id$3' });
      assert.equal((await storage.accounts.get('global'))?.greetedAt, 7);
      assert.equal(await storage.accounts.markGreeted({ name: 'global', createdAt: 2 }, 8), false);
      assert.equal(await storage.accounts.markGreeted({ name: 'example.com', createdAt: 1 }, 8), false);
      assert.deepEqual(await storage.accounts.list(), [{ ...greeted, passwordHash: '$argon2id$3' }]);
      await storage.accounts.put({ ...account, createdAt: 9 });
      assert.deepEqual(await storage.accounts.get('global'), { ...account, createdAt: 9 });
    }),
  );

  test(
    'accounts are put, replaced, listed by name and removed',
    withStore(open, async ({ storage, reopen }) => {
      const account = (name: string, passwordHash = '$argon2id$1') => ({ name, passwordHash, createdAt: 1 });
      assert.equal(await storage.accounts.get('global'), null);
      for (const name of ['global', 'example.com', 'alice@example.com']) await storage.accounts.put(account(name));
      await storage.accounts.put({ ...account('global', '$argon2id$2'), createdAt: 2 });
      const other = await reopen();
      assert.deepEqual(await other.accounts.get('global'), { ...account('global', '$argon2id$2'), createdAt: 2 });
      assert.deepEqual(
        (await other.accounts.list()).map(({ name }) => name),
        ['alice@example.com', 'example.com', 'global'],
      );
      assert.equal(await storage.accounts.remove('global'), true);
      assert.equal(await storage.accounts.remove('global'), false);
      assert.equal(await other.accounts.get('global'), null);
      assert.equal(await other.accounts.get('Alice@example.com'), null, 'names are canonical');
    }),
  );
}
