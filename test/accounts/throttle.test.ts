import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createThrottle, defaultThrottleRules as rules } from '../../src/accounts/throttle.ts';

const minuteMs = 60_000;
const alice = 'alice@example.com';
const evil = '203.0.113.9';
const home = '192.0.2.1';

function setUp() {
  const clock = { at: 1_000_000, now: () => clock.at };
  const throttle = createThrottle(clock);
  let guesses = 0;
  /** Wrong guesses, each another one. */
  const fail = (account: string, network: string, count = 1): void => {
    for (let i = 0; i < count; i++) throttle.failed({ account, network }, `guess ${guesses++}`);
  };
  return { clock, throttle, fail, wait: (account: string, network: string) => throttle.waitMs({ account, network }) };
}

test('after five wrong guesses the network waits before it may try that account again, longer each time', () => {
  const { clock, fail, wait } = setUp();
  fail(alice, evil, 4);
  assert.equal(wait(alice, evil), 0);
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    fail(alice, evil);
    waits.push(wait(alice, evil) / 1000);
    clock.at += wait(alice, evil);
    assert.equal(wait(alice, evil), 0);
  }
  assert.deepEqual(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
});

test('nobody is locked out by what happens elsewhere', () => {
  const { fail, wait } = setUp();
  fail(alice, evil, 1000);
  assert.ok(wait(alice, evil) > 0);
  assert.equal(wait(alice, home), 0);
  for (let i = 0; i < 5000; i++) fail(alice, `2001:db8:0:${i.toString(16)}::/64`);
  assert.equal(wait(alice, home), 0);
});

test('the same wrong password again is no new guess, however often and on whichever connection', () => {
  const { throttle, wait } = setUp();
  for (let i = 0; i < 100; i++) throttle.failed({ account: alice, network: home }, 'old password');
  assert.equal(wait(alice, home), 0);
  assert.equal(throttle.isRepeated({ account: alice, network: home }, 'old password'), true);
  assert.equal(throttle.isRepeated({ account: alice, network: evil }, 'old password'), false);
});

test('a network that tries account after account must wait for all of them', () => {
  const { clock, fail, wait } = setUp();
  for (let i = 0; i < 19; i++) fail(`user${i}@example.com`, evil);
  assert.equal(wait(alice, evil), 0);
  fail('user20@example.com', evil);
  assert.equal(wait(alice, evil), minuteMs);
  assert.equal(wait(alice, home), 0);
  clock.at += minuteMs;
  fail('user21@example.com', evil);
  assert.equal(wait(alice, evil), 2 * minuteMs);
});

test('who logged in from the network before is not stopped by what others do there', () => {
  const { throttle, fail, wait } = setUp();
  throttle.succeeded({ account: alice, network: home });
  fail('bob@example.com', home, 100);
  assert.ok(wait('carol@example.com', home) > 0);
  assert.equal(wait(alice, home), 0);
  fail(alice, home, 5);
  assert.equal(wait(alice, home), rules.accountFromNetwork.firstMs, 'but is for guessing at the own account');
});

test('a network that many people log in from may make more mistakes', () => {
  const { throttle, fail, wait } = setUp();
  for (let i = 0; i < 50; i++) throttle.succeeded({ account: `user${i}@example.com`, network: home });
  for (let i = 0; i < 119; i++) fail(`user${i + 100}@example.com`, home);
  assert.equal(wait(alice, home), 0);
  fail('user300@example.com', home);
  assert.equal(wait(alice, home), minuteMs);
});

test('a right password ends what was counted for that account and network', () => {
  const { throttle, fail, wait } = setUp();
  fail(alice, home, 4);
  throttle.succeeded({ account: alice, network: home });
  fail(alice, home, 4);
  assert.equal(wait(alice, home), 0);
});

test('an attack from many networks delays the answers to wrong passwords, but not for who logged in from there before', () => {
  const { throttle, fail } = setUp();
  const delay = (network: string): number => throttle.delayMs({ account: alice, network });
  throttle.succeeded({ account: alice, network: home });
  for (let i = 0; i < 19; i++) fail(alice, `198.51.100.${i}`);
  assert.equal(delay(evil), 0);
  const delays: number[] = [];
  for (let i = 0; i < 7; i++) {
    fail(alice, `203.0.113.${i}`);
    delays.push(delay(evil));
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 5000, 5000]);
  fail(alice, home);
  assert.equal(delay(home), 0);
});

test('everything counted is forgotten an hour after the last wrong guess', () => {
  const { clock, throttle, fail, wait } = setUp();
  fail(alice, evil, 12);
  for (let i = 0; i < 30; i++) fail(alice, `198.51.100.${i}`);
  clock.at += rules.forgetMs;
  assert.equal(wait(alice, evil), 0);
  assert.equal(throttle.delayMs({ account: alice, network: '198.51.100.1' }), 0);
  fail(alice, evil, 4);
  assert.equal(wait(alice, evil), 0);
});

test('a network that guesses at ever new names does not make it forget a busy one', () => {
  const { throttle, fail, wait } = setUp();
  fail(alice, evil, 5);
  for (let i = 0; i < 55_000; i++) {
    throttle.failed({ account: `name${i}`, network: `10.0.${i % 250}.${i % 200}` }, `g${i}`);
    if (i % 1000 === 0) assert.ok(wait(alice, evil) > 0);
  }
  assert.ok(wait(alice, evil) > 0);
});
