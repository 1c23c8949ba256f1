import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loopbackNetworks, networkMatcher } from '../../src/net/networks.ts';

describe('to a list of networks belong', () => {
  test('all loopback addresses and no others, where it is loopback', () => {
    const isLoopback = networkMatcher(loopbackNetworks);
    for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(address), address);
    for (const address of ['10.0.0.1', '128.0.0.1', '::2', '2001:db8::1', '', 'localhost'])
      assert.ok(!isLoopback(address), address);
  });

  test('nobody, where it is empty', () => assert.ok(!networkMatcher([])('127.0.0.1')));

  test('exactly the addresses that are named', () => {
    const isAllowed = networkMatcher(['10.1.0.0/16', '192.0.2.7', '2001:db8::/32', '::1/128']);
    for (const address of ['10.1.0.0', '10.1.255.255', '192.0.2.7', '2001:db8:ffff::1', '::1'])
      assert.ok(isAllowed(address), address);
    for (const address of ['10.2.0.0', '192.0.2.8', '2001:db9::1', '127.0.0.1', '::2'])
      assert.ok(!isAllowed(address), address);
    assert.ok(networkMatcher(['0.0.0.0/0'])('203.0.113.1'));
  });

  for (const network of ['10.0.0.0/33', '2001:db8::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '10/8', 'x', ''])
    test(`"${network}" is no network, and the error names it`, () =>
      assert.throws(() => networkMatcher([network]), { message: new RegExp(`^"${network}" is no network; expected`) }));
});
