import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedDomain, newDomain } from '../../src/cli/domain-records.ts';
import { UsageError } from '../../src/cli/failures.ts';
import { Refusal } from '../../src/quarantine/errors.ts';
import { openTestQuarantine, testDomain } from '../helpers/quarantine.ts';

test('names belong to one domain, and every refusal says to which', async () => {
  await using context = await openTestQuarantine();
  const { domains } = context.quarantine;
  const deliverTo = 'mx';
  const refused: [() => unknown, RegExp][] = [
    [() => newDomain(domains, 'EXAMPLE.com', { deliverTo }), /^The domain example\.com is known already/],
    [() => newDomain(domains, 'example.net', { deliverTo }), /^example\.net is an alias of example\.com already/],
    [
      () => newDomain(domains, 'new.example', { deliverTo, alias: ['example.com'] }),
      /^example\.com is a domain of its own/,
    ],
    [
      () => newDomain(domains, 'new.example', { deliverTo, alias: ['example.net'] }),
      /^example\.net is an alias of example\.com/,
    ],
    [
      () => newDomain(domains, 'new.example', { deliverTo, alias: ['New.example.'] }),
      /^new\.example cannot be an alias of itself/,
    ],
    [
      () => changedDomain(domains, testDomain(), { removeAlias: ['other.example'] }),
      /^other\.example is no alias of example\.com/,
    ],
  ];
  for (const [change, text] of refused) {
    assert.throws(change, (error: unknown) => error instanceof Refusal && text.test(error.message));
  }
  const twice = { deliverTo, alias: ['b.example', 'a.example', 'B.example'] };
  assert.deepEqual(newDomain(domains, 'new.example', twice).aliases, ['a.example', 'b.example']);
});

test('what is not named stays as it is', async () => {
  await using context = await openTestQuarantine();
  const { domains } = context.quarantine;
  const before = testDomain({
    aliases: ['example.net'],
    recipients: ['alice', 'bob+x'],
    subaddress: '',
    retentionMs: 5,
    quarantine: false,
    quarantineOff: ['alice@example.com'],
  });
  assert.deepEqual(changedDomain(domains, before, {}), before);
  assert.deepEqual(changedDomain(domains, before, { quarantine: 'on' }), { ...before, quarantine: true });
  const known = changedDomain(domains, before, { subaddress: '+' });
  assert.deepEqual([known.subaddress, known.recipients], ['+', ['alice', 'bob']], 'the list follows the sub-addresses');
  assert.equal(changedDomain(domains, before, { recipients: 'any' }).recipients, null);
  assert.deepEqual(changedDomain(domains, before, { quarantineOn: ['ALICE@example.net'] }).quarantineOff, []);
});

test('a list of recipients takes addresses and local parts, and names the line that it cannot take', async () => {
  await using context = await openTestQuarantine();
  const { domains } = context.quarantine;
  const set = (recipients: string[]) =>
    changedDomain(domains, testDomain({ aliases: ['example.net'] }), { recipients });
  assert.deepEqual(set(['Bob', ' alice@EXAMPLE.net # comment', '', '#', 'bob+x']).recipients, ['alice', 'bob']);
  const wrong: [string[], RegExp][] = [
    [['', 'eve@other.example'], /line 2: "eve@other\.example" is no address of example\.com/],
    [['two words'], /line 1: "two words" is neither/],
    [['', '# nobody'], /names nobody/],
  ];
  for (const [lines, text] of wrong) {
    assert.throws(
      () => set(lines),
      (error: unknown) => error instanceof UsageError && text.test(error.message),
    );
  }
});
