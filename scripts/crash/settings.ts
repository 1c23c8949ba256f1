// The settings of the crash run: everything on free loopback ports, one domain, one login.
import { defaultSettings } from '../../src/settings.ts';
import type { Settings } from '../../src/settings.ts';

export const login = 'alice@example.com';
export const password = 'crash and come back';

export function crashSettings(directory: string, nextHop: string): Settings {
  const defaults = defaultSettings(directory);
  const address = '127.0.0.1';
  return {
    ...defaults,
    hostname: 'quarantine.example.test',
    imap: { ...defaults.imap, listen: [{ address, port: 0, tls: 'implicit', proxyProtocol: false }] },
    intake: [{ protocol: 'lmtp', address, port: 0, folder: 'caught', allow: [], proxyProtocol: false }],
    http: { address, port: 0 },
    delivery: { ...defaults.delivery, outgoing: nextHop },
    training: [{ type: 'maildir', name: 'maildir', path: `${directory}/reports` }],
  };
}
