// The DNS records by which mail programs find the quarantine, as `doctor` shows them. The resolver is scripted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examineConnectRecords, shownRecords } from '../../src/cli/connect-records.ts';
import type { ConnectResolver } from '../../src/cli/connect-records.ts';
import type { ImapServer } from '../../src/web/connect/connect.ts';

const servers: ImapServer[] = [
  { host: 'q.example.net', port: 993, tls: 'implicit' },
  { host: 'q.example.net', port: 143, tls: 'starttls' },
];
const connect = { servers, webHost: 'q.example.net' };

/** Names with their SRV records (`priority weight port host`) or addresses; an error code where the look-up fails. */
function dnsOf(zone: Record<string, string[] | string>): ConnectResolver {
  const found = (name: string): Promise<string[]> => {
    const entry = zone[name] ?? 'ENOTFOUND';
    return typeof entry === 'string'
      ? Promise.reject(Object.assign(new Error(entry), { code: entry }))
      : Promise.resolve(entry);
  };
  const resolver = {
    resolve4: found,
    resolve6: (name: string) => found(`${name} AAAA`),
    resolveSrv: async (name: string) =>
      (await found(name)).map((line) => {
        const [priority, weight, port, host = ''] = line.split(' ');
        return { priority: Number(priority), weight: Number(weight), port: Number(port), name: host };
      }),
  };
  return resolver as ConnectResolver;
}

async function shown(zone: Record<string, string[] | string>, given = connect): Promise<string[]> {
  const records = await examineConnectRecords('example.com', given, dnsOf(zone));
  return shownRecords('example.com', records).split('\n').slice(2);
}

test('records that are not there are shown as they have to be written', async () => {
  assert.deepEqual(await shown({}), [
    '  _imaps._tcp.example.com. SRV 0 1 993 q.example.net.  ; absent',
    '  _imap._tcp.example.com. SRV 0 1 143 q.example.net.  ; absent',
    '  _autodiscover._tcp.example.com. SRV 0 1 443 q.example.net.  ; absent',
    '  autoconfig.example.com. CNAME q.example.net.  ; absent',
    '  autodiscover.example.com. CNAME q.example.net.  ; absent',
  ]);
});

test('what is there is told, also where it leads elsewhere or cannot be looked up', async () => {
  assert.deepEqual(
    await shown({
      '_imaps._tcp.example.com': ['10 0 993 mail.example.com'],
      '_imap._tcp.example.com': ['10 0 143 other.example.com', '20 5 143 Q.example.net.'],
      '_autodiscover._tcp.example.com': 'ETIMEOUT',
      'autoconfig.example.com': 'ENODATA',
      'autoconfig.example.com AAAA': ['2001:db8::1'],
      'q.example.net': ['192.0.2.1'],
      'q.example.net AAAA': ['2001:db8::1'],
      'autodiscover.example.com': 'ESERVFAIL',
    }),
    [
      '  _imaps._tcp.example.com. SRV 0 1 993 q.example.net.  ; now: 10 0 993 mail.example.com.',
      '  _imap._tcp.example.com. SRV 0 1 143 q.example.net.  ; there',
      '  _autodiscover._tcp.example.com. SRV 0 1 443 q.example.net.  ; cannot be looked up: ETIMEOUT',
      '  autoconfig.example.com. CNAME q.example.net.  ; there',
      '  autodiscover.example.com. CNAME q.example.net.  ; cannot be looked up: ESERVFAIL',
    ],
  );
});

test('a way to connect that there is not has no record: it would say that the domain has no IMAP at all', async () => {
  const lines = await shown({}, { ...connect, servers: servers.slice(1) });
  assert.ok(!lines.some((line) => line.includes('_imaps.')));
  assert.ok(lines.some((line) => line.includes('_imap.')));
});

test('a name that has an address of its own, or one that everything has, is not said to be there', async () => {
  const zone = { 'autoconfig.example.com': ['203.0.113.1'], 'autodiscover.example.com': ['203.0.113.1', '192.0.2.1'] };
  const lines = (await shown({ ...zone, 'q.example.net': ['192.0.2.1'] })).slice(-2);
  assert.deepEqual(lines, [
    '  autoconfig.example.com. CNAME q.example.net.  ; now: 203.0.113.1',
    '  autodiscover.example.com. CNAME q.example.net.  ; there',
  ]);
  const unknown = (await shown({ ...zone, 'q.example.net': 'ESERVFAIL' })).slice(-1);
  assert.deepEqual(unknown, ['  autodiscover.example.com. CNAME q.example.net.  ; cannot be looked up: ESERVFAIL']);
});
