import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imapServers } from '../src/imap-servers.ts';
import { defaultSettings } from '../src/settings.ts';
import type { Settings } from '../src/settings.ts';

const { imap } = defaultSettings('/');
const settings = (given: Partial<Settings['imap']> = {}) => ({
  hostname: 'q.example.com',
  imap: { ...imap, ...given },
});
const listener = (port: number, tls: 'implicit' | 'starttls') => ({
  address: '0.0.0.0',
  port,
  tls,
  proxyProtocol: false,
});

test('mail programs are told hostname and the ports of imap.listen, each once, TLS from the first byte on before STARTTLS', () => {
  assert.deepEqual(imapServers(settings()), [
    { host: 'q.example.com', port: 993, tls: 'implicit' },
    { host: 'q.example.com', port: 143, tls: 'starttls' },
  ]);
  const listen = [listener(0, 'starttls'), listener(1993, 'implicit'), listener(1993, 'implicit')];
  assert.deepEqual(imapServers(settings({ listen }), [{ port: 1143 }, { port: 1993 }, { port: 1993 }]), [
    { host: 'q.example.com', port: 1993, tls: 'implicit' },
    { host: 'q.example.com', port: 1143, tls: 'starttls' },
  ]);
});

test('mail programs are told what imap.public says, in its order, whatever this process listens on', () => {
  assert.deepEqual(
    imapServers(
      settings({
        public: [
          { port: 143, tls: 'starttls' },
          { host: 'imap.example.com', port: 993, tls: 'implicit' },
        ],
      }),
    ),
    [
      { host: 'q.example.com', port: 143, tls: 'starttls' },
      { host: 'imap.example.com', port: 993, tls: 'implicit' },
    ],
  );
});
