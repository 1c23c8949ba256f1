// `mx`: where mail goes when the DNS decides, with scripted answers of the DNS and real connections.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { RecipientOutcome } from '../../src/quarantine/target.ts';
import { findExchangers, type MailResolver } from '../../src/targets/mail-exchangers.ts';
import { SmtpTarget } from '../../src/targets/smtp.ts';
import { type FarEnd, type FarEndOptions, startFarEnd } from '../helpers/far-end.ts';
import { attemptTo } from './delivery.ts';

interface Zone {
  mx?: [number, string][] | string;
  a?: string[] | string;
  aaaa?: string[] | string;
}

/** A DNS of what is written down: lists are answers, strings are error codes, names that are not there do not exist. */
function dnsOf(zones: Record<string, Zone>): MailResolver & { asked: string[] } {
  const asked: string[] = [];
  const answer = <T>(kind: keyof Zone, name: string, read: (zone: Zone) => T[] | string | undefined): Promise<T[]> => {
    asked.push(`${kind} ${name}`);
    const zone = zones[name];
    const result = zone === undefined ? 'ENOTFOUND' : (read(zone) ?? 'ENODATA');
    if (typeof result !== 'string') return Promise.resolve(result);
    return Promise.reject(Object.assign(new Error(`query ${result}`), { code: result }));
  };
  return {
    asked,
    resolveMx: async (name) => {
      const records = await answer<[number, string]>('mx', name, (zone) => zone.mx);
      return records.map(([priority, exchange]) => ({ priority, exchange }));
    },
    resolve4: (name) => answer('a', name, (zone) => zone.a),
    resolve6: (name) => answer('aaaa', name, (zone) => zone.aaaa),
  };
}

const summary = (outcomes: RecipientOutcome[]): string[] =>
  outcomes.map(({ address, outcome, reply }) => `${address} ${outcome} ${reply}`);

/** Loopback has a whole network of addresses; each far end gets its own, all on the one port that `mx` knows. */
async function farEndsAt(
  t: TestContext,
  addresses: Record<string, FarEndOptions>,
): Promise<{ port: number; farEnds: FarEnd[] }> {
  const farEnds: FarEnd[] = [];
  let port = 0;
  for (const [address, options] of Object.entries(addresses)) {
    const farEnd = await startFarEnd({ ...options, address, port });
    t.after(() => farEnd.close());
    port = farEnd.port;
    farEnds.push(farEnd);
  }
  return { port, farEnds };
}

function targetWith(t: TestContext, resolver: MailResolver, mxPort: number): SmtpTarget {
  const target = new SmtpTarget({ resolver, mxPort, timeouts: { greetingMs: 2_000, replyMs: 2_000 } });
  t.after(() => target.close());
  return target;
}

const hosts = async (domain: string, zones: Record<string, Zone>): Promise<string | string[]> => {
  const result = await findExchangers(domain, dnsOf(zones));
  if (result.found === null) return `${result.outcome}: ${result.reply}`;
  return result.found.map(({ host, address }) => `${host} ${address}`);
};

test('the mail servers are tried by preference, IPv4 before IPv6', async () => {
  const zones = {
    'example.com': {
      mx: [
        [20, 'b.example.net.'],
        [10, 'a.example.net'],
      ] as [number, string][],
    },
    'a.example.net': { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] },
    'b.example.net': { a: ['192.0.2.3'] },
  };
  assert.deepEqual(await hosts('example.com', zones), [
    'a.example.net 192.0.2.1',
    'a.example.net 192.0.2.2',
    'a.example.net 2001:db8::1',
    'b.example.net 192.0.2.3',
  ]);
});

test('without an MX the addresses of the domain itself count', async () => {
  assert.deepEqual(await hosts('example.com', { 'example.com': { aaaa: ['2001:db8::1'] } }), [
    'example.com 2001:db8::1',
  ]);
});

test('a domain beyond ASCII is looked up by its A-label, an address literal not at all', async () => {
  assert.deepEqual(await hosts('Bücher.example', { 'xn--bcher-kva.example': { a: ['192.0.2.1'] } }), [
    'xn--bcher-kva.example 192.0.2.1',
  ]);
  assert.deepEqual(await hosts('[192.0.2.7]', {}), ['192.0.2.7 192.0.2.7']);
  assert.deepEqual(await hosts('[IPv6:2001:db8::7]', {}), ['2001:db8::7 2001:db8::7']);
});

const mx = (...exchanges: string[]): [number, string][] => exchanges.map((exchange) => [10, exchange]);
const verdicts: [string, Record<string, Zone>, RegExp][] = [
  ['a domain that does not exist', {}, /^permanent: the domain example\.com does not exist/],
  ['a null MX', { 'example.com': { mx: mx(''), a: ['192.0.2.1'] } }, /^permanent: .*accepts no mail/],
  ['a null MX written as a dot', { 'example.com': { mx: mx('.'), a: ['192.0.2.1'] } }, /^permanent: .*accepts no mail/],
  ['neither MX nor address', { 'example.com': {} }, /^permanent: .*has no mail server/],
  ['SERVFAIL for the MX', { 'example.com': { mx: 'ESERVFAIL', a: ['192.0.2.1'] } }, /^temporary: .*ESERVFAIL/],
  ['a time-out for the MX', { 'example.com': { mx: 'ETIMEOUT', a: ['192.0.2.1'] } }, /^temporary: .*ETIMEOUT/],
  ['REFUSED for the MX', { 'example.com': { mx: 'EREFUSED' } }, /^temporary: .*EREFUSED/],
  ['SERVFAIL for the address of a domain without MX', { 'example.com': { a: 'ESERVFAIL' } }, /^temporary: .*ESERVFAIL/],
  [
    'an MX whose host does not exist',
    { 'example.com': { mx: mx('gone.example.net') } },
    /^temporary: .*no address in the DNS/,
  ],
  [
    'an MX whose host cannot be looked up',
    { 'example.com': { mx: mx('a.example.net') }, 'a.example.net': { a: 'ETIMEOUT' } },
    /^temporary: .*a\.example\.net.*ETIMEOUT/,
  ],
];
for (const [name, zones, expected] of verdicts) {
  test(`${name}: ${String(expected).includes('permanent') ? 'permanent' : 'temporary'}`, async () => {
    assert.match(String(await hosts('example.com', zones)), expected);
  });
}

