import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../../src/accounts/network-of.ts';

test('one IPv4 address is a network, however it is written', () => {
  for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:192.0.2.7'])
    assert.equal(networkOf(address), '192.0.2.7');
});

test('all addresses of an IPv6 /64 are one network, the neighbours another', () => {
  for (const address of [
    '2001:db8:1:2::1',
    '2001:0DB8:1:2:ffff:ffff:ffff:ffff',
    '2001:db8:1:2::',
    '2001:db8:1:2:0:0:1.2.3.4',
  ])
    assert.equal(networkOf(address), '2001:db8:1:2::/64');
  assert.notEqual(networkOf('2001:db8:1:3::1'), networkOf('2001:db8:1:2::1'));
  assert.equal(networkOf('::1'), '0:0:0:0::/64');
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(networkOf('::'), '0:0:0:0::/64');
});

test('what is no address is a network of its own and never an error', () => {
  for (const address of ['', 'localhost', '1.2.3', '::ffff:1.2.3.4.5', '1:2'])
    assert.equal(networkOf(address), 'local');
});