test('nothing that is no domain is asked of the DNS', async () => {
  const dns = dnsOf({});
  for (const domain of ['exa mple.com', 'a/b', '[nonsense]', '']) {
    const result = await findExchangers(domain, dns);
    assert.equal(result.found === null && result.outcome, 'permanent', domain);
  }
  assert.deepEqual(dns.asked, []);
});

test('each domain gets one message at its own server; a domain in trouble does not hold up the others', async (t) => {
  const { port, farEnds } = await farEndsAt(t, {
    '127.0.0.1': {},
    '127.0.0.2': { script: [{ end: '450 4.2.0 later' }] },
  });
  const dns = dnsOf({
    'one.example': { mx: mx('mx.one.example') },
    'mx.one.example': { a: ['127.0.0.1'] },
    'two.example': { a: ['127.0.0.2'] },
    'four.example': { mx: 'ESERVFAIL' },
  });
  const recipients = ['a@one.example', 'b@two.example', 'c@ONE.example', 'd@three.example', 'e@four.example', 'local'];
  const outcomes = await targetWith(t, dns, port).deliver(attemptTo('mx', { recipients }));
  assert.deepEqual(summary(outcomes), [
    'a@one.example accepted 250 2.0.0 accepted',
    'b@two.example temporary 450 4.2.0 later',
    'c@ONE.example accepted 250 2.0.0 accepted',
    'd@three.example permanent the domain three.example does not exist',
    'e@four.example temporary the mail servers of four.example cannot be looked up just now (ESERVFAIL)',
    'local permanent this recipient has no domain',
  ]);
  assert.deepEqual(
    farEnds[0]?.received.map((one) => one.recipients),
    [['a@one.example', 'c@ONE.example']],
  );
});

const three = {
  'example.com': {
    mx: [
      [10, 'a.example.net'],
      [20, 'b.example.net'],
      [30, 'c.example.net'],
    ] as [number, string][],
  },
  'a.example.net': { a: ['127.0.0.1'] },
  'b.example.net': { a: ['127.0.0.2'] },
  'c.example.net': { a: ['127.0.0.3'] },
};

test('the next server is tried where one is unreachable, silent or unwilling to talk', async (t) => {
  const { port, farEnds } = await farEndsAt(t, {
    '127.0.0.2': { script: [{ greeting: '421 4.3.2 busy' }, { greeting: '554 5.7.1 no service' }, { ehlo: 'drop' }] },
    '127.0.0.3': {},
  });
  const target = targetWith(t, dnsOf(three), port);
  for (const turn of [1, 2, 3]) {
    const outcomes = await target.deliver(attemptTo('mx'));
    assert.deepEqual(summary(outcomes), ['bob@example.com accepted 250 2.0.0 accepted']);
    assert.equal(farEnds[0]?.sessions.length, turn, 'the better server is asked first each time');
  }
  assert.equal(farEnds[1]?.received.length, 3);
});

test('a server that took the conversation has the last word: no second server is given the message', async (t) => {
  const step = { end: 'drop' };
  const { port, farEnds } = await farEndsAt(t, { '127.0.0.1': { script: [step] }, '127.0.0.2': {} });
  const outcomes = await targetWith(t, dnsOf(three), port).deliver(attemptTo('mx'));
  assert.deepEqual(summary(outcomes), ['bob@example.com temporary the server closed the connection']);
  assert.equal(farEnds[1]?.sessions.length, 0);
});

test('servers that all refuse to talk: permanent only when every one of them refuses for good', async (t) => {
  const never = { greeting: '554 5.7.1 never' };
  const { port, farEnds } = await farEndsAt(t, {
    '127.0.0.1': { script: [never, never] },
    '127.0.0.2': { script: [never, { greeting: '421 4.3.2 busy' }] },
    '127.0.0.3': { script: [never, never] },
  });
  const target = targetWith(t, dnsOf(three), port);
  assert.deepEqual(summary(await target.deliver(attemptTo('mx'))), ['bob@example.com permanent 554 5.7.1 never']);
  assert.deepEqual(summary(await target.deliver(attemptTo('mx'))), ['bob@example.com temporary 421 4.3.2 busy']);
  for (const farEnd of farEnds) await farEnd.close();
  assert.deepEqual(summary(await target.deliver(attemptTo('mx'))), [
    'bob@example.com temporary at a.example.net: no connection: nobody listens there (ECONNREFUSED)',
  ]);
});

test('a DNS that never answers is ended by the deadline', async (t) => {
  const silent: MailResolver = {
    resolveMx: () => new Promise(() => undefined),
    resolve4: () => new Promise(() => undefined),
    resolve6: () => new Promise(() => undefined),
  };
  const deadline = new AbortController();
  const delivery = targetWith(t, silent, 25).deliver(attemptTo('mx', { signal: deadline.signal }));
  deadline.abort();
  assert.deepEqual(summary(await delivery), [
    'bob@example.com temporary the attempt was stopped before the server had answered',
  ]);
});
